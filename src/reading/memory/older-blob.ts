// A memory as the version before saved it, so that an upgrade does not forget it:
//   A head of doubles: 3, stretchMs, from when on counts are complete, number of the first stretch, stretches.
//   Then blocks of series: how many (a double); their fingerprints, their last timestamps (doubles); for each stretch their counts (16 bits),
//   all of them together filled up to eight bytes.
import { mergedSeries, type RestoredBlob, type RestoredBlock } from "./restored-series.ts";

const VERSION = 3;
const HEAD = 5;

/** `doubles`: of the same bytes. Undefined: of another version, or damaged. */
export function readOlderBlob(doubles: Float64Array, bytes: Uint8Array): RestoredBlob | undefined {
  const [version, stretchMs, from, first, length] = doubles as unknown as [number, number, number, number, number];
  if (version !== VERSION || !Number.isSafeInteger(first) || !Number.isInteger(length) || length < 0) return undefined;
  const blocks: RestoredBlock[] = [];
  for (let at = HEAD; at < doubles.length; ) {
    const size = doubles[at]!;
    const end = at + 1 + 2 * size + Math.ceil((size * length) / 4);
    if (!Number.isInteger(size) || size < 1 || end > doubles.length) break; // damaged
    const [prints, last] = [1, 1 + size].map((from) => doubles.subarray(at + from, at + from + size));
    const counts = new Uint16Array(bytes.buffer, bytes.byteOffset + 8 * (at + 1 + 2 * size), size * length);
    const column = (i: number) => Float64Array.from(counts.subarray(i * size, (i + 1) * size));
    const columns = () => [last!, ...Array.from({ length }, (_, i) => column(i))];
    blocks.push({ prints: prints!, first, length, columns });
    at = end;
  }
  return mergedSeries({ stretchMs, from, since: Number.NEGATIVE_INFINITY }, blocks);
}
