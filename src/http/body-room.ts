// Bodies of requests with room before them, where a connection writes the head: both go out in one piece, and nothing is copied. A body
// that is done with gives its memory to the next one: fresh memory costs as much as half of encoding into it.
import { Buffer } from "node:buffer";

/** Most heads are shorter. */
const ROOM_BYTES = 1024;
/** Memory of bodies comes in pieces of so many bytes more each, so that the next one fits as well. */
const STEP_BYTES = 4096;
/** Larger ones are rare, and are left to the garbage collector. */
const KEEP_BYTES = 64 * 1024;
/** Most sinks have four requests in flight. */
const KEPT = 16;

/** Only what was made here has bytes before it that belong to nobody else. */
class Body extends Uint8Array<ArrayBuffer> {
  /** Writes of a connection that have not ended. */
  writes = 0;
}

const spare: ArrayBuffer[] = [];

/**
 * A body of `length` bytes, to be filled in: what is in it is not defined. It may be sent again and again, but over one connection at a
 * time.
 */
export function newBody(length: number): Uint8Array<ArrayBuffer> {
  const bytes = ROOM_BYTES + length;
  const at = bytes <= KEEP_BYTES ? spare.findLastIndex((buffer) => buffer.byteLength >= bytes) : -1;
  const buffer = at >= 0 ? spare.splice(at, 1)[0]! : new ArrayBuffer(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
  return new Body(buffer, ROOM_BYTES, length);
}

/**
 * `body` is void from here on, if newBody() made it: its memory is used again. Whoever says so holds the only reference. One that a
 * connection has not written to its end, or never will, is left to the garbage collector.
 */
export function doneWith(body: Uint8Array): void {
  if (!(body instanceof Body) || body.writes > 0 || spare.length === KEPT || body.buffer.byteLength > KEEP_BYTES)
    return;
  spare.push(body.buffer);
}

/** A connection begins to write a body: it is not used again before written(). */
export function writing(body: Uint8Array): void {
  if (body instanceof Body) body.writes++;
}

export function written(body: Uint8Array): void {
  if (body instanceof Body) body.writes--;
}

/** `head` (latin1) and `body` in one piece: a copy where there is no room before it. */
export function withHead(head: string, body: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = body;
  if (hasRoom(body) && byteOffset === ROOM_BYTES && head.length <= ROOM_BYTES) {
    const whole = Buffer.from(buffer, ROOM_BYTES - head.length, head.length + length);
    whole.write(head, 0, "latin1");
    return whole;
  }
  const whole = Buffer.allocUnsafe(head.length + length);
  whole.write(head, 0, "latin1");
  whole.set(body, head.length);
  return whole;
}

/** Is there room before a body? */
export const hasRoom = (body: Uint8Array): boolean => body instanceof Body;
