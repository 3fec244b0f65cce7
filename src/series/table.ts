// All series the agent knows, each once: its labels as encoded bytes in one arena. Ids are dense and never change their meaning;
// a table that has grown old is replaced by a new one that adopts what is still alive, while old frames still refer to it.
import { Buffer } from "node:buffer";
import { decodeBlock } from "./block.ts";
import { hashBytes, lanes } from "./hash.ts";
import type { Label } from "./labels.ts";

export class SeriesTable {
  /** Encoded labels of all series. Replaced when it grows: read it anew each time. */
  arena: Buffer = Buffer.alloc(64 * 1024);
  #view = viewOf(this.arena);
  #end = new Int32Array(1024);
  #size = 0;
  /** Open addressing over the blocks' hash: id + 1, or 0. */
  #index = new Int32Array(4096);
  /** The entity (labels but the name) of each series, numbered in order of appearance. */
  #entity = new Int32Array(1024);
  readonly #entities = new Map<number, number>();
  #positions: Int32Array | undefined;

  get size(): number {
    return this.#size;
  }

  blockStart(id: number): number {
    return id === 0 ? 0 : this.#end[id - 1]!;
  }

  blockEnd(id: number): number {
    return this.#end[id]!;
  }

  labels(id: number): Label[] {
    return decodeBlock(this.arena.subarray(this.blockStart(id), this.blockEnd(id)));
  }

  /** Place in the order of sending, dense from 0: like series next to each other, so that they compress well. */
  rank(id: number): number {
    return this.positions()[id]!;
  }

  /** rank() of all ids; valid until the next intern(). */
  positions(): Int32Array {
    if (this.#positions !== undefined) return this.#positions;
    // Counting sort by entity; ids are in order of appearance already.
    const next = new Int32Array(this.#entities.size + 1);
    for (let id = 0; id < this.#size; id++) next[this.#entity[id]! + 1]!++;
    for (let e = 1; e < next.length; e++) next[e]! += next[e - 1]!;
    const positions = new Int32Array(this.#size);
    for (let id = 0; id < this.#size; id++) positions[id] = next[this.#entity[id]!]!++;
    this.#positions = positions;
    return positions;
  }

  /** The id of the series with these encoded labels (encodeBlock), new or known. `entity`: hash of the labels but the name. */
  intern(block: Uint8Array, entity: number): number {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    hashBytes(block, view, 0, block.length, 0x9e3779b9, 0x85ebca6b);
    const mask = this.#index.length - 1;
    let slot = lanes[0]! & mask;
    for (; ; slot = (slot + 1) & mask) {
      const id = this.#index[slot]! - 1;
      if (id < 0) break;
      if (this.#equals(id, block)) return id;
    }
    const id = this.#append(block, entity);
    this.#index[slot] = id + 1;
    if (this.#size * 2 > this.#index.length) this.#grow();
    return id;
  }

  /** The id here of a series of another table, new or known. */
  adopt(other: SeriesTable, id: number): number {
    // Numbers of entities stay together; the half keeps them apart from hashes.
    return this.intern(other.arena.subarray(other.blockStart(id), other.blockEnd(id)), other.#entity[id]! + 0.5);
  }

  #equals(id: number, block: Uint8Array): boolean {
    const start = this.blockStart(id);
    if (this.blockEnd(id) - start !== block.length) return false;
    return Buffer.compare(this.arena.subarray(start, start + block.length), block) === 0;
  }

  #append(block: Uint8Array, entity: number): number {
    const id = this.#size++;
    const start = this.blockStart(id);
    if (start + block.length > this.arena.length) {
      const grown = Buffer.alloc(Math.max(Math.ceil(this.arena.length * 1.5), start + block.length + 1024));
      grown.set(this.arena.subarray(0, start));
      this.arena = grown;
      this.#view = viewOf(grown);
    }
    this.arena.set(block, start);
    if (id >= this.#end.length) {
      this.#end = wider(this.#end);
      this.#entity = wider(this.#entity);
    }
    this.#end[id] = start + block.length;
    let number = this.#entities.get(entity);
    if (number === undefined) this.#entities.set(entity, (number = this.#entities.size));
    this.#entity[id] = number;
    this.#positions = undefined;
    return id;
  }

  #grow(): void {
    const index = new Int32Array(this.#index.length * 2);
    const mask = index.length - 1;
    for (let id = 0; id < this.#size; id++) {
      hashBytes(this.arena, this.#view, this.blockStart(id), this.blockEnd(id), 0x9e3779b9, 0x85ebca6b);
      let slot = lanes[0]! & mask;
      while (index[slot] !== 0) slot = (slot + 1) & mask;
      index[slot] = id + 1;
    }
    this.#index = index;
  }
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function wider(array: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
