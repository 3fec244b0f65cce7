// What `outflow rehearse` says, and what the compiled binary then goes through when the same faults happen to real servers: a VictoriaMetrics
// that is written to, and receivers of remote write that refuse, are away, or lose an agent.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/platform/hash.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "../fakes/receiver.ts";
import { buildBinary, eventually, type Running, runAgent, tempDir } from "./binary.ts";
import { fleetPolicy, row } from "./contents.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "./servers.ts";

/** Faults by name, with the scenario that rehearses each. Of an outage both policies are tried. */
export const faults = {
  "outage, hold": { scenario: "outage-5m", hold: true },
  "outage, drop": { scenario: "outage-5m", hold: false },
  "401": { scenario: "unauthorized", hold: true },
  "413": { scenario: "too-large", hold: true },
  restart: { scenario: "restart", hold: true },
} as const;
export type Fault = keyof typeof faults;

/** Means of all sinks. */
export type Went = {
  requests: number;
  faultRequests: number;
  delivered: number;
  lost: number;
  repeats: number;
  medianDelaySeconds: number;
  worstDelaySeconds: number;
};

/** `starvedMs`: how much longer the fault lasted than it was to, since the machine was busy. */
export type Comparison = { fault: Fault; rehearsed: Went; real: Went; starvedMs: number };

export type Circumstances = {
  sinks: number;
  series: number;
  everyMs: number;
  pollMs: number;
  faultMs: number;
  /** False: the agent is stopped when the fault has ended; what it holds gets one last attempt. */
  catchesUp: boolean;
};

const SELECTOR = '{job="fleet"}';
const HISTORY_MS = 60_000;
/** As a rehearsal does: warm, and not on the grid of anybody; and at which time of day it begins (virtual-clock.ts, run.ts). */
const warmMs = (pollMs: number): number => Math.max(20_000, 4 * pollMs) + 7_300;
const BEGIN = 1_795_000_000_000;
const START_MS = 400;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

export async function rehearsedAndReal(which: readonly Fault[], o: Circumstances): Promise<Comparison[]> {
  buildBinary();
  const { path: dir, remove } = tempDir();
  const source = await startVictoriaMetrics();
  // As large as real ones once they are compressed: each series has words and values of its own.
  const rows = (at: number) =>
    Array.from({ length: o.series }, (_, i) =>
      row("m", { i: String(i), instance: sha256(`${i}`) }, [[at, ((at / 1000 + i * 131) * 7919) % 9973]]),
    );
  const writing = new AbortController();
  const grid = (ms: number) => Math.floor(ms / o.everyMs) * o.everyMs;
  const begun = grid(Date.now());
  const past = Array.from({ length: HISTORY_MS / o.everyMs }, (_, n) => begun - n * o.everyMs);
  for (const at of past) await source.import(rows(at));
  const produced = (async () => {
    for (let at = begun + o.everyMs; !writing.signal.aborted; at += o.everyMs) {
      await pause(Math.max(0, at - Date.now()));
      await source.import(rows(at));
    }
  })();
  try {
    await eventually(
      "the source has what was written",
      () => source.read(SELECTOR),
      (c) => c.size === o.series,
    );
    const flags = [
      "--source-url",
      source.url,
      "--poll-interval",
      `${o.pollMs}ms`,
      "--settle",
      "2s",
      "--drain-timeout",
      "60s",
    ];
    const args = (fault: Fault, receivers: readonly Receiver[]): string[] => {
      const file = join(dir, `${fault}.yaml`);
      const sinks = Object.fromEntries(receivers.map((r, i) => [`s${i}`, r.writeUrl]));
      const retry = "{ maxAttempts: 3, backoffDuration: 1s }";
      writeFileSync(file, fleetPolicy(SELECTOR, sinks, "{ maxSize: 100, timeout: 1s }", retry));
      return ["--policies", file, ...flags, "--on-exhausted", faults[fault].hold ? "hold" : "drop"];
    };
    // Rehearsals take the processor, so they are over before anything happens in real time.
    const prepared: { fault: Fault; receivers: Receiver[]; rehearsed: Went }[] = [];
    for (const fault of which) {
      const receivers = await Promise.all(Array.from({ length: o.sinks }, () => startReceiver()));
      const rehearsed = await rehearse(args(fault, receivers), faults[fault].scenario, o.faultMs);
      prepared.push({ fault, receivers, rehearsed });
    }
    return await Promise.all(
      prepared.map(async ({ fault, receivers, rehearsed }): Promise<Comparison> => {
        const state = ["--state-dir", join(dir, `${fault}.state`)];
        const happened = await happens(fault, [...args(fault, receivers), ...state], receivers, source, o);
        await Promise.all(receivers.map((r) => r.stop()));
        return { fault, rehearsed, ...happened };
      }),
    );
  } finally {
    writing.abort();
    await produced;
    await source.remove();
    remove();
  }
}

async function rehearse(flags: readonly string[], scenario: string, faultMs: number): Promise<Went> {
  const args = ["rehearse", ...flags, "--scenario", scenario, "--for", `${faultMs}ms`, "--over", "1m", "-o", "json"];
  const said = await new Promise<string>((done, fail) =>
    // Exit 1 says that something would be lost.
    execFile(buildBinary(), args, (error, stdout, stderr) =>
      stdout === "" ? fail(error ?? new Error(stderr)) : done(stdout),
    ),
  );
  const { sinks } = (JSON.parse(said) as { scenarios: { sinks: Went[] }[] }).scenarios[0]!;
  return averaged(sinks);
}

const averaged = (sinks: readonly Went[]): Went => {
  const of = (name: keyof Went) => mean(sinks.map((s) => s[name]));
  return {
    requests: of("requests"),
    faultRequests: of("faultRequests"),
    delivered: of("delivered"),
    lost: of("lost"),
    repeats: of("repeats"),
    medianDelaySeconds: of("medianDelaySeconds"),
    worstDelaySeconds: of("worstDelaySeconds"),
  };
};

/** What came to a receiver. */
class Seen {
  readonly delays: number[] = [];
  repeats = 0;
  first = Number.POSITIVE_INFINITY;
  last = 0;
  largest = 0;
  readonly #times = new Map<string, Set<number>>();

  store({ series }: Received): void {
    for (const { labels, samples } of series) {
      const key = JSON.stringify(labels);
      const times = this.#times.get(key) ?? new Set();
      this.#times.set(key, times);
      for (const { ts } of samples) {
        if (times.has(ts)) this.repeats++;
        else this.delays.push(Date.now() - ts);
        times.add(ts);
        this.first = Math.min(this.first, ts);
        this.last = Math.max(this.last, ts);
      }
    }
  }
}

async function happens(
  fault: Fault,
  args: string[],
  receivers: readonly Receiver[],
  source: VictoriaMetrics,
  o: Circumstances,
): Promise<{ real: Went; starvedMs: number }> {
  const seen = receivers.map(() => new Seen());
  let failing = false;
  receivers.forEach((receiver, i) => {
    receiver.inOrder = false;
    const { largest } = seen[i]!;
    let most = largest;
    receiver.answer = (request): Answer => {
      const one = seen[i]!;
      if (!failing) {
        one.largest = Math.max(one.largest, request.body.length);
        most = Math.floor(one.largest * 0.4);
      }
      if (failing && fault === "401") return { status: 401 };
      if (failing && fault === "413" && request.body.length > most) return { status: 413 };
      one.store(request);
      return { status: 204 };
    };
  });
  // At the same place of the grid of windows as the rehearsal.
  const phase = (BEGIN - START_MS) % o.pollMs;
  await pause((phase - (Date.now() % o.pollMs) + o.pollMs) % o.pollMs);
  const startedAt = Date.now() + START_MS;
  let agent: Running = await runAgent(args);
  /** Attempts that came to nobody, of the lives that are over and of this one. */
  const refused = async () => {
    const metrics = await agent.metrics();
    return receivers.map(
      (_, i) =>
        metrics.get(`outflow_sink_attempts_total{policy="default/p",sink="s${i}",result="EndpointUnreachable"}`) ?? 0,
    );
  };
  const faultAt = startedAt + warmMs(o.pollMs);
  await pause(Math.max(0, faultAt - warmMs(o.pollMs) / 2 - Date.now()));
  for (const one of seen) one.largest = 0;
  await pause(Math.max(0, faultAt - Date.now()));
  const failedMs = performance.now();
  const before = receivers.map((r) => r.requests.length);
  failing = true;
  if (fault.startsWith("outage")) await Promise.all(receivers.map((r) => r.stop()));
  if (fault === "restart") await agent.stop();
  await pause(o.faultMs);
  const notHeard = fault === "restart" ? receivers.map(() => 0) : await refused();
  const starvedMs = performance.now() - failedMs - o.faultMs;
  const during = receivers.map((r, i) => r.requests.length - before[i]! + notHeard[i]!);
  if (fault.startsWith("outage")) await Promise.all(receivers.map((r) => r.start()));
  failing = false;
  if (fault === "restart") agent = await runAgent(args);
  if (o.catchesUp) {
    const endedAt = Date.now();
    await eventually(
      `${fault}: the sinks have caught up`,
      () => seen.map(({ last }) => last - endedAt),
      (behind) => behind.every((ms) => ms >= 0),
      900_000,
    );
    await pause(2 * o.pollMs);
  }
  await agent.stop();
  /** What the source has of the time of which a receiver has something. */
  const due = (had: Awaited<ReturnType<VictoriaMetrics["read"]>>, { first, last }: Seen): number =>
    [...had.values()].flat().filter(([ts]) => ts >= first && ts <= last).length;
  // An export shows the newest samples later than the queries that the agent asked.
  const had = await eventually(
    "the source shows what it gave",
    () => source.read(SELECTOR),
    (now) => seen.every((one) => due(now, one) >= one.delays.length),
  );
  const real = averaged(
    receivers.map((receiver, i): Went => {
      const { delays, repeats } = seen[i]!;
      delays.sort((a, b) => a - b);
      return {
        requests: receiver.requests.length + notHeard[i]!,
        faultRequests: during[i]!,
        delivered: delays.length,
        lost: due(had, seen[i]!) - delays.length,
        repeats,
        medianDelaySeconds: (delays[Math.floor(delays.length / 2)] ?? 0) / 1000,
        worstDelaySeconds: (delays.at(-1) ?? 0) / 1000,
      };
    }),
  );
  return { real, starvedMs };
}

/** How far the one is from the other, as a share; 0 where both are nothing. */
export const offBy = (rehearsed: number, real: number): number =>
  rehearsed === real ? 0 : Math.abs(rehearsed - real) / Math.max(real, Number.MIN_VALUE);
