// A memory as the state store keeps it, in columns: 10,000 series are saved each second by copying five columns, not a field at a time.
//   A header of doubles: version, stretchMs, from when on counts are complete, number of the first stretch, stretches.
//   Then blocks of series: how many (a double); their fingerprints, their last timestamps (doubles); for each stretch their counts (16 bits),
//   all of them together filled up to eight bytes. Little-endian.
import type { EpochMs } from "../../platform/clock.ts";
import type { RecentCounts } from "./recent-counts.ts";
import { type RestoredCounts, RestoredSeries } from "./restored-series.ts";

const VERSION = 3;
const HEAD = 5;
const HEAD_BYTES = 8 * HEAD;
/** A million series take 26 MB, which are never held at once. */
const PIECE_BYTES = 512 * 1024;

const blockBytes = (series: number, stretches: number): number =>
  8 + 16 * series + 8 * Math.ceil((series * stretches) / 4);

export type Remembered = {
  /** By series id; -Infinity: not seen. */
  last: Float64Array;
  prints: Float64Array;
  taken: RecentCounts;
  /** From before a restart: series that were seen since are in the columns too. */
  saved: RestoredSeries | undefined;
};

/** Whole blocks, of series with a timestamp newer than `since`, the header before the first; each is valid until the next is asked for. */
export function* blobPieces({ last, prints, taken, saved }: Remembered, since: EpochMs): Iterable<Uint8Array> {
  const { first, length } = taken.span;
  const most = Math.max(1, Math.floor((PIECE_BYTES - HEAD_BYTES - 16) / (16 + 2 * length)));
  const room = Math.min(most, Math.max(1, last.length, saved?.size ?? 0));
  const buffer = new ArrayBuffer(HEAD_BYTES + blockBytes(room, length));
  new Float64Array(buffer, 0, HEAD).set([VERSION, taken.stretchMs, taken.from, first, length]);
  let begin = 0;
  const block = (series: number): { print: Float64Array; time: Float64Array; counts: Uint16Array } => {
    new Float64Array(buffer, HEAD_BYTES, 1)[0] = series;
    return {
      print: new Float64Array(buffer, HEAD_BYTES + 8, series),
      time: new Float64Array(buffer, HEAD_BYTES + 8 + 8 * series, series),
      counts: new Uint16Array(buffer, HEAD_BYTES + 8 + 16 * series, series * length),
    };
  };
  const piece = (series: number): Uint8Array => {
    const bytes = new Uint8Array(buffer, begin, HEAD_BYTES - begin + (series === 0 ? 0 : blockBytes(series, length)));
    begin = HEAD_BYTES;
    return bytes;
  };
  const seen = new Uint8Array(saved?.size ?? 0);
  const columns = Array.from({ length }, (_, i) => taken.column(first + i));
  const ids = new Int32Array(room);
  const printOf = (id: number) => prints[id]!;
  for (let from = 0; from < last.length; from += room) {
    const to = Math.min(from + room, last.length);
    let n = 0;
    for (let id = from; id < to; id++) if (last[id]! > since) ids[n++] = id;
    if (n === 0) continue;
    const { print, time, counts } = block(n);
    if (n === to - from && saved === undefined) {
      print.set(prints.subarray(from, to));
      time.set(last.subarray(from, to));
      for (let i = 0; i < length; i++) {
        const of = counts.subarray(i * n, (i + 1) * n);
        if (columns[i] === undefined) of.fill(0);
        else columns[i]!.copy(from, of);
      }
    } else
      for (let j = 0; j < n; j++) {
        const id = ids[j]!;
        print[j] = prints[id]!;
        time[j] = last[id]!;
        const known = saved === undefined ? -1 : saved.find(prints[id]!);
        if (known >= 0) seen[known] = 1;
        for (let i = 0; i < length; i++) counts[i * n + j] = Math.min(0xffff, taken.count(first + i, id, printOf));
      }
    yield piece(n);
  }
  for (let s = 0; saved !== undefined && s < saved.size; ) {
    let n = 0;
    for (; s < saved.size && n < room; s++) if (seen[s] === 0 && saved.last(s) > since) ids[n++] = s;
    if (n === 0) break;
    const { print, time, counts } = block(n);
    for (let j = 0; j < n; j++) {
      print[j] = saved.print(ids[j]!);
      time[j] = saved.last(ids[j]!);
      for (let i = 0; i < length; i++) counts[i * n + j] = taken.savedCount(first + i, print[j]!);
    }
    yield piece(n);
  }
  if (begin === 0) yield piece(0);
}

/** Undefined: of another version, or damaged. */
export function readBlob(blob: Uint8Array): (RestoredCounts & { stretchMs: number; from: EpochMs }) | undefined {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const double = (at: number) => view.getFloat64(at, true);
  if (blob.byteLength < HEAD_BYTES || double(0) !== VERSION) return undefined;
  const [stretchMs, from, first, length] = [double(8), double(16), double(24), double(32)];
  if (!Number.isInteger(length) || length < 0 || !Number.isFinite(from + first)) return undefined;
  const blocks: { at: number; series: number }[] = [];
  let most = 0;
  for (let at = HEAD_BYTES; at + 8 <= blob.byteLength; ) {
    const series = double(at);
    if (!Number.isInteger(series) || series < 1 || at + blockBytes(series, length) > blob.byteLength) break; // damaged
    blocks.push({ at: at + 8, series });
    most += series;
    at += blockBytes(series, length);
  }
  const series = new RestoredSeries(most);
  const counts = new Uint16Array(most * length);
  for (const { at, series: n } of blocks)
    for (let j = 0; j < n; j++) {
      const [print, time] = [double(at + 8 * j), double(at + 8 * (n + j))];
      if (!Number.isSafeInteger(print) || print < 0 || !Number.isFinite(time)) continue; // damaged
      const row = length * series.set(print, time);
      for (let i = 0; i < length; i++) counts[row + i] = view.getUint16(at + 16 * n + 2 * (i * n + j), true);
    }
  return { stretchMs, from, first, length, series, counts };
}
