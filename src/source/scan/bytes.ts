// Looking at the bytes of a JSON text without parsing it.
import { Buffer } from "node:buffer";

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPEN = 0x5b;
const BACKSLASH = 0x5c;
export const CLOSE = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! <= 0x20) at++;
  return at;
}

/** Past the brace or bracket that closes the one at `from`, strings respected; -1 while it has not arrived. */
export function endOfNesting(bytes: Uint8Array, from: number): number {
  let open = 0;
  let inString = false;
  for (let i = from; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (inString) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if (c === OPEN_BRACE || c === OPEN) open++;
    else if ((c === CLOSE_BRACE || c === CLOSE) && --open === 0) return i + 1;
  }
  return -1;
}

/** A copy-free Buffer over the same bytes. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
