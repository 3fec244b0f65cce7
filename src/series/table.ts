// All series the agent knows, each once, in the memory of an instance of the WebAssembly module (hotpath/assembly/series.ts). Ids are dense
// and never change their meaning; a table that has grown old is replaced by a new one that adopts what is still alive, while old frames
// still refer to it.
import { Instance } from "../hotpath/module.ts";
import type { Seed } from "../platform/random.ts";
import { decodeBlock, scratchBlock } from "./block.ts";
import type { Label } from "./labels.ts";

/** Comparisons in one piece of sorting: some milliseconds. */
export const SORT_PIECE = 20_000;

export class SeriesTable {
  readonly module: Instance;

  /** `seed`: so that nobody can make labels beforehand whose hashes collide. */
  constructor(seed: Seed = [0, 0]) {
    this.module = new Instance(seed);
  }

  get size(): number {
    return this.module.exports.seriesCount();
  }

  labels(id: number): Label[] {
    return decodeBlock(this.block(id));
  }

  /** The encoded labels of a series (encodeBlock), as a copy. */
  block(id: number): Uint8Array {
    const { module } = this;
    const from = module.desk(this.blockBytes(id));
    const to = module.exports.writeBlock(id, from);
    return module.bytes.slice(from, to);
  }

  /** How many bytes its labels take. */
  blockBytes(id: number): number {
    return this.module.exports.blockBytes(id);
  }

  /** 53 bits of hash over its labels: the same wherever the seed is the same. */
  fingerprint(id: number): number {
    return this.module.exports.fingerprint(id);
  }

  /** Place in the order of sending (order.ts), dense from 0. */
  rank(id: number): number {
    return this.module.exports.placeOf(id);
  }

  /** rank() of all ids; void after the next intern(). */
  positions(): Int32Array {
    const at = this.module.exports.placesOfAll();
    return new Int32Array(this.module.exports.memory.buffer, at, this.size);
  }

  /**
   * Brings the order of sending up to date by a piece of work that does not hold up others; false: there is more to do. Whoever asks
   * for places before it is done gets the rest at once.
   */
  sortSome(): boolean {
    return this.module.exports.sortSome(SORT_PIECE) !== 0;
  }

  /** The id of the series with these labels, sorted and legal (exportable()); new or known. */
  intern(labels: readonly Label[]): number {
    return this.#internBlock(scratchBlock(labels));
  }

  /** The id here of a series of another table, new or known. */
  adopt(other: SeriesTable, id: number): number {
    return this.#internBlock(other.block(id));
  }

  #internBlock(block: Uint8Array): number {
    const { module } = this;
    const at = module.desk(block.length);
    module.bytes.set(block, at);
    return module.exports.internBlock(at, block.length);
  }
}
