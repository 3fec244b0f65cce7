// The exporting half of an agent, real but for its two ends, the clock and the disk: a fake source, fake sinks, time that the test
// moves. restart() ends it as a kill would and starts it again from what was saved.
import assert from "node:assert/strict";
import type { Drop } from "../../src/delivery/batch-splitter.ts";
import type { Exporter } from "../../src/exporter/exporter.ts";
import type { SinkPlan } from "../../src/exporter/sink-plan.ts";
import { Supervisor } from "../../src/exporter/supervisor.ts";
import type { Policy, Sink } from "../../src/policy/policy.ts";
import type { Query } from "../../src/reading/reader.ts";
import { Readers } from "../../src/reading/readers.ts";
import { SourcePort } from "../../src/reading/source-port.ts";
import { MemoryStore } from "../../src/rehearse/memory-store.ts";
import { plainRules } from "../../src/series/labels.ts";
import type { Event } from "../../src/status/events.ts";
import type { Account, SinkState } from "../../src/status/snapshot.ts";
import { StatusStore } from "../../src/status/store.ts";
import { FakeClock, settled } from "./clock.ts";
import { FakeSink } from "./sink.ts";
import { TableSource } from "./table-source.ts";

export type SinkOptions = {
  /** Prefixes of series names: one source each. */
  sources: string[];
  maxSize: number;
  timeoutMs: number;
  maxAttempts: number;
  backoffMs: number;
  onExhausted: "drop" | "hold";
  maxConcurrency: number;
};

export type WorldOptions = {
  pollMs: number;
  settleMs: number;
  /** `--settle auto`, from settleMs on. */
  learnsSettle: boolean;
  lateMs: number;
  maxWindowMs: number;
  maxBackfillMs: number;
  /** Where a new sink begins, back from now. */
  startMs: number;
  maxQueries: number;
  maxBufferedSamples: number;
  maxWindowSamples: number;
  drainMs: number;
  /** From one save of cursors to the next; undefined: as on a quick disk. */
  saveWithinMs: number | undefined;
  sinks: Record<string, Partial<SinkOptions>>;
};

const DEFAULTS: WorldOptions = {
  pollMs: 15_000,
  settleMs: 5_000,
  learnsSettle: false,
  lateMs: 30_000,
  maxWindowMs: 300_000,
  maxBackfillMs: 86_400_000,
  startMs: 0,
  maxQueries: 2,
  maxBufferedSamples: 4_000_000,
  maxWindowSamples: 2_000_000,
  drainMs: 5_000,
  saveWithinMs: undefined,
  sinks: { s: {} },
};

const SINK: SinkOptions = {
  sources: ["m"],
  maxSize: 500,
  timeoutMs: 5_000,
  maxAttempts: 3,
  backoffMs: 1_000,
  onExhausted: "drop",
  maxConcurrency: 8,
};

const PLACE = { file: "p.yaml", line: 1, column: 1 };

export class World {
  readonly clock = new FakeClock(undefined, true);
  readonly source = new TableSource(this.clock);
  readonly sinks = new Map<string, FakeSink>();
  readonly state: MemoryStore;
  readonly options: WorldOptions;
  events: Event[] = [];
  drops: { sink: string; series: string; ts: number; reason: string }[] = [];
  status = new StatusStore();
  supervisor!: Supervisor;
  #readers!: Readers;
  #present: string[];
  /** Called for each dropped sample. */
  dropped: (drop: World["drops"][number]) => void = () => {};
  /** Called for each attempt to encode; throws to show a bug in one exporter. */
  bug: (sink: string) => void = () => {};

  constructor(options: Partial<WorldOptions> = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.state = new MemoryStore(this.clock, this.options.saveWithinMs);
    this.#present = Object.keys(this.options.sinks);
    this.start();
  }

  /** Sinks that the policy has now. */
  async setSinks(names: string[]): Promise<void> {
    this.#present = names;
    this.#apply();
    await settled();
  }

  /** Sources (prefixes) of a sink. */
  async setSources(sink: string, sources: string[]): Promise<void> {
    this.options.sinks[sink] = { ...this.options.sinks[sink], sources };
    this.#apply();
    await settled();
  }

  /** The policy is loaded again, with the options of the moment. */
  async reload(): Promise<void> {
    this.#apply();
    await settled();
  }

  sink(name = "s"): FakeSink {
    const known = this.sinks.get(name) ?? new FakeSink(this.clock);
    this.sinks.set(name, known);
    return known;
  }

  start(): void {
    this.status = new StatusStore();
    const dispatch = (event: Event) => {
      this.events.push(event);
      this.status.dispatch(event);
    };
    const { clock } = this;
    const o = this.options;
    const port = new SourcePort(
      {
        url: "http://source",
        kind: "auto",
        headers: {},
        timeouts: { firstByteMs: 30_000, idleMs: 30_000, totalMs: 300_000 },
        maxWindowSamples: o.maxWindowSamples,
        allowPartial: false,
      },
      { clock, seed: [1, 2], http: this.source, dispatch },
    );
    this.#readers = new Readers(
      { maxQueries: o.maxQueries, maxBufferedSamples: o.maxBufferedSamples },
      {
        clock,
        sourceNow: () => port.now(),
        sourceAheadMs: () => port.aheadMs(),
        probe: (signal) => port.probe(signal),
        readWindow: (...read) => port.readWindow(...read),
        newMemory: (query, floor) => port.newMemory(query, floor),
      },
    );
    this.supervisor = new Supervisor(
      {
        clock,
        random: () => 0,
        dispatch,
        store: this.state,
        readers: this.#readers,
        plan: (_policy, sink) => this.#plan(sink),
        specHash: () => "",
        keep: (id, drop) => this.#keep(id, drop),
        newMemory: (query, blob, floor) =>
          blob === undefined ? port.newMemory(query, floor) : port.restore(query, blob, floor),
      },
      o.drainMs,
    );
    this.#apply();
  }

  /** Ends without a word, as SIGKILL does. */
  kill(): void {
    this.state.lose();
    this.state.closedCleanly = false;
    this.#readers.stop();
    const { dispatch } = this.status;
    this.status.dispatch = () => {};
    for (const id of this.supervisor.sinks) this.supervisor.exporter(id)?.abort();
    this.status.dispatch = dispatch;
    this.state.lose();
  }

  async restart(): Promise<void> {
    this.kill();
    await settled();
    this.start();
    await settled();
  }

  /** SIGTERM: drains and saves. */
  async stop(): Promise<void> {
    const done = this.supervisor.shutdown();
    await this.clock.advance(this.options.drainMs + 1_000);
    await done;
    this.state.flush();
    this.state.closedCleanly = true;
  }

  stateOf(name = "s"): SinkState {
    return this.status.snapshot.sinks.find((s) => s.info.sink === name)!;
  }

  exporter(name = "s"): Exporter {
    return this.supervisor.exporter(`default/p/${name}`)!;
  }

  account(name = "s"): Account {
    return this.stateOf(name).account;
  }

  /** The account balances, and what it says is pending is what the exporter has in memory. */
  balances(): void {
    for (const sink of this.status.snapshot.sinks) {
      const { read, delivered, dropped, returned, pending } = sink.account;
      const sum = Object.values(dropped).reduce((a, b) => a + b, 0);
      assert.equal(read, delivered + sum + returned + pending, `the account of ${sink.info.sink}`);
      const exporter = this.supervisor.exporter(sink.info.id);
      const gone = sink.phase.name === "draining" ? pending : 0; // on its way out: nobody can be asked
      assert.equal(pending, exporter?.pending ?? gone, `what ${sink.info.sink} has in memory`);
    }
  }

  cursor(name = "s", source = "m"): number | undefined {
    return this.state.cursor({ policy: "default/p", sink: name, source })?.cursor;
  }

  #apply(): void {
    const sinks = this.#present.map((name): Sink => {
      const o = { ...SINK, ...this.options.sinks[name] };
      return {
        name,
        sources: o.sources,
        endpoint: `http://${name}`,
        batch: { maxSize: o.maxSize, timeoutMs: o.timeoutMs },
        retry: { maxAttempts: o.maxAttempts, backoffMs: o.backoffMs },
        place: PLACE,
        secretPlace: PLACE,
      };
    });
    const policy: Policy = {
      namespace: "default",
      name: "p",
      annotations: {},
      labels: {},
      settings: {} as Policy["settings"],
      sources: [],
      sinks,
      place: PLACE,
    };
    this.supervisor.apply({ policies: [policy], problems: [], files: [] });
  }

  #plan(sink: Sink): SinkPlan {
    const o = { ...SINK, ...this.options.sinks[sink.name] };
    const w = this.options;
    const query = (prefix: string): Query => ({
      text: prefix,
      sent: prefix,
      kind: "raw",
      fallbackName: "",
      intervalMs: w.pollMs,
      delayMs: w.settleMs,
      ...(w.learnsSettle ? { learnsDelay: true as const } : {}),
      lateWindowMs: w.lateMs,
      maxWindowMs: Math.max(w.maxWindowMs, w.pollMs),
      maxBackfillMs: w.maxBackfillMs,
      startBackMs: w.startMs,
      labels: plainRules,
    });
    return {
      info: {
        id: `default/p/${sink.name}`,
        policy: "default/p",
        sink: sink.name,
        generation: 1,
        endpoint: sink.endpoint,
        auth: "none",
        batch: sink.batch,
        retry: sink.retry,
        onExhausted: o.onExhausted,
        sources: o.sources.map((name) => ({ name, query: name, kind: "raw" })),
      },
      refusal: undefined,
      sources: o.sources.map((name) => ({ name, query: query(name) })),
      delivery: {
        maxAttempts: o.maxAttempts,
        backoffDurationMs: o.backoffMs,
        maxConcurrency: o.maxConcurrency,
        onExhausted: o.onExhausted,
      },
      senderKey: sink.name,
      makeSender: () => {
        const sender = this.sink(sink.name).sender();
        return {
          ...sender,
          encode: (span) => {
            this.bug(sink.name);
            return sender.encode(span);
          },
        };
      },
    };
  }

  #drop(drop: World["drops"][number]): void {
    this.drops.push(drop);
    this.dropped(drop);
  }

  #keep(id: string, { reason, spans }: Drop): boolean {
    for (const span of spans) {
      const { frame } = span;
      for (let run = span.firstRun; run < span.endRun; run++) {
        const series = frame.table.labels(frame.runSeries[run]!).find(([n]) => n === "__name__")![1];
        const from = Math.max(span.firstSample, frame.runStart[run]!);
        const to = Math.min(span.endSample, frame.runStart[run + 1]!);
        for (let i = from; i < to; i++)
          this.#drop({ sink: id.split("/").at(-1)!, series, ts: frame.timestamps[i]!, reason });
      }
    }
    return true;
  }
}

/** `series` with a sample every `everyMs` in (from, to], each visible `delayMs` after its time. */
export function steady(series: string, from: number, to: number, everyMs: number, delayMs = 0) {
  const samples = [];
  for (let ts = Math.ceil((from + 1) / everyMs) * everyMs; ts <= to; ts += everyMs)
    samples.push({ series, ts, value: ts % 1000, visibleAt: ts + delayMs });
  return samples;
}
