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
import { seriesText } from "./text.ts";

/** Instead of an id: this series cannot be exported, and why. */
export const INVALID_NAME = -1;
export const INVALID_LABELS = -2;
/** Another series of the source becomes the same one, and comes first. Never kept in a slot. */
export const NAME_COLLISION = -3;
/** A longer label set, in bytes of JSON, is nobody's: 280,000 labels took the event loop for seconds. Receivers refuse far shorter ones. */
const MAX_LABEL_SET_BYTES = 64 * 1024;
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
  /** Of the series that was learned last. */
  #origin = 0;
  /** By id: 1 where several series of the source want it. */
  #contested = new Uint8Array(1024);
  readonly #contests = new Map<number, Contest>();
  #takeovers = 0;
  readonly #collisions: Collision[] = [];

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
    if (to - from > MAX_LABEL_SET_BYTES) return INVALID_LABELS;
    hashBytes(bytes, view, from, to, this.#seedA, this.#seedB);
    const a = lanes[0]!;
    const b = lanes[1]!;
    const slots = this.#slots;
    const mask = slots.length / 3 - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = 3 * slot;
      const id = slots[at + 2]!;
      if (id === 0) break;
      if (slots[at] !== a || slots[at + 1] !== b) continue;
      const known = id - 3;
      return known >= 0 && this.#contested[known] === 1 ? this.#judge(known, a, b, bytes, from, to) : known;
    }
    const id = this.#learn(bytes, from, to);
    this.#put(a, b, id);
    return id < 0 || this.#fallbackName !== undefined ? id : this.#own(id, a, b, bytes, from, to);
  }

  /** How often a series has taken its place from one that came before: what was read of that one in the same response is void. */
  get takeovers(): number {
    return this.#takeovers;
  }

  /** Series that lost their place to another one since the last call, each once. */
  takeCollisions(): Collision[] {
    return this.#collisions.splice(0);
  }

  #learn(bytes: Uint8Array, from: number, to: number): number {
    if (this.#plain && addPlain(this.table, bytes, from, to)) {
      this.#origin = 0;
      return this.table.end();
    }
    return this.#learnObject(JSON.parse(asText(bytes, from, to)));
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
    this.#origin = sameLabels(labels, legal) ? 0 : hashOf(labels);
    return id;
  }

  /**
   * Two series of the source that become one by escaped names or dropped labels would mix their samples: one is kept, the others are
   * dropped and counted. A series that is sent as it is comes before any that was changed, and of those the one whose hash of its own
   * labels is lowest: the same one whatever comes first, also after a restart. (Of an expression it is an error of the query: the
   * caller sees the series twice.)
   */
  #own(id: number, a: number, b: number, bytes: Uint8Array, from: number, to: number): number {
    const origin = this.#origin;
    this.#made = wider(this.#made, id + 1);
    if (origin !== 0) this.#origins = wider(this.#origins, id + 1);
    const owner = this.#owner(id);
    if (this.#made[id] !== 1 || owner === origin) {
      this.#made[id] = 1;
      if (origin !== 0) this.#origins[id] = origin;
      if (this.#contested[id] === 1) this.#contests.get(id)!.origins.set(keyOf(a, b), origin);
      return id;
    }
    const contest = this.#contests.get(id) ?? { first: owner, origins: new Map(), told: new Set() };
    this.#contests.set(id, contest);
    this.#contested = wider(this.#contested, id + 1);
    this.#contested[id] = 1;
    contest.origins.set(keyOf(a, b), origin);
    if (origin > owner) return this.#lose(id, keyOf(a, b), bytes, from, to);
    this.#origins[id] = origin;
    this.#takeovers++;
    return id;
  }

  #owner(id: number): number {
    return id < this.#origins.length ? this.#origins[id]! : 0;
  }

  /** A series that was seen before, of an id that several want. */
  #judge(id: number, a: number, b: number, bytes: Uint8Array, from: number, to: number): number {
    const contest = this.#contests.get(id)!;
    const key = keyOf(a, b);
    const origin = contest.origins.get(key) ?? contest.first;
    return origin === this.#owner(id) ? id : this.#lose(id, key, bytes, from, to);
  }

  #lose(id: number, key: string, bytes: Uint8Array, from: number, to: number): number {
    const { told } = this.#contests.get(id)!;
    if (!told.has(key)) {
      told.add(key);
      const metric = JSON.parse(asText(bytes, from, to)) as Record<string, string>;
      this.#collisions.push({ lost: seriesText(Object.entries(metric)), kept: seriesText(this.table.labels(id)) });
    }
    return NAME_COLLISION;
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

/** A series of the source that is dropped, and the series that it would become. */
export type Collision = { lost: string; kept: string };

/** `origins`: by key of the source's labels. Keys that were learned before the contest have the origin `first`. */
type Contest = { first: number; origins: Map<string, number>; told: Set<string> };

const keyOf = (a: number, b: number): string => `${a}:${b}`;

const asText = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8");

const sameLabels = (a: readonly Label[], b: readonly Label[]): boolean =>
  a.length === b.length && a.every(([name, value], i) => name === b[i]![0] && value === b[i]![1]);

/** 53 bits over a list of labels, never 0. */
function hashOf(labels: readonly Label[]): number {
  const block = scratchBlock(labels);
  hashBytes(block, new DataView(block.buffer, block.byteOffset, block.length), 0, block.length, 0x1b873593, 0x6b43a9b5);
  return (lanes[0]! >>> 0) * 0x200000 + (lanes[1]! & 0x1fffff) || 1;
}

function insert(slots: Int32Array, a: number, b: number, idPlus3: number): void {
  const mask = slots.length / 3 - 1;
  let slot = a & mask;
  while (slots[3 * slot + 2] !== 0) slot = (slot + 1) & mask;
  slots[3 * slot] = a;
  slots[3 * slot + 1] = b;
  slots[3 * slot + 2] = idPlus3;
}
