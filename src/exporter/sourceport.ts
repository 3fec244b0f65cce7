// The source as the readers see it: its clock and kind, requests, and the series table that its answers are decoded into. One a
// source; wires the rooms `source` and `series` together.
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { HttpClient, HttpTimeouts } from "../platform/http.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import { FrameBuilder } from "../series/frame-builder.ts";
import { Keyspace } from "../series/keyspace.ts";
import type { LabelRules } from "../series/labels.ts";
import { SeriesTable } from "../series/table.ts";
import { SourceClock } from "../source/clock.ts";
import { aliveAt, aliveInAnswer, lastValues, rangeOf, withStaleMarkers } from "../source/evaluated.ts";
import { apiUrl, evaluation, evaluationRange, rawWindow } from "../source/query.ts";
import { type ReadRequest, type ReadResult, readAnswer, type SourceKind, type SourceSign } from "../source/read.ts";
import type { LateOptions } from "../source/scan.ts";
import { keepFrom, stretchMs } from "../source/window.ts";
import type { Event } from "../status/events.ts";
import { Memory } from "./memory.ts";
import type { Query } from "./reader.ts";
import type { ReadOutcome, Window } from "./readers.ts";

export type SourceSettings = {
  url: string;
  kind: "auto" | "victoriametrics" | "prometheus";
  headers: Record<string, string>;
  timeouts: HttpTimeouts;
  maxWindowSamples: number;
  /** Take answers that lack the data of a storage node. */
  allowPartial: boolean;
  /** Enforced once more by VictoriaMetrics: `extra_filters[]`. */
  extraFilters: readonly string[];
};

export type SourcePorts = { clock: Clock; random: Random; http: HttpClient; dispatch(event: Event): void };

/** A table with more series than this, and mostly dead ones, is replaced. */
const RENEW_ABOVE = 100_000;
/** A difference of the clocks is told again when it has moved by this much. */
const CLOCK_NEWS_MS = 1_000;
const WARNED_QUERY_COLUMNS = 80;

const sameLabels: ReadOutcome = {
  ok: false,
  reason: "QueryFailed",
  shrink: false,
  message:
    "Two series of the result have the same labels once they are named: make them differ, for example with by (…) or label_set().",
};

export class SourcePort {
  readonly #settings: SourceSettings;
  readonly #ports: SourcePorts;
  readonly #clock = new SourceClock();
  readonly #builders: FrameBuilder[] = [];
  readonly #seed: readonly [number, number];
  #table = new SeriesTable();
  /** What a series becomes depends on these two. */
  #keyspaces = new Map<string, Keyspace>();
  #kind: SourceKind = "unknown";
  #told: { ok: boolean; kind: SourceKind; differenceMs: number } | undefined;
  /** Series in the last answer of each query: what is alive. */
  readonly #alive = new Map<string, number>();
  /** What the source last warned about, by query: it is told once. */
  readonly #warned = new Map<string, readonly string[]>();

  constructor(settings: SourceSettings, ports: SourcePorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#seed = [ports.random() * 0x100000000, ports.random() * 0x100000000];
    if (settings.kind !== "auto") this.#kind = settings.kind;
  }

  /** How many series the table holds. */
  get series(): number {
    return this.#table.size;
  }

  get kind(): SourceKind {
    return this.#kind;
  }

  now(): EpochMs | undefined {
    return this.#clock.now(this.#ports.clock.monotonicMs());
  }

  newMemory(query: Pick<Query, "lateWindowMs">, floor: EpochMs): Memory {
    return Memory.fresh(this.#table, floor, stretchMs(query.lateWindowMs));
  }

  restore(query: Pick<Query, "lateWindowMs">, blob: Uint8Array, floor: EpochMs): Memory {
    return Memory.fromBlob(this.#table, blob, floor, stretchMs(query.lateWindowMs));
  }

  /** A query that costs nothing: it tells the source's clock, its kind, and whether it is there. */
  async probe(signal: AbortSignal): Promise<{ ok: true } | Extract<ReadOutcome, { ok: false }>> {
    const result = await this.#request("query", evaluation("1", 0), signal, {
      keyspace: this.#keyspace("probe"),
      newerThan: () => Number.NEGATIVE_INFINITY,
      from: 0,
      to: Number.POSITIVE_INFINITY,
      expect: ["scalar", "vector"],
    });
    if (!result.ok) return { ok: false, ...result.failure };
    if (this.now() === undefined) this.#clock.answered(this.#ports.clock.now(), this.#ports.clock.monotonicMs()); // no Date: our own clock
    return { ok: true };
  }

  async readWindow(
    query: Query,
    before: Memory,
    window: Window,
    reach: EpochMs,
    signal: AbortSignal,
  ): Promise<ReadOutcome> {
    this.#renewTable();
    const since = query.kind === "raw" ? reach : window.from - 1;
    const memory = before.table === this.#table ? before : before.migrate(this.#table, since);
    const read = query.kind === "raw" ? this.#readRaw : this.#readEvaluated;
    return read.call(this, query, memory, window, reach, signal);
  }

  async #readRaw(
    query: Query,
    memory: Memory,
    window: Window,
    reach: EpochMs,
    signal: AbortSignal,
  ): Promise<ReadOutcome> {
    const result = await this.#rawWindow(query, memory, window, reach, signal);
    if (!result.ok) return { ok: false, ...result.failure };
    this.#learnFrom(query, result);
    const { frame, maybeLate } = result;
    const late = maybeLate && memory.taken.late(maybeLate, memory.print);
    const keep = Math.min(reach, keepFrom(window.to, query.lateWindowMs));
    return { ok: true, frame, ...(late ? { late } : {}), memory: memory.after(frame, late, keep) };
  }

  async #readEvaluated(
    query: Query,
    memory: Memory,
    window: Window,
    _reach: EpochMs,
    signal: AbortSignal,
  ): Promise<ReadOutcome> {
    const range = rangeOf(window, query.intervalMs, memory.known);
    const result = await this.#evaluations(query, range, window, signal);
    // Unlike a window of raw samples a long range may be refused for its length alone (points, memory), so it is halved.
    if (!result.ok) return { ok: false, ...result.failure, shrink: result.failure.shrink || range.last > range.first };
    if (result.seriesTwice) return sameLabels;
    this.#learnFrom(query, result);
    const { frame: answer, isPartial } = result;
    const alive = memory.known ? aliveAt(memory.last, window.from) : aliveInAnswer(answer, window);
    const builder = this.#builders.pop() ?? new FrameBuilder();
    const frame = withStaleMarkers(answer, window, query.intervalMs, alive, isPartial, builder);
    this.#builders.push(builder);
    return { ok: true, frame, memory: memory.next(lastValues(answer, window, alive, isPartial, this.#table)) };
  }

  #learnFrom(query: Query, { frame, warnings }: Extract<ReadResult, { ok: true }>): void {
    this.#alive.set(query.sent, frame.runs);
    const news = warnings.filter((w) => !this.#warned.get(query.sent)?.includes(w));
    if (warnings.length === 0) this.#warned.delete(query.sent);
    else this.#warned.set(query.sent, warnings);
    for (const warning of news) {
      const message = `The source warns about ${printable(query.text.trim(), WARNED_QUERY_COLUMNS)}: ${warning}`;
      this.#ports.dispatch({ type: "notice", at: this.#ports.clock.now(), level: "warn", message });
    }
  }

  /**
   * The first samples of a new series become visible late, and all at once; so do those of a producer that was cut off. A read that
   * looks back less far than the late window would see only the newest of them and pass over the others: it leaves a series of
   * which it does not see the last sample that was taken to the next read that looks back far.
   */
  #rawWindow(query: Query, memory: Memory, window: Window, reach: EpochMs, signal: AbortSignal): Promise<ReadResult> {
    const far = reach <= window.from - query.lateWindowMs;
    const late = far && memory.taken.stretchMs > 0;
    return this.#request("query", rawWindow(query.sent, reach, window.to, this.#extra()), signal, {
      keyspace: this.#keyspace(undefined, query.labels),
      newerThan: far
        ? (id) => Math.max(memory.of(id), reach)
        : (id) => (memory.has(id) && memory.of(id) >= reach ? memory.of(id) : Number.POSITIVE_INFINITY),
      ...(late ? { late: { from: memory.taken.from, expected: memory.taken.expected(reach, memory.print) } } : {}),
      ...window,
      expect: ["matrix"],
    });
  }

  /** All grid times of the range in one query. */
  #evaluations(
    query: Query,
    { first, last }: { first: EpochMs; last: EpochMs },
    window: Window,
    signal: AbortSignal,
  ): Promise<ReadResult> {
    const body = evaluationRange(query.sent, first, last, query.intervalMs, this.#extra());
    return this.#request("query_range", body, signal, {
      keyspace: this.#keyspace(query.fallbackName, query.labels),
      newerThan: () => first - 1,
      ...window,
      expect: ["matrix"],
    });
  }

  async #request(
    path: "query" | "query_range",
    body: string,
    signal: AbortSignal,
    {
      late,
      ...what
    }: Pick<ReadRequest, "keyspace" | "newerThan" | "from" | "to" | "expect"> & {
      late?: Omit<LateOptions, "builder">;
    },
  ): Promise<ReadResult> {
    const { url, headers, timeouts, maxWindowSamples } = this.#settings;
    const builder = this.#builders.pop() ?? new FrameBuilder();
    const lateBuilder = this.#builders.pop() ?? new FrameBuilder();
    const result = await readAnswer(this.#ports.http, this.#ports.clock, builder, {
      ...what,
      ...(late === undefined ? {} : { late: { ...late, builder: lateBuilder } }),
      url: apiUrl(url, path),
      body,
      headers,
      nanIsStale: (kind) => (this.#settings.kind === "auto" ? kind : this.#settings.kind) === "victoriametrics",
      allowPartial: this.#settings.allowPartial,
      maxSamples: maxWindowSamples,
      timeouts,
      signal,
    });
    for (const b of [builder, lateBuilder]) {
      b.clear();
      this.#builders.push(b);
    }
    this.#tell(result, signal);
    return result;
  }

  /** What every answer tells about the source: its clock, its kind, its health. */
  #tell(result: ReadResult, signal: AbortSignal): void {
    const { clock, dispatch } = this.#ports;
    if (signal.aborted) return;
    if (result.sign !== undefined) this.#learn(result.sign);
    if (!result.ok && result.failure.reason === "SourceUnavailable") {
      this.#told = undefined;
      dispatch({
        type: "source-failed",
        at: clock.now(),
        reason: result.failure.reason,
        message: result.failure.message,
      });
      return;
    }
    const differenceMs = Math.round(this.#clock.differenceMs(clock.now(), clock.monotonicMs()) ?? 0);
    if (this.#told?.kind === this.#kind && Math.abs(this.#told.differenceMs - differenceMs) < CLOCK_NEWS_MS) return;
    this.#told = { ok: true, kind: this.#kind, differenceMs };
    dispatch({ type: "source-answered", at: clock.now(), kind: this.#kind, clockDifferenceMs: differenceMs });
  }

  #learn(sign: SourceSign): void {
    if (sign.dateMs !== undefined) this.#clock.answered(sign.dateMs, sign.headAtMs);
    if (this.#settings.kind === "auto" && sign.kind !== "unknown") this.#kind = sign.kind;
  }

  #keyspace(fallbackName: string | undefined, rules?: LabelRules): Keyspace {
    const key = JSON.stringify([fallbackName, rules]);
    let keyspace = this.#keyspaces.get(key);
    if (keyspace === undefined)
      this.#keyspaces.set(key, (keyspace = new Keyspace(this.#table, fallbackName, this.#seed, rules)));
    return keyspace;
  }

  #extra(): readonly string[] {
    return this.#settings.extraFilters;
  }

  /** Series come and go; a table that is mostly dead is left to the frames that still refer to it. */
  #renewTable(): void {
    const alive = [...this.#alive.values()].reduce((a, b) => a + b, 0);
    if (this.#table.size < RENEW_ABOVE || this.#table.size < 3 * alive) return;
    this.#table = new SeriesTable();
    this.#keyspaces = new Map();
  }
}
