// What whoever saves a cursor hands over with it: the memory that belongs to it, as bytes that nobody in here understands.

/** Bytes that stay what they are as long as this object lives: written once, however many memories have them. */
export type Lasting = { bytes(): Uint8Array };

/** A piece, and what lasts, is valid until the next is asked for. */
export type SavedBlob = { pieces: Iterable<Uint8Array>; lasting: readonly Lasting[] };

/** `of`: which memory it is. */
export type SavedMemory = { of: object; blob(): SavedBlob };
