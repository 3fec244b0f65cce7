// A memory as the state store keeps it: what changes with each read in packed columns (packed.ts), and fingerprints, which are written
// once (saved-names.ts). All numbers are little-endian, all parts multiples of eight bytes:
//   Pieces: a head of doubles: version, stretchMs, from when on counts are complete, `since`. Then a block for each of the names that
//   last: 2, how many series (doubles), first stretch, stretches; packed, their last timestamps, and their counts of each stretch.
//   What lasts: for each block 1, how many series, their fingerprints (doubles). Then blocks of what was restored, each after its names.
import type { EpochMs } from "../../platform/clock.ts";
import type { Column } from "./column.ts";
import { readOlderBlob } from "./older-blob.ts";
import { BLOCK, pack, packEqual, packedBytes, packedEnd, unpack } from "./packed.ts";
import type { RecentCounts } from "./recent-counts.ts";
import { mergedSeries, type RestoredBlob, type RestoredBlock, type RestoredSeries } from "./restored-series.ts";
import { type Lasting, NAMES, type NamedBlock, namesOf, type SavedNames } from "./saved-names.ts";

const VERSION = 4;
const HEAD_BYTES = 32;
const COLUMNS = 2;
const BLOCK_BYTES = 32;
/** A million series are never held at once. At least one column. */
const PIECE_BYTES = 64 * 1024;

export type Remembered = {
  /** By series id; -Infinity: not seen. */
  last: Float64Array;
  taken: RecentCounts;
  /** From before a restart: series that were seen since are in the columns too. */
  saved: RestoredSeries | undefined;
  names: SavedNames;
};

/** What is filled and packed at once. */
const scratch = new Float64Array(BLOCK);

/** The series with a timestamp newer than `since`. A piece is valid until the next is asked for. */
export function blobOf(memory: Remembered, since: EpochMs): { lasting: Lasting[]; pieces: Iterable<Uint8Array> } {
  const { last, taken, saved, names } = memory;
  const blocks = names.of(last, since);
  const restored =
    saved === undefined ? [] : names.restored([saved, taken.restored], () => restoredBlocks(saved, taken));
  return {
    lasting: [...blocks.map((block) => block.names), ...restored],
    pieces: piecesOf(blocks, last, taken, since),
  };
}

function* piecesOf(
  blocks: NamedBlock[],
  last: Float64Array,
  taken: RecentCounts,
  since: EpochMs,
): Iterable<Uint8Array> {
  const { first, length } = taken.span;
  const most = blocks.reduce((sum, { size }) => sum + BLOCK_BYTES + (1 + length) * packedBytes(size), HEAD_BYTES);
  const buffer = new ArrayBuffer(Math.min(PIECE_BYTES, most));
  new Float64Array(buffer, 0, 4).set([VERSION, taken.stretchMs, taken.from, since]);
  let end = HEAD_BYTES;
  for (const block of blocks) {
    const { from, size, ids } = block;
    const values = scratch.subarray(0, size);
    if (end + BLOCK_BYTES > buffer.byteLength) {
      yield new Uint8Array(buffer, 0, end);
      end = 0;
    }
    new Float64Array(buffer, end, 4).set([COLUMNS, size, first, length]);
    end += BLOCK_BYTES;
    for (let i = -1; i < length; i++) {
      if (end + packedBytes(size) > buffer.byteLength) {
        yield new Uint8Array(buffer, 0, end);
        end = 0;
      }
      const column = i < 0 ? undefined : taken.column(first + i);
      const ofAll = i < 0 || ids !== undefined ? undefined : column === undefined ? 0 : column.ofAll(from, size);
      if (ofAll !== undefined) {
        end = packEqual(ofAll, buffer, end);
        continue;
      }
      if (ids !== undefined) gather(values, ids, i < 0 ? last : column);
      else if (column === undefined) values.set(last.subarray(from, from + size));
      else column.copy(from, values);
      end = pack(values, buffer, end);
    }
  }
  yield new Uint8Array(buffer, 0, end);
}

function gather(values: Float64Array, ids: Int32Array, of: Float64Array | Column | undefined): void {
  if (of instanceof Float64Array) for (let j = 0; j < values.length; j++) values[j] = of[ids[j]!]!;
  else if (of === undefined) values.fill(0);
  else for (let j = 0; j < values.length; j++) values[j] = of.get(ids[j]!);
}

/** What was restored does not change: it lasts as a whole. */
function restoredBlocks(saved: RestoredSeries, taken: RecentCounts): Lasting[] {
  const blocks: Lasting[] = [];
  const { first, length } = taken.restored ?? { first: 0, length: 0 };
  for (let from = 0; from < saved.size; from += BLOCK) {
    const size = Math.min(BLOCK, saved.size - from);
    const bytes = () => {
      const block = new Uint8Array(16 + 8 * size + BLOCK_BYTES + (1 + length) * packedBytes(size));
      const values = scratch.subarray(0, size);
      let end = namesOf(size, (i) => saved.print(from + i), block).length;
      new Float64Array(block.buffer, end, 4).set([COLUMNS, size, first, length]);
      end += BLOCK_BYTES;
      for (let i = -1; i < length; i++) {
        for (let j = 0; j < size; j++)
          values[j] = i < 0 ? saved.last(from + j) : taken.savedCount(first + i, saved.print(from + j));
        end = pack(values, block.buffer, end);
      }
      return block.subarray(0, end);
    };
    blocks.push({ bytes });
  }
  return blocks;
}

/** The pieces of blobOf(), and after them what lasts, as one. Undefined: of another version, or damaged. */
export function readBlob(blob: Uint8Array): RestoredBlob | undefined {
  const bytes = blob.byteOffset % 8 === 0 ? blob : blob.slice();
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8));
  if (doubles[0] !== VERSION) return readOlderBlob(doubles, bytes);
  const [, stretchMs, from, since] = doubles as unknown as number[];
  const names: Float64Array[] = [];
  const blocks: (Omit<RestoredBlock, "prints"> & { size: number })[] = [];
  for (let at = HEAD_BYTES / 8; at < doubles.length; ) {
    const size = doubles[at + 1]!;
    if (!Number.isInteger(size) || size < 1 || size > BLOCK) return undefined;
    if (doubles[at] === NAMES) {
      names.push(doubles.subarray(at + 2, (at += 2 + size)));
      continue;
    }
    const [first, length] = [doubles[at + 2]!, doubles[at + 3]!];
    if (doubles[at] !== COLUMNS || !Number.isSafeInteger(first) || !Number.isInteger(length)) return undefined;
    const begins: number[] = [];
    let end: number | undefined = 8 * (at + 4);
    for (let i = -1; i < length; i++) {
      begins.push(end);
      end = packedEnd(bytes, end, size);
      if (end === undefined) return undefined;
    }
    blocks.push({ size, first, length, columns: () => begins.map((begin) => unpack(bytes, begin, size)) });
    at = end / 8;
  }
  if (names.length !== blocks.length || names.some((prints, i) => prints.length !== blocks[i]!.size)) return undefined;
  return mergedSeries(
    { stretchMs: stretchMs!, from: from!, since: since! },
    blocks.map((block, i) => ({ ...block, prints: names[i]! })),
  );
}
