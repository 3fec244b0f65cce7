// The body of a remote-write 1.0 request: WriteRequest in snappy block format (rules 2, 3, 5, 6, 15), encoded and compressed at once by
// the WebAssembly module (hotpath/assembly/encoding/encode.ts).
import type { Span } from "../batch/batch.ts";
import { newBody } from "../http/body-room.ts";

/** Receivers refuse more than 32 MiB decoded; half of that leaves room for everybody. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The request's body for a span: a copy of its own, it is kept until the request is acknowledged. */
export function encodeBody(span: Span): Uint8Array {
  const { frame, firstRun, endRun, firstSample, endSample } = span;
  const { module } = frame.table;
  const { exports } = module;
  const runs = endRun - firstRun;
  const samples = endSample - firstSample;
  // Columns of eight bytes first, then smaller ones, then room for the body, plain and compressed.
  const columns = 17 * samples + 8 * runs;
  const bound = encodedSize(span);
  const timestamps = module.desk(columns + bound + (bound + bound / 6 + 64));
  const values = timestamps + 8 * samples;
  const ids = values + 8 * samples;
  const ends = ids + 4 * runs;
  const stale = ends + 4 * runs;
  const raw = timestamps + columns;
  const { bytes, ints, doubles } = module.views;
  doubles.set(frame.timestamps.subarray(firstSample, endSample), timestamps / 8);
  doubles.set(frame.values.subarray(firstSample, endSample), values / 8);
  ints.set(frame.runSeries.subarray(firstRun, endRun), ids / 4);
  for (let i = 0; i < runs; i++)
    ints[ends / 4 + i] = Math.min(frame.runStart[firstRun + i + 1]!, endSample) - firstSample;
  bytes.set(frame.stale.subarray(firstSample, endSample), stale);
  const length = exports.encode(ids, ends, runs, timestamps, values, stale, raw, raw + bound);
  const start = exports.bodyStart();
  const body = newBody(length);
  body.set(module.bytes.subarray(start, start + length));
  module.clearDesk();
  return body;
}

/** Bytes that a span takes before it is compressed, at most. */
export function encodedSize({ frame, firstRun, endRun, firstSample, endSample }: Span): number {
  const { module } = frame.table;
  const ids = module.desk(4 * (endRun - firstRun));
  module.views.ints.set(frame.runSeries.subarray(firstRun, endRun), ids / 4);
  return module.exports.bodyBound(ids, endRun - firstRun, endSample - firstSample);
}
