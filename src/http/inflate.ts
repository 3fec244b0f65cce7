// A gzip body in, its content out, within bounds: a response that inflates to more is aborted.
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { HttpBroken } from "./http.ts";

/** A body that was worth sending does not shrink by more; the format's own limit is 1032. */
const MOST_RATIO = 300;
/** Below this the ratio says nothing. */
const SMALL_BYTES = 32 << 20;

export const TOO_LARGE = "TOO_LARGE";

export async function* inflated(
  pieces: AsyncIterable<Uint8Array>,
  coding: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  if (coding !== "gzip" && coding !== "x-gzip")
    throw broken("CODING", "the response has a content coding that was not requested");
  let packed = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      packed += piece.length;
      yield piece;
    }
  };
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  pipeline(Readable.from(counted()), gunzip, () => {}); // an error of the source comes out of gunzip
  let length = 0;
  try {
    for await (const piece of gunzip) {
      length += (piece as Uint8Array).length;
      if (length > maxBytes) throw broken(TOO_LARGE, `the response is larger than ${maxBytes} bytes once inflated`);
      if (length > SMALL_BYTES && length > packed * MOST_RATIO)
        throw broken(TOO_LARGE, `the response inflates to more than ${MOST_RATIO} times its size`);
      yield piece as Uint8Array;
    }
  } catch (error) {
    if (error instanceof HttpBroken) throw error;
    throw broken((error as { code?: string }).code ?? "GZIP", `the gzip body is damaged (${(error as Error).message})`);
  } finally {
    gunzip.destroy();
  }
}

const broken = (code: string, message: string): HttpBroken => new HttpBroken({ kind: "protocol", code, message });
