// Memory of what came and was read: given back at once. The garbage collector would get to it when a hundred megabytes of an answer have
// piled up, and runs more often for them.

/** Smaller ones are not worth it. */
const WORTH_BYTES = 4096;

/** `piece` is void afterwards. Only a buffer that belongs to nothing else is given back: one that the piece has from its first byte to its last. */
export function giveBack({ buffer, byteOffset, length }: Uint8Array): void {
  if (byteOffset === 0 && length === buffer.byteLength && length >= WORTH_BYTES && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}
