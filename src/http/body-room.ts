// Bodies of requests with room before them, where a connection writes the head: both go out in one piece, and nothing is copied.
import { Buffer } from "node:buffer";

/** Most heads are shorter. */
const ROOM_BYTES = 1024;
/** Only what was made here has bytes before it that belong to nobody else. */
class Body extends Uint8Array<ArrayBuffer> {}

/** A body of `length` bytes, to be filled in. It may be sent again and again, but over one connection at a time. */
export function newBody(length: number): Uint8Array<ArrayBuffer> {
  return new Body(new ArrayBuffer(ROOM_BYTES + length), ROOM_BYTES, length);
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
