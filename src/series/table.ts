// All series the agent knows, each once. Ids are dense and never change their meaning; a table that has grown old is replaced by a new
// one that adopts what is still alive, while old frames still refer to it.
//   a series = its name (a pair) + its entity      an entity = the list of all its other labels      a pair = a label's bytes, once
// So a series takes some twenty bytes, where its labels take three hundred.
import { decodeBlock } from "./block.ts";
import { release, wider } from "./columns.ts";
import { HashIndex } from "./hash-index.ts";
import type { Label } from "./labels.ts";
import { countingSort, SendingOrder } from "./order.ts";
import { OVERSHOOT, Pairs } from "./pairs.ts";

/** In an entity's list: where the name goes. In place of a series' name: it has none. */
const NAME = -1;
/** An entity's list begins with how many bytes its labels take, and how many of them come before the name. */
const HEAD = 2;

export class SeriesTable {
  readonly #pairs = new Pairs();
  readonly #series = new HashIndex(
    (id) => this.#hash(id),
    (id) => this.#name[id] === this.#name[this.size] && this.#entity[id] === this.#entity[this.size],
  );
  #name = new Int32Array(1024);
  #newName = NAME;
  #entity = new Int32Array(1024);
  /** Entities are numbered in order of appearance. */
  readonly #entities = new HashIndex(
    (entity) => this.#hashEntity(entity),
    (entity) => this.#isLastEntity(entity),
  );
  #lists = new Int32Array(1024);
  #listEnd = new Int32Array(1024);
  /** Pairs that are names of series, numbered; by pair + 1, its number + 1. Looked through for the first so many series. */
  readonly #names: number[] = [];
  #nameNumbers = new Int32Array(1024);
  #namesSeen = 0;
  readonly #nameOrder = new SendingOrder((a, b) => this.#pairs.compare(this.#names[a]!, this.#names[b]!));
  readonly #entityOrder = new SendingOrder(
    (a, b) => this.#compareEntities(a, b, false) || this.#compareEntities(a, b, true),
  );
  #positions = new Int32Array(0);

  get size(): number {
    return this.#series.size;
  }

  labels(id: number): Label[] {
    return decodeBlock(this.block(id));
  }

  /** The encoded labels of a series (encodeBlock), as a copy. */
  block(id: number): Uint8Array {
    const bytes = new Uint8Array(this.blockBytes(id) + OVERSHOOT);
    this.copyBlock(id, bytes, new DataView(bytes.buffer), 0);
    return bytes.subarray(0, -OVERSHOOT);
  }

  /** How many bytes its labels take. */
  blockBytes(id: number): number {
    const name = this.#name[id]!;
    return this.#lists[this.#listStart(this.#entity[id]!)]! + (name === NAME ? 0 : this.#pairs.bytes(name));
  }

  /**
   * Writes the encoded labels of a series at `at`, and up to OVERSHOOT bytes more. `view` covers the same bytes as `to`. `like`: a series
   * whose labels stand at `likeAt` there already; one of the same entity is a third of the work.
   */
  copyBlock(id: number, to: Uint8Array, view: DataView, at: number, like = -1, likeAt = 0): void {
    const name = this.#name[id]!;
    const entity = this.#entity[id]!;
    const start = this.#listStart(entity);
    let next = at;
    if (like >= 0 && this.#entity[like] === entity && name !== NAME) {
      const before = this.#lists[start + 1]!;
      const likeEnd = likeAt + this.blockBytes(like);
      if (before > 0) to.copyWithin(at, likeAt, likeAt + before);
      next = this.#pairs.copy(name, view, at + before);
      to.copyWithin(next, likeAt + before + this.#pairs.bytes(this.#name[like]!), likeEnd);
      return;
    }
    for (let i = start + HEAD; i < this.#listEnd[entity]!; i++) {
      const pair = this.#lists[i]!;
      next = this.#pairs.copy(pair === NAME ? name : pair, view, next);
    }
  }

  /** Place in the order of sending, dense from 0: like series next to each other, so that they compress well. */
  rank(id: number): number {
    return this.positions()[id]!;
  }

  /** rank() of all ids; valid until the next intern(). */
  positions(): Int32Array {
    const { size } = this;
    if (this.#positions.length === size) return this.#positions;
    this.#numberNames();
    const entities = this.#entityOrder.positions(this.#entities.size);
    const names = this.#nameOrder.positions(this.#names.length);
    const ids = Int32Array.from({ length: size }, (_, id) => id);
    const byName = countingSort(ids, names.length, (id) => names[this.#nameNumbers[this.#name[id]! + 1]! - 1]!);
    const order = countingSort(byName, entities.length, (id) => entities[this.#entity[id]!]!);
    const positions = new Int32Array(size);
    for (let place = 0; place < size; place++) positions[order[place]!] = place;
    release(ids, byName, order, this.#positions);
    this.#positions = positions;
    return positions;
  }

  /** The id of the series with these labels, sorted and legal (exportable()); new or known. */
  intern(labels: readonly Label[]): number {
    this.begin();
    for (const [name, value] of labels) this.#add(this.#pairs.intern(name, value), name === "__name__");
    return this.end();
  }

  // The same without an object for a label, since a first answer may have a million series: begin(), its labels one by one, end().

  begin(): void {
    const last = this.#entities.size;
    const start = this.#listStart(last);
    this.#lists = wider(this.#lists, start + HEAD);
    this.#listEnd = wider(this.#listEnd, last + 1);
    this.#lists[start] = 0;
    this.#lists[start + 1] = 0;
    this.#listEnd[last] = start + HEAD;
    this.#newName = NAME;
  }

  /** A label of the series that was begun, as UTF-8; `isName`: it is `__name__`. */
  add(bytes: Uint8Array, nameFrom: number, nameTo: number, valueFrom: number, valueTo: number, isName: boolean): void {
    this.#add(this.#pairs.internBytes(bytes, nameFrom, nameTo, valueFrom, valueTo), isName);
  }

  end(): number {
    const id = this.size;
    const entity = this.#entities.intern(this.#hashEntity(this.#entities.size));
    this.#name = wider(this.#name, id + 1);
    this.#entity = wider(this.#entity, id + 1);
    this.#name[id] = this.#newName;
    this.#entity[id] = entity;
    return this.#series.intern(this.#hash(id));
  }

  /** The id here of a series of another table, new or known. */
  adopt(other: SeriesTable, id: number): number {
    const entity = other.#entity[id]!;
    this.begin();
    for (let i = other.#listStart(entity) + HEAD; i < other.#listEnd[entity]!; i++) {
      const pair = other.#lists[i]!;
      this.#add(this.#pairs.adopt(other.#pairs, pair === NAME ? other.#name[id]! : pair), pair === NAME);
    }
    return this.end();
  }

  /** The list of what may be a new entity is written behind those of the others. */
  #add(pair: number, isName: boolean): void {
    const last = this.#entities.size;
    const start = this.#listStart(last);
    const end = this.#listEnd[last]!;
    if (isName) {
      this.#newName = pair;
      this.#lists[start + 1] = this.#lists[start]!;
    } else this.#lists[start]! += this.#pairs.bytes(pair);
    this.#lists = wider(this.#lists, end + 1);
    this.#lists[end] = isName ? NAME : pair;
    this.#listEnd[last] = end + 1;
  }

  #listStart(entity: number): number {
    return entity === 0 ? 0 : this.#listEnd[entity - 1]!;
  }

  /** By those labels of two entities that tell the parts of a histogram apart, or by the others. */
  #compareEntities(a: number, b: number, parts: boolean): number {
    const lists = this.#lists;
    const aEnd = this.#listEnd[a]!;
    const bEnd = this.#listEnd[b]!;
    for (let i = this.#listStart(a) + HEAD, j = this.#listStart(b) + HEAD; ; i++, j++) {
      while (i < aEnd && (lists[i] === NAME || this.#pairs.isPart(lists[i]!) !== parts)) i++;
      while (j < bEnd && (lists[j] === NAME || this.#pairs.isPart(lists[j]!) !== parts)) j++;
      if (i === aEnd || j === bEnd) return Number(i < aEnd) - Number(j < bEnd);
      if (lists[i] !== lists[j]) return this.#pairs.compare(lists[i]!, lists[j]!);
    }
  }

  #numberNames(): void {
    this.#nameNumbers = wider(this.#nameNumbers, this.#pairs.size + 1);
    for (; this.#namesSeen < this.size; this.#namesSeen++) {
      const name = this.#name[this.#namesSeen]!;
      if (this.#nameNumbers[name + 1] === 0) this.#nameNumbers[name + 1] = this.#names.push(name);
    }
  }

  #hash(id: number): number {
    const h = Math.imul(this.#name[id]! ^ Math.imul(this.#entity[id]!, 0x9e3779b1), 0x85ebca6b);
    return h ^ (h >>> 15);
  }

  #hashEntity(entity: number): number {
    let h = 0;
    for (let i = this.#listStart(entity); i < this.#listEnd[entity]!; i++) {
      h = Math.imul(h ^ this.#lists[i]!, 0x2c1b3c6d);
      h ^= h >>> 15;
    }
    return h;
  }

  #isLastEntity(entity: number): boolean {
    const start = this.#listStart(entity);
    const last = this.#listStart(this.#entities.size);
    const length = this.#listEnd[entity]! - start;
    if (length !== this.#listEnd[this.#entities.size]! - last) return false;
    for (let i = 0; i < length; i++) if (this.#lists[start + i] !== this.#lists[last + i]) return false;
    return true;
  }
}
