// Remote write 1.0: one walk over a span's columns, label bytes copied, timestamps and values written (rules 2, 5, 6, 15).
//   WriteRequest{ repeated TimeSeries timeseries = 1 }  TimeSeries{ repeated Label labels = 1; repeated Sample samples = 2 }
//   Sample{ double value = 1; int64 timestamp = 2 }
import type { Span } from "../batch/batch.ts";
import { OVERSHOOT } from "../series/pairs.ts";

/** Receivers refuse more than 32 MiB decoded; half of that leaves room for everybody. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

let out = new Uint8Array(256 * 1024);
let view = new DataView(out.buffer);

/** The bits 0x7ff0000000000002, which a number cannot carry under Bun: written as two halves. */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

/** The WriteRequest of a span, uncompressed. The bytes are valid until the next call. */
export function encodeWriteRequest(span: Span): Uint8Array {
  const { frame } = span;
  const { table, runSeries, runStart, timestamps, values, stale } = frame;
  let at = 0;
  // The series before and where its labels stand.
  let before = -1;
  let labelsAt = 0;
  for (let run = span.firstRun; run < span.endRun; run++) {
    const from = Math.max(span.firstSample, runStart[run]!);
    const to = Math.min(span.endSample, runStart[run + 1]!);
    const series = runSeries[run]!;
    const labels = table.blockBytes(series);
    // Tag, length, double, tag, varint: at most 24 bytes a sample.
    reserve(at, 16 + labels + OVERSHOOT + (to - from) * 24);
    let size = labels;
    for (let i = from; i < to; i++) size += 2 + sampleSize(timestamps[i]!);
    out[at++] = 0x0a;
    at = varint(at, size);
    table.copyBlock(series, out, view, at, before, labelsAt);
    before = series;
    labelsAt = at;
    at += labels;
    for (let i = from; i < to; i++) {
      const ts = timestamps[i]!;
      out[at++] = 0x12;
      out[at++] = sampleSize(ts);
      out[at++] = 0x09;
      if (stale[i] === 1) {
        view.setUint32(at, STALE_LOW, true);
        view.setUint32(at + 4, STALE_HIGH, true);
      } else view.setFloat64(at, values[i]!, true);
      at += 8;
      out[at++] = 0x10;
      at = int64(at, ts);
    }
  }
  return out.subarray(0, at);
}

/** Bytes that a span takes uncompressed. */
export function encodedSize(span: Span): number {
  const { table, runSeries, runStart } = span.frame;
  let size = 0;
  for (let run = span.firstRun; run < span.endRun; run++) {
    const samples = Math.min(span.endSample, runStart[run + 1]!) - Math.max(span.firstSample, runStart[run]!);
    size += 6 + table.blockBytes(runSeries[run]!) + samples * 22;
  }
  return size;
}

function reserve(at: number, bytes: number): void {
  if (at + bytes <= out.length) return;
  const grown = new Uint8Array(Math.max(out.length * 2, at + bytes));
  grown.set(out.subarray(0, at));
  out = grown;
  view = new DataView(out.buffer);
}

/** Value with tag (9), timestamp with tag. Always below 128: its length takes one byte. */
function sampleSize(ts: number): number {
  if (ts < 0) return 20;
  // 2^35, 2^42: six bytes from 2004 to 2109.
  if (ts >= 0x800000000 && ts < 0x40000000000) return 16;
  let n = 1;
  for (let left = ts; left >= 0x80; left = Math.floor(left / 0x80)) n++;
  return 10 + n;
}

function varint(start: number, value: number): number {
  let at = start;
  let n = value;
  while (n >= 0x80) {
    out[at++] = (n & 0x7f) | 0x80;
    n >>>= 7;
  }
  out[at++] = n;
  return at;
}

/** A whole number of milliseconds as int64 varint, without BigInt; negative ones in two's complement of ten bytes. */
function int64(start: number, ms: number): number {
  let at = start;
  if (ms >= 0) {
    let high = Math.floor(ms / 0x10000000);
    let low = ms - high * 0x10000000;
    if (high === 0) return varint(at, low);
    for (let i = 0; i < 4; i++) {
      out[at++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    while (high >= 0x80) {
      out[at++] = (high % 0x80) | 0x80;
      high = Math.floor(high / 0x80);
    }
    out[at++] = high;
    return at;
  }
  let left = -ms - 1; // two's complement: the inverted bits of -ms - 1
  for (let i = 0; i < 9; i++) {
    out[at++] = (~(left % 0x80) & 0x7f) | 0x80;
    left = Math.floor(left / 0x80);
  }
  out[at++] = 1;
  return at;
}
