// From the raw bytes of an answer's JSON `metric` object to a series id: one hash and one look-up in the steady state, by the module
// (hotpath/assembly/keyspace.ts), which also learns new series whose labels are sent as they are. What other bytes mean is worked out
// here, once, when they are first seen.
import { Buffer } from "node:buffer";
import { ASK } from "../hotpath/module.ts";
import { sha256 } from "../platform/hash.ts";
import { scratchBlock } from "./block.ts";
import { wider } from "./columns.ts";
import {
  arePlain,
  type Exportable,
  type Label,
  type LabelRules,
  type LabelTrouble,
  labelRules,
  plainRules,
} from "./labels.ts";
import type { SeriesTable } from "./table.ts";
import { seriesText } from "./text.ts";

/** Instead of an id: this series cannot be exported, and why. */
export const INVALID_NAME = -1;
export const INVALID_LABELS = -2;
/** Another series of the source becomes the same one, and comes first. Never kept in a slot. */
export const NAME_COLLISION = -3;
/** A longer label set, in bytes of JSON, is dropped: 280,000 labels blocked the event loop for seconds. Receivers refuse far shorter ones. */
const MAX_LABEL_SET_BYTES = 64 * 1024;
/** Series that lost their place and are named; more of them are counted only. */
const MAX_NAMED = 10_000;
const CODES: Record<LabelTrouble, number> = { invalid_name: INVALID_NAME, invalid_labels: INVALID_LABELS };

/** Who has a series, as the module keeps it (0: nobody): labels as they are, labels that were altered, or several want it. */
const AS_IT_IS = 1;
const ALTERED = 2;
const CONTESTED = 3;

export class Keyspace {
  readonly table: SeriesTable;
  /** Where the module keeps it. */
  readonly place: number;
  readonly #fallbackName: string | undefined;
  readonly #exportable: Exportable;
  /** By id: a hash of the labels that the source gave it, 0 (or beyond the end) where they are sent as they are. */
  #origins = new Float64Array(0);
  /** Of the series that was learned last. */
  #origin = 0;
  readonly #contests = new Map<number, Contest>();
  #takeovers = 0;
  #named = 0;
  #lost: Collision | undefined;

  /** `fallbackName`: for expressions, the metric name of results without one. */
  constructor(table: SeriesTable, fallbackName: string | undefined, rules: LabelRules = plainRules) {
    this.table = table;
    this.#exportable = labelRules(rules);
    this.#fallbackName = fallbackName;
    this.place = table.module.exports.newKeyspace(arePlain(rules) ? 1 : 0, fallbackName === undefined ? 1 : 0);
  }

  get size(): number {
    return this.table.module.exports.keys(this.place);
  }

  /** `bytes[from, to)` is the JSON object of labels, braces included. Throws SyntaxError if it is not one. */
  lookup(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (length > MAX_LABEL_SET_BYTES) return INVALID_LABELS;
    const { module } = this.table;
    const { exports } = module;
    const put = (): number => {
      const at = module.desk(length);
      module.bytes.set(bytes.subarray(from, to), at);
      return at;
    };
    const known = exports.lookupLabels(this.place, put(), length);
    if (known !== ASK) return known;
    const contested = exports.knownLabels(this.place, put(), length);
    const key = `${exports.hashLow()}:${exports.hashHigh()}`;
    if (contested >= 0) return this.#judge(contested, key, bytes, from, to);
    const id = this.#learn(JSON.parse(asText(bytes, from, to)));
    exports.rememberLabels(this.place, put(), length, id);
    return id < 0 || this.#fallbackName !== undefined ? id : this.#own(id, key, bytes, from, to);
  }

  /** How often a series has taken its place from one that came before: what was read of that one in the same response is void. */
  get takeovers(): number {
    return this.#takeovers;
  }

  /** The series that was looked up last and is a NAME_COLLISION: the same object each time. Undefined where too many are to be named. */
  get lost(): Collision | undefined {
    return this.#lost;
  }

  #learn(metric: unknown): number {
    const labels: Label[] = [];
    for (const [name, value] of Object.entries(metric as Record<string, unknown>)) {
      if (typeof value !== "string") throw new SyntaxError("a label value is not a string");
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
  #own(id: number, key: string, bytes: Uint8Array, from: number, to: number): number {
    const { made, setMade } = this.table.module.exports;
    const origin = this.#origin;
    const before = made(this.place, id);
    const owner = this.#owner(id);
    if (before === 0 || owner === origin) {
      if (before === CONTESTED) this.#contests.get(id)!.origins.set(key, origin);
      else setMade(this.place, id, origin === 0 ? AS_IT_IS : ALTERED);
      this.#setOwner(id, origin);
      return id;
    }
    const contest = this.#contests.get(id) ?? { first: owner, origins: new Map(), lost: new Map() };
    this.#contests.set(id, contest);
    setMade(this.place, id, CONTESTED);
    contest.origins.set(key, origin);
    if (origin > owner) return this.#lose(id, key, bytes, from, to);
    this.#setOwner(id, origin);
    this.#takeovers++;
    return id;
  }

  #owner(id: number): number {
    return id < this.#origins.length ? this.#origins[id]! : 0;
  }

  #setOwner(id: number, origin: number): void {
    if (origin === 0 && id >= this.#origins.length) return;
    this.#origins = wider(this.#origins, id + 1);
    this.#origins[id] = origin;
  }

  /** A series that was seen before, of an id that several want. */
  #judge(id: number, key: string, bytes: Uint8Array, from: number, to: number): number {
    const contest = this.#contests.get(id)!;
    const origin = contest.origins.get(key) ?? contest.first;
    return origin === this.#owner(id) ? id : this.#lose(id, key, bytes, from, to);
  }

  #lose(id: number, key: string, bytes: Uint8Array, from: number, to: number): number {
    const { lost } = this.#contests.get(id)!;
    this.#lost = lost.get(key);
    if (this.#lost === undefined && this.#named < MAX_NAMED) {
      this.#named++;
      const metric = JSON.parse(asText(bytes, from, to)) as Record<string, string>;
      this.#lost = { lost: seriesText(Object.entries(metric)), kept: seriesText(this.table.labels(id)) };
      lost.set(key, this.#lost);
    }
    return NAME_COLLISION;
  }
}

/** A series of the source that is dropped, and the series that it would become. */
export type Collision = { lost: string; kept: string };

/** `origins`: by key of the source's labels. Keys that were learned before the contest have the origin `first`. */
type Contest = { first: number; origins: Map<string, number>; lost: Map<string, Collision> };

const asText = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("utf8");

const sameLabels = (a: readonly Label[], b: readonly Label[]): boolean =>
  a.length === b.length && a.every(([name, value], i) => name === b[i]![0] && value === b[i]![1]);

/** 52 bits, never 0: nobody makes another series whose number is the same, and so mixes its samples into somebody's. */
const hashOf = (labels: readonly Label[]): number =>
  Number.parseInt(sha256(scratchBlock(labels)).slice(0, 13), 16) || 1;
