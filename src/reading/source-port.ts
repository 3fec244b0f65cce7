// The source as the readers see it: its clock and kind, requests, and the series table that its answers are decoded into. One a
// source; wires the rooms `source` and `series` together.

import type { HttpClient, HttpTimeouts } from "../http/http.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import type { Frame } from "../series/frame.ts";
import { FrameBuilder } from "../series/frame-builder.ts";
import { Keyspace } from "../series/keyspace.ts";
import type { LabelRules } from "../series/labels.ts";
import { SeriesTable } from "../series/table.ts";
import { AuditCounts } from "../source/audit.ts";
import { SourceClock } from "../source/clock.ts";
import { aliveAt, aliveInAnswer, lastValues, rangeOf, withStaleMarkers } from "../source/evaluated.ts";
import { apiUrl, evaluation, evaluationRange, rawWindow } from "../source/query.ts";
import {
  kindOfBuildInfo,
  type ReadRequest,
  type ReadResult,
  readAnswer,
  type SourceKind,
  type SourceSign,
} from "../source/read.ts";
import type { LateOptions } from "../source/scan/options.ts";
import { endedAt, endedSeries, LOOKBACK_MS, withEndings } from "../source/stale-markers.ts";
import { keepFrom, stretchMs } from "../source/window.ts";
import type { Event } from "../status/events.ts";
import { Memory } from "./memory.ts";
import type { Query } from "./reader.ts";
import type { ReadOutcome, Window } from "./readers.ts";

export type SourceSettings = {
  url: string;
  kind: "auto" | "victoriametrics" | "prometheus";
  headers: Record<string, string>;
  /** `totalMs`: of a read, or its interval where that is longer: one that takes longer could never keep up. */
  timeouts: HttpTimeouts;
  maxWindowSamples: number;
  /** Take answers that lack the data of a storage node. */
  allowPartial: boolean;
  /** Samples are counted by stretches of this length, for the audit; 0: not at all. */
  auditMs?: number;
  /** Enforced once more by VictoriaMetrics: `extra_filters[]`. */
  extraFilters: readonly string[];
};

export type SourcePorts = { clock: Clock; random: Random; http: HttpClient; dispatch(event: Event): void };

/** A table with more series than this, and mostly dead ones, is replaced. */
const RENEW_ABOVE = 100_000;
/** Looked at again when it has grown by this; replaced when it is this many times what is alive. */
const RENEW_STEP = 1.25;
const RENEW_DEAD = 2;
const BUILD_INFO_BYTES = 16_384;
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
  #asked = false;
  #renewAt = RENEW_ABOVE;
  /** Series in the largest answer of each query since the table was looked at last. */
  readonly #alive = new Map<string, number>();
  /** What the source last warned about, by query: it is told once. */
  readonly #warned = new Map<string, readonly string[]>();
  /** Queries that had native histograms: each is told once. */
  readonly #histograms = new Set<string>();

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
    await this.#identify(signal);
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
    if (this.#kind === "unknown") await this.#identify(signal);
    const since = query.kind === "raw" ? Math.min(reach, window.from - LOOKBACK_MS) : window.from - 1;
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
    const marks = this.#kind === "prometheus";
    // After a restart: which series were alive at the cursor, so that those that end now get their marker.
    const from = marks && !memory.known ? Math.min(reach, window.from - LOOKBACK_MS) : reach;
    const passed = new Map<number, EpochMs>();
    const result = await this.#rawWindow(query, memory, window, from, passed, signal);
    if (!result.ok) return { ok: false, ...result.failure };
    this.#learnFrom(query, result);
    const { frame, maybeLate } = result;
    const found = maybeLate && memory.taken.late(maybeLate, memory.print);
    const late = found?.frame;
    const keep = Math.min(reach, keepFrom(window.to, query.lateWindowMs));
    const next = this.#tallied(
      memory,
      memory.after(frame, late, keep, passed),
      found ? [frame, found.fresh] : [frame],
      window,
    );
    const read = { ok: true as const, frame, ...(late ? { late } : {}), memory: next };
    return marks ? this.#withEndings(query, window, read, signal) : read;
  }

  #tallied(before: Memory, after: Memory, frames: readonly Frame[], window: Window): Memory {
    const { auditMs = 0 } = this.#settings;
    if (auditMs === 0) return after;
    const auditCounts = before.auditCounts ?? AuditCounts.begin(window.from);
    return after.tallied(auditCounts.add(frames, window, this.now() ?? window.to, auditMs));
  }

  /** How many samples, stale markers aside, the selector has on (from, to] at the source; undefined: it did not answer. */
  async count(query: Query, { from, to }: Window, signal: AbortSignal): Promise<number | undefined> {
    // Prometheus 2 takes both ends of a window, 3 and VictoriaMetrics leave out the first.
    const windowMs = Math.max(1, to - from - (this.#kind === "victoriametrics" ? 0 : 1));
    const text = `sum(count_over_time(${query.sent}\n[${windowMs}ms]))`;
    const result = await this.#request("query", evaluation(text, to, this.#extra()), signal, {
      keyspace: this.#keyspace("audit"),
      newerThan: () => Number.NEGATIVE_INFINITY,
      from: 0,
      to: Number.POSITIVE_INFINITY,
      expect: ["vector"],
    });
    return result.ok ? (result.frame.values[0] ?? 0) : undefined;
  }

  /** Prometheus keeps its stale markers to itself: which series are present at the window's end is asked for. */
  async #withEndings(
    query: Query,
    { to }: Window,
    read: Extract<ReadOutcome, { ok: true }>,
    signal: AbortSignal,
  ): Promise<ReadOutcome> {
    const present = new Set<number>();
    const result = await this.#request("query", evaluation(query.sent, to, this.#extra()), signal, {
      keyspace: this.#keyspace(undefined, query.labels),
      newerThan: (id) => {
        present.add(id);
        return Number.POSITIVE_INFINITY;
      },
      from: to,
      to,
      expect: ["vector"],
      intervalMs: query.intervalMs,
    });
    // Without it nothing is known to have ended: the window is read again.
    if (!result.ok) return { ok: false, ...result.failure };
    const ended = endedSeries(read.memory.last, present, to);
    const builder = this.#builders.pop() ?? new FrameBuilder();
    const frame = withEndings(read.frame, ended, builder);
    this.#builders.push(builder);
    return { ...read, frame, memory: read.memory.lastOf(ended, endedAt(to)) };
  }

  /** Only with `auto`: a server that does not show itself as VictoriaMetrics is asked which build it is, once until that changes. */
  async #identify(signal: AbortSignal): Promise<void> {
    if (this.#settings.kind !== "auto" || this.#kind !== "unknown" || this.#asked) return;
    const { url, headers, timeouts } = this.#settings;
    const sent = await this.#ports.http.request({
      method: "GET",
      url: apiUrl(url, "status/buildinfo"),
      headers: { accept: "application/json", ...headers },
      timeouts,
      signal,
    });
    if (!sent.ok) return;
    this.#asked = true;
    const text = await sent.answer.text(BUILD_INFO_BYTES);
    if (sent.answer.status === 200) this.#kind = kindOfBuildInfo(text);
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

  #learnFrom(query: Query, { series, warnings, frame }: Extract<ReadResult, { ok: true }>): void {
    if ((frame.dropped.native_histogram ?? 0) > 0 && !this.#histograms.has(query.sent)) {
      this.#histograms.add(query.sent);
      const message = `Native histograms of ${printable(query.text.trim(), WARNED_QUERY_COLUMNS)} are not exported: remote write 1.0 carries floats only. They are counted as dropped (native_histogram); all floats are exported.`;
      this.#ports.dispatch({ type: "notice", at: this.#ports.clock.now(), level: "warn", message });
    }
    this.#alive.set(query.sent, Math.max(series, this.#alive.get(query.sent) ?? 0));
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
  #rawWindow(
    query: Query,
    memory: Memory,
    window: Window,
    reach: EpochMs,
    passed: Map<number, EpochMs>,
    signal: AbortSignal,
  ): Promise<ReadResult> {
    const far = reach <= window.from - query.lateWindowMs;
    const late = far && memory.taken.stretchMs > 0;
    return this.#request("query", rawWindow(query.sent, reach, window.to, this.#extra()), signal, {
      keyspace: this.#keyspace(undefined, query.labels),
      newerThan: far
        ? (id) => Math.max(memory.of(id), reach)
        : (id) => (memory.has(id) && memory.of(id) >= reach ? memory.of(id) : Number.POSITIVE_INFINITY),
      ...(late ? { late: { from: memory.taken.from, expected: memory.taken.expected(reach, memory.print) } } : {}),
      // A series that is there already and has nothing new yet is no new series for the next read.
      ...(far ? { passedOver: (id: number, newest: EpochMs) => passOver(memory, passed, id, newest) } : {}),
      ...window,
      expect: ["matrix"],
      intervalMs: query.intervalMs,
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
      intervalMs: query.intervalMs,
    });
  }

  async #request(
    path: "query" | "query_range",
    body: string,
    signal: AbortSignal,
    {
      late,
      intervalMs = 0,
      ...what
    }: Pick<ReadRequest, "keyspace" | "newerThan" | "from" | "to" | "expect" | "passedOver"> & {
      late?: Omit<LateOptions, "builder">;
      intervalMs?: number;
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
      timeouts:
        timeouts.totalMs === undefined ? timeouts : { ...timeouts, totalMs: Math.max(timeouts.totalMs, intervalMs) },
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
    if (result.sign !== undefined) this.#learn(result.sign, result.ok);
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

  #learn(sign: SourceSign, answered: boolean): void {
    if (sign.dateMs !== undefined) this.#clock.answered(sign.dateMs, sign.headAtMs);
    // An error may be a proxy's, which says nothing of the server behind it.
    if (this.#settings.kind !== "auto" || !answered) return;
    if (sign.kind === "victoriametrics") this.#kind = "victoriametrics";
    else if (this.#kind === "victoriametrics") {
      this.#kind = "unknown"; // another server at the same address
      this.#asked = false;
    }
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

  /**
   * Series come and go; a table that is mostly dead is left to the frames that still refer to it. Looked at whenever it has grown by
   * a quarter: what was alive is the largest answer of each query in the meantime (an answer without samples says nothing).
   */
  #renewTable(): void {
    const { size } = this.#table;
    if (size < this.#renewAt) return;
    const alive = [...this.#alive.values()].reduce((a, b) => a + b, 0);
    this.#alive.clear();
    this.#renewAt = Math.ceil(size * RENEW_STEP);
    if (size < RENEW_DEAD * alive) return;
    this.#renewAt = RENEW_ABOVE;
    this.#table = new SeriesTable();
    this.#keyspaces = new Map();
  }
}

/** What is remembered of a series that an answer has nothing new of: a saved timestamp stays what it was. */
function passOver(memory: Memory, passed: Map<number, EpochMs>, id: number, newest: EpochMs): void {
  if (!memory.met(id)) passed.set(id, memory.has(id) ? memory.of(id) : newest);
}
