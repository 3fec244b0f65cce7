// The source as the readers see it: its clock and kind, requests, and the series table that its answers are decoded into. One a
// source; wires the rooms `source` and `series` together.
import type { HttpClient } from "../http/http.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Seed } from "../platform/random.ts";
import type { Frame } from "../series/frame.ts";
import { FrameBuilder } from "../series/frame-builder.ts";
import { AuditCounts } from "../source/audit.ts";
import { SourceClock } from "../source/clock.ts";
import { aliveAt, aliveInAnswer, lastValues, rangeOf, withStaleMarkers } from "../source/evaluated.ts";
import { apiUrl, evaluation, evaluationRange, rawWindow } from "../source/query.ts";
import { type ReadRequest, type ReadResult, readAnswer, type SourceKind } from "../source/read.ts";
import type { LateOptions } from "../source/scan/options.ts";
import { endedAt, endedSeries, LOOKBACK_MS, withEndings } from "../source/stale-markers.ts";
import { keepFrom, stretchMs, type Window } from "../source/window.ts";
import type { Event } from "../status/events.ts";
import { CurrentTable } from "./current-table.ts";
import { Memory } from "./memory/memory.ts";
import type { Query } from "./reader.ts";
import { SourceHealth } from "./source-health.ts";
import { type SourceAddress, SourceIdentity } from "./source-identity.ts";
import { SourceWarnings } from "./source-warnings.ts";
import type { ReadOutcome } from "./subscription.ts";

export type SourceSettings = SourceAddress & {
  maxWindowSamples: number;
  /** Take answers that lack the data of a storage node. */
  allowPartial: boolean;
  /** Samples are counted by stretches of this length, for the audit; 0: not at all. */
  auditMs?: number;
};

/** `seed`: that of the state store, since memories keep series by their hash. */
export type SourcePorts = { clock: Clock; seed: Seed; http: HttpClient; dispatch(event: Event): void };

/** Instead of a query: the first contact. */
const PROBE = "";

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
  readonly #current: CurrentTable;
  readonly #identity: SourceIdentity;
  readonly #health: SourceHealth;
  readonly #warnings: SourceWarnings;

  constructor(settings: SourceSettings, ports: SourcePorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#current = new CurrentTable(ports.seed);
    this.#identity = new SourceIdentity(settings, ports.http);
    this.#health = new SourceHealth(ports.clock, ports.dispatch);
    this.#warnings = new SourceWarnings(ports.dispatch);
  }

  /** How many series the table holds. */
  get series(): number {
    return this.#current.table.size;
  }

  get kind(): SourceKind {
    return this.#identity.kind;
  }

  now(): EpochMs | undefined {
    return this.#clock.now(this.#ports.clock.monotonicMs());
  }

  /** How far that may be ahead of the source's clock, ms. */
  aheadMs(): number {
    return this.#clock.aheadMs(this.#ports.clock.monotonicMs());
  }

  newMemory(query: Pick<Query, "lateWindowMs">, floor: EpochMs): Memory {
    return Memory.fresh(this.#current.table, floor, stretchMs(query.lateWindowMs));
  }

  restore(query: Pick<Query, "lateWindowMs">, blob: Uint8Array, floor: EpochMs): Memory {
    return Memory.fromBlob(this.#current.table, blob, floor, stretchMs(query.lateWindowMs));
  }

  /** A query that costs nothing: it tells the source's clock, its kind, and whether it is there. */
  async probe(signal: AbortSignal): Promise<{ ok: true } | Extract<ReadOutcome, { ok: false }>> {
    const result = await this.#request("query", evaluation("1", 0), signal, {
      keyspace: this.#current.keyspace("probe"),
      newerThan: () => Number.NEGATIVE_INFINITY,
      from: 0,
      to: Number.POSITIVE_INFINITY,
      name: PROBE,
      expect: ["scalar", "vector"],
    });
    if (!result.ok) return { ok: false, ...result.failure };
    await this.#identity.identify(signal);
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
    this.#current.renew();
    if (this.#identity.kind === "unknown") await this.#identity.identify(signal);
    const since = query.kind === "raw" ? Math.min(reach, window.from - LOOKBACK_MS) : window.from - 1;
    const memory = before.table === this.#current.table ? before : before.migrate(this.#current.table, since);
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
    const marks = this.#identity.kind === "prometheus";
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
    const next = this.#countedForAudit(
      memory,
      memory.after(frame, late, keep, passed),
      found ? [frame, found.fresh] : [frame],
      window,
    );
    const read = {
      ok: true as const,
      frame,
      ...(found ? { late: found.frame, fresh: found.fresh } : {}),
      memory: next,
    };
    return marks ? this.#withEndings(query, window, read, signal) : read;
  }

  #countedForAudit(before: Memory, after: Memory, frames: readonly Frame[], window: Window): Memory {
    const { auditMs = 0 } = this.#settings;
    if (auditMs === 0) return after;
    const auditCounts = before.auditCounts ?? AuditCounts.begin(window.from);
    return after.withAuditCounts(auditCounts.add(frames, window, this.now() ?? window.to, auditMs));
  }

  /** How many samples, stale markers aside, the selector has on (from, to] at the source; undefined: it did not answer. */
  async count(query: Query, { from, to }: Window, signal: AbortSignal): Promise<number | undefined> {
    // Prometheus 2 takes both ends of a window, 3 and VictoriaMetrics leave out the first.
    const windowMs = Math.max(1, to - from - (this.#identity.kind === "victoriametrics" ? 0 : 1));
    const text = `sum(count_over_time(${query.sent}\n[${windowMs}ms]))`;
    const result = await this.#request("query", evaluation(text, to, query.extraFilters ?? []), signal, {
      keyspace: this.#current.keyspace("audit"),
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
    const result = await this.#request("query", evaluation(query.sent, to, query.extraFilters ?? []), signal, {
      keyspace: this.#current.keyspace(undefined, query.labels),
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
    return { ok: true, frame, memory: memory.next(lastValues(answer, window, alive, isPartial, this.#current.table)) };
  }

  #learnFrom(query: Query, { series, warnings, frame }: Extract<ReadResult, { ok: true }>): void {
    this.#current.saw(query.sent, series);
    this.#warnings.read(this.#ports.clock.now(), query, warnings, frame.dropped);
    this.#warnings.collided(this.#ports.clock.now(), frame.collisions ?? []);
  }

  /**
   * The first samples of a new series become visible late, and all at once; so do those of a producer that was cut off. A near read would
   * pass over all but the newest: it leaves a series to the next far read where it does not see the last sample that was taken.
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
    return this.#request("query", rawWindow(query.sent, reach, window.to, query.extraFilters ?? []), signal, {
      keyspace: this.#current.keyspace(undefined, query.labels),
      newerThan: far
        ? (id) => Math.max(memory.of(id), reach)
        : (id) => (memory.has(id) && memory.of(id) >= reach ? memory.of(id) : Number.POSITIVE_INFINITY),
      floors: (first, into) => (far ? memory.floorsFar(reach, first, into) : memory.floorsNear(reach, first, into)),
      ...(late ? { late: { from: memory.taken.from, expected: memory.taken.expected(reach, memory.print) } } : {}),
      // A known series without new samples is not a new series for the next read.
      ...(far
        ? {
            passedOver: (id: number, newest: EpochMs) => passOver(memory, passed, id, newest),
            isKnown: (id: number) => memory.met(id),
          }
        : {}),
      ...window,
      name: query.sent,
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
    const body = evaluationRange(query.sent, first, last, query.intervalMs, query.extraFilters ?? []);
    return this.#request("query_range", body, signal, {
      keyspace: this.#current.keyspace(query.fallbackName, query.labels),
      newerThan: () => first - 1,
      ...window,
      name: query.sent,
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
      name,
      intervalMs = 0,
      ...what
    }: Pick<ReadRequest, "keyspace" | "newerThan" | "floors" | "from" | "to" | "expect" | "passedOver" | "isKnown"> & {
      late?: Omit<LateOptions, "builder">;
      /** The query, where the read of it counts as one of the source. */
      name?: string;
      intervalMs?: number;
    },
  ): Promise<ReadResult> {
    const { url, headers, timeouts, maxWindowSamples } = this.#settings;
    const builder = this.#builders.pop() ?? new FrameBuilder();
    const lateBuilder = this.#builders.pop() ?? new FrameBuilder();
    const read = () =>
      readAnswer(this.#ports.http, this.#ports.clock, builder, {
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
    let result = await read();
    // The second time the winner is known.
    if (result.ok && result.tookOver) result = await read();
    for (const b of [builder, lateBuilder]) {
      b.clear();
      this.#builders.push(b);
    }
    this.#tell(result, name, intervalMs, signal);
    return result;
  }

  /** What every response tells about the source: its clock, its kind, its health. `name`: of a read that counts as one of the source. */
  #tell(result: ReadResult, name: string | undefined, intervalMs: number, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { sign } = result;
    if (sign?.dateMs !== undefined) this.#clock.answered(sign.dateMs, sign.headAtMs);
    if (sign !== undefined) this.#identity.learn(sign, result.ok);
    if (result.ok || result.failure.reason === "QueryFailed" || result.failure.oversized)
      this.#health.answered(name, intervalMs, this.#identity.kind, this.#clock);
    else if (name !== undefined)
      this.#health.failed(name, intervalMs, {
        ...result.failure,
        unreachable: sign === undefined && !result.failure.shrink,
      });
  }
}

/** What is remembered of a series that an answer has nothing new of: a saved timestamp stays what it was. */
function passOver(memory: Memory, passed: Map<number, EpochMs>, id: number, newest: EpochMs): void {
  if (!memory.met(id)) passed.set(id, memory.has(id) ? memory.of(id) : newest);
}
