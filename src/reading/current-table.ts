// The series table that responses are decoded into now. Series come and go; a table that is mostly dead is left to the frames that
// still refer to it.
import type { Seed } from "../platform/random.ts";
import { Keyspace } from "../series/keyspace.ts";
import type { LabelRules } from "../series/labels.ts";
import { SeriesTable } from "../series/table.ts";

/** A table with more series than this, and mostly dead ones, is replaced. */
const RENEW_ABOVE = 100_000;
/** Looked at again when it has grown by this; replaced when it is this many times what is alive. */
const RENEW_STEP = 1.25;
const RENEW_DEAD = 2;

export class CurrentTable {
  readonly #seed: Seed;
  #table: SeriesTable;
  /** What a series becomes depends on fallback name and label rules. */
  #keyspaces = new Map<string, Keyspace>();
  #renewAt = RENEW_ABOVE;
  /** Series in the largest response of each query since the table was looked at last. */
  readonly #alive = new Map<string, number>();

  constructor(seed: Seed) {
    this.#seed = seed;
    this.#table = new SeriesTable(seed);
  }

  get table(): SeriesTable {
    return this.#table;
  }

  keyspace(fallbackName: string | undefined, rules?: LabelRules): Keyspace {
    const key = JSON.stringify([fallbackName, rules]);
    let keyspace = this.#keyspaces.get(key);
    if (keyspace === undefined) this.#keyspaces.set(key, (keyspace = new Keyspace(this.#table, fallbackName, rules)));
    return keyspace;
  }

  /** A response of `query` had so many series. */
  saw(query: string, series: number): void {
    this.#alive.set(query, Math.max(series, this.#alive.get(query) ?? 0));
  }

  /** What was alive is the largest response of each query in the meantime: one without samples says nothing. */
  renew(): void {
    const { size } = this.#table;
    if (size < this.#renewAt) return;
    const alive = [...this.#alive.values()].reduce((a, b) => a + b, 0);
    this.#alive.clear();
    this.#renewAt = Math.ceil(size * RENEW_STEP);
    if (size < RENEW_DEAD * alive) return;
    this.#renewAt = RENEW_ABOVE;
    this.#table = new SeriesTable(this.#seed);
    this.#keyspaces = new Map();
  }
}
