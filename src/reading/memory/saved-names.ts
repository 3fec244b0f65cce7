// The fingerprints that a memory is saved with, in blocks that are written once: they are most of it and hardly ever change, while its
// timestamps change with each read.
import type { SeriesTable } from "../../series/table.ts";
import { fingerprints } from "./fingerprints.ts";
import { BLOCK } from "./packed.ts";

/** Bytes that stay what they are as long as this object lives; they are made when they are asked for, and valid until the next are. */
export type Lasting = { bytes(): Uint8Array };

/** Series of a memory that are saved together. */
export type NamedBlock = {
  /** Ids from here on: */
  from: number;
  /** as many, */
  size: number;
  /** or, if that is not all there are, these. */
  ids: Int32Array | undefined;
  names: Lasting;
};

export const NAMES = 1;
const ids = new Int32Array(BLOCK);

/** Goes from one version of a memory to the next: what was saved of one is not saved again of the other. */
export class SavedNames {
  readonly #table: SeriesTable;
  #blocks: (NamedBlock | undefined)[] = [];
  #restored: { of: readonly [unknown, unknown]; blocks: readonly Lasting[] } | undefined;

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** The series with a timestamp newer than `since`, by id; a block whose series are those of the call before is the same object. */
  of(last: Float64Array, since: number): NamedBlock[] {
    const blocks: (NamedBlock | undefined)[] = [];
    for (let from = 0; from < last.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, last.length);
      let size = 0;
      for (let id = from; id < to; id++) if (last[id]! > since) ids[size++] = id;
      const before = this.#blocks[from / BLOCK];
      if (size === 0) blocks.push(undefined);
      else if (before !== undefined && isOf(before, size, size === to - from)) blocks.push(before);
      else blocks.push(this.#block(from, size, size === to - from ? undefined : ids.slice(0, size)));
    }
    this.#blocks = blocks;
    return blocks.filter((block) => block !== undefined);
  }

  #block(from: number, size: number, members: Int32Array | undefined): NamedBlock {
    const table = this.#table;
    const bytes = () => {
      const prints = fingerprints(table, members === undefined ? from + size : members[size - 1]! + 1);
      return namesOf(size, (i) => prints[members === undefined ? from + i : members[i]!]!);
    };
    return { from, size, ids: members, names: { bytes } };
  }

  /** What `make` makes, once as long as it is made of the same. */
  restored(of: readonly [unknown, unknown], make: () => readonly Lasting[]): readonly Lasting[] {
    const same = this.#restored !== undefined && of.every((part, i) => part === this.#restored!.of[i]);
    if (!same) this.#restored = { of, blocks: make() };
    return this.#restored!.blocks;
  }
}

/** Is it a block of the first `size` of `ids`? */
function isOf(block: NamedBlock, size: number, all: boolean): boolean {
  if (block.size !== size || all !== (block.ids === undefined)) return false;
  return all || block.ids!.every((id, i) => id === ids[i]);
}

/** Used again by each call that does not bring its own. */
const scratch = new Uint8Array(16 + 8 * BLOCK);

export function namesOf(size: number, print: (i: number) => number, into = scratch): Uint8Array<ArrayBuffer> {
  const doubles = new Float64Array(into.buffer, 0, 2 + size);
  doubles[0] = NAMES;
  doubles[1] = size;
  for (let i = 0; i < size; i++) doubles[2 + i] = print(i);
  return into.subarray(0, doubles.byteLength);
}
