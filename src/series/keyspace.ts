// From the raw bytes of an answer's JSON `metric` object to a series id: one hash and one look-up in the steady state. What the
// bytes mean is worked out once, when they are first seen.
import { Buffer } from "node:buffer";
import { scratchBlock } from "./block.ts";
import { release, wider } from "./columns.ts";
import { hashBytes, lanes } from "./hash.ts";
import {
  arePlain,
  type Exportable,
  type Label,
  type LabelRules,
  type LabelTrouble,
  labelRules,
  plainRules,
} from "./labels.ts";
import { addPlain } from "./plain.ts";
import type { SeriesTable } from "./table.ts";

/** Instead of an id: this series cannot be exported, and why. */
export const INVALID_NAME = -1;
export const INVALID_LABELS = -2;
const CODES: Record<LabelTrouble, number> = { invalid_name: INVALID_NAME, invalid_labels: INVALID_LABELS };

export class Keyspace {
  readonly table: SeriesTable;
  readonly #fallbackName: string | undefined;
  readonly #exportable: Exportable;
  readonly #plain: boolean;
  readonly #seedA: number;
  readonly #seedB: number;
  /** Slots of three: lane A, lane B, id + 3 (0: free). */
  #slots = new Int32Array(3 * 2048);
  #used = 0;
  /** By id: 1 where this keyspace made the series. */
  #made = new Uint8Array(1024);
  /** By id: a hash of the labels that the source gave it, 0 (or beyond the end) where they are sent as they are. */
  #origins = new Float64Array(0);

  /** `fallbackName`: for expressions, the metric name of results without one. `seed`: two random 32-bit numbers. */
  constructor(
    table: SeriesTable,
    fallbackName: string | undefined,
    seed: readonly [number, number],
    rules: LabelRules = plainRules,
  ) {
    this.table = table;
    this.#exportable = labelRules(rules);
    this.#plain = arePlain(rules);
    this.#fallbackName = fallbackName;
    this.#seedA = seed[0] | 0;
    this.#seedB = seed[1] | 0;
  }

  get size(): number {
    return this.#used;
  }

  /** `bytes[from, to)` is the JSON object of labels, braces included. Throws SyntaxError if it is none. */
  lookup(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    hashBytes(bytes, view, from, to, this.#seedA, this.#seedB);
    const a = lanes[0]!;
    const b = lanes[1]!;
    const slots = this.#slots;
    const mask = slots.length / 3 - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = 3 * slot;
      const id = slots[at + 2]!;
      if (id === 0) break;
      if (slots[at] === a && slots[at + 1] === b) return id - 3;
    }
    const id = this.#learn(bytes, from, to);
    this.#put(a, b, id);
    return id;
  }

  #learn(bytes: Uint8Array, from: number, to: number): number {
    if (this.#plain && addPlain(this.table, bytes, from, to)) {
      const id = this.table.end();
      return this.#isFirst(id, 0) ? id : INVALID_LABELS;
    }
    return this.#learnObject(
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8")),
    );
  }

  #learnObject(metric: unknown): number {
    const labels: Label[] = [];
    for (const [name, value] of Object.entries(metric as Record<string, unknown>)) {
      if (typeof value !== "string") throw new SyntaxError("a label value is no string");
      if (value !== "") labels.push([name, value]);
    }
    const legal = this.#exportable(labels, this.#fallbackName);
    if (typeof legal === "string") return CODES[legal];
    const id = this.table.intern(legal);
    labels.sort(([a], [b]) => (a < b ? -1 : 1));
    return this.#isFirst(id, sameLabels(labels, legal) ? 0 : hashOf(labels)) ? id : INVALID_LABELS;
  }

  /**
   * Two series of the source that become one by escaped names or dropped labels would mix their samples: the first one stays, the
   * other is dropped and counted. (Of an expression it is an error of the query: the caller sees the series twice.) `origin`: hash
   * of the labels that the source gave it, 0 where they are sent as they are.
   */
  #isFirst(id: number, origin: number): boolean {
    if (this.#fallbackName !== undefined) return true;
    this.#made = wider(this.#made, id + 1);
    if (origin !== 0) this.#origins = wider(this.#origins, id + 1);
    const before = id < this.#origins.length ? this.#origins[id]! : 0;
    if (this.#made[id] === 1) return before === origin;
    this.#made[id] = 1;
    if (origin !== 0) this.#origins[id] = origin;
    return true;
  }

  #put(a: number, b: number, id: number): void {
    if (++this.#used * 4 > this.#slots.length) this.#grow();
    insert(this.#slots, a, b, id + 3);
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] !== 0) insert(this.#slots, old[at]!, old[at + 1]!, old[at + 2]!);
    }
    release(old);
  }
}

const sameLabels = (a: readonly Label[], b: readonly Label[]): boolean =>
  a.length === b.length && a.every(([name, value], i) => name === b[i]![0] && value === b[i]![1]);

/** 53 bits over a list of labels, never 0. */
function hashOf(labels: readonly Label[]): number {
  const block = scratchBlock(labels);
  hashBytes(block, new DataView(block.buffer, block.byteOffset, block.length), 0, block.length, 0x1b873593, 0x6b43a9b5);
  return lanes[0]! * 0x200000 + (lanes[1]! & 0x1fffff) || 1;
}

function insert(slots: Int32Array, a: number, b: number, idPlus3: number): void {
  const mask = slots.length / 3 - 1;
  let slot = a & mask;
  while (slots[3 * slot + 2] !== 0) slot = (slot + 1) & mask;
  slots[3 * slot] = a;
  slots[3 * slot + 1] = b;
  slots[3 * slot + 2] = idPlus3;
}
