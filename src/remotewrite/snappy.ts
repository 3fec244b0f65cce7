// The one door to the compressor: snappy block format (remote-write rule 3), by wasm.
import { snappyCompressor } from "hysnappy";

let compressor: ((input: Uint8Array) => Uint8Array) | undefined;

/** A buffer of its own: it is kept until the request is acknowledged. The module is loaded at the first use. */
export function compress(raw: Uint8Array): Uint8Array {
  compressor ??= snappyCompressor();
  return compressor(raw);
}
