// A real fleet: compiled agents, a real VictoriaMetrics as source, an engine, VictoriaMetrics and a plain Prometheus as receivers. Each
// agent reaches the engine through a TCP proxy of its own, which can be cut, and the receivers through one that records what it sends.
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Register } from "../../src/fleet/register.ts";
import { shardOf } from "../../src/fleet/rendezvous.ts";
import { parseShard } from "../../src/fleet/values.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import {
  canonical,
  type Server as Store,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";
import { History, type Judged, judge, type Span, spanOf } from "./history.ts";
import { type Arrival, startTap, type Tap } from "./tap.ts";

export const SHARDS = 64;

export type Proxy = {
  port: number;
  /** Connections die and new ones hang, as if the network were down. */
  cut(): void;
  mend(): void;
  /** etcd's watches stay open and nothing more comes of them. */
  deafen(deaf: boolean): void;
  close(): void;
};

/** Forwards to `port`. */
export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let isDeaf = false;
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => {}).on("close", () => sockets.delete(client));
    if (isCut) return;
    const upstream = connect(port, "127.0.0.1");
    sockets.add(upstream);
    upstream
      .on("error", () => client.destroy())
      .on("close", () => {
        sockets.delete(upstream);
        client.destroy();
      });
    client.on("close", () => upstream.destroy());
    let watches = false;
    client.on("data", (piece) => {
      watches ||= piece.includes("POST /v3/watch");
      upstream.write(piece);
    });
    upstream.on("data", (piece) => {
      if (!(isDeaf && watches)) client.write(piece);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      isCut = false;
      drop();
    },
    deafen(deaf) {
      isDeaf = deaf;
    },
    close() {
      drop();
      server.close();
    },
  };
}

export type Member = { name: string; agent: Running; proxy: Proxy; tap: Tap };

export type Engine = {
  port: number;
  /** Flags of an agent that reaches it through this port. */
  flags(port: number): string[];
  register: Register;
};

export type ClusterSettings = {
  policies: number;
  ttlMs: number;
  /** Between two samples of a series, and between two polls. */
  everyMs?: number;
  pollMs?: number;
};

export class Cluster {
  readonly members: Member[] = [];
  readonly dir = tempDir();
  readonly settings: Required<ClusterSettings>;
  readonly #engine: Engine;
  readonly vm: VictoriaMetrics;
  /** Policies go to them in turn. */
  readonly receivers: readonly Store[];
  readonly history: History;
  /** By policy, in order. */
  readonly arrivals = new Map<string, Arrival[]>();
  /** Timestamps at the source; a sample's value is its place in this list. */
  readonly written: number[] = [];
  #lastHandOver = { name: "", held: [] as number[], sinceMs: 0 };
  #feeding: NodeJS.Timeout | undefined;
  #born = 0;
  readonly #startedAt = Date.now();

  private constructor(
    settings: Required<ClusterSettings>,
    engine: Engine,
    vm: VictoriaMetrics,
    receivers: readonly Store[],
  ) {
    this.settings = settings;
    this.#engine = engine;
    this.vm = vm;
    this.receivers = receivers;
    this.history = new History(engine.register);
  }

  static async start(settings: ClusterSettings, engine: Engine): Promise<Cluster> {
    const [vm, ...receivers] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics(), startPrometheus()]);
    const all = { everyMs: 1_000, pollMs: 2_000, ...settings };
    const cluster = new Cluster(all, engine, vm, receivers);
    mkdirSync(join(cluster.dir.path, "policies"));
    for (let i = 0; i < all.policies; i++)
      writeFileSync(
        join(cluster.dir.path, "policies", `p${i}.yaml`),
        policyText(i, receivers[i % receivers.length]!.writeUrl),
      );
    let feeding = false;
    const feed = async () => {
      if (feeding) return;
      feeding = true;
      const now = Date.now();
      const samples: [number, number][] = [[now, cluster.written.length]];
      const rows = Array.from({ length: all.policies }, (_, i) => ({
        labels: { __name__: "m", p: String(i) },
        samples,
      }));
      await vm.import(rows).then(
        () => cluster.written.push(now),
        () => {},
      );
      feeding = false;
    };
    void feed();
    cluster.#feeding = setInterval(() => void feed(), all.everyMs);
    return cluster;
  }

  /** `dir`: of its state; two agents may have one name, not one folder. */
  async join(name = `agent-${++this.#born}`, env: Record<string, string> = {}, dir = name): Promise<Member> {
    const { ttlMs, pollMs } = this.settings;
    const proxy = await startProxy(this.#engine.port);
    const tap = await startTap(name, (arrival) => {
      const list = this.arrivals.get(arrival.policy);
      if (list === undefined) this.arrivals.set(arrival.policy, [arrival]);
      else list.push(arrival);
    });
    const agent = await runAgent(
      [
        ...["--policies", join(this.dir.path, "policies"), "--source-url", this.vm.url, "--source-proxy", "off"],
        ...["--state-dir", join(this.dir.path, dir), "--agent-name", name, "--proxy", tap.url],
        ...["--poll-interval", `${pollMs}ms`, "--settle", SETTLE, "--start", `${START_MS}ms`, "--on-exhausted", "hold"],
        ...["--lease-ttl", `${ttlMs}ms`, ...this.#engine.flags(proxy.port)],
      ],
      env,
    );
    const member = { name, agent, proxy, tap };
    this.members.push(member);
    return member;
  }

  /** Shards of each member, as it says. */
  async owned(): Promise<number[]> {
    return Promise.all(
      this.members.map(({ agent }) =>
        agent.metrics().then(
          (m) => m.get("outflow_fleet_shards_owned") ?? 0,
          () => 0,
        ),
      ),
    );
  }

  /** ms until all shards are owned, and `members` of the members have some. */
  async settled(members = this.members.length): Promise<number> {
    const startedMs = performance.now();
    await eventually(
      "every shard has an owner",
      () => this.owned(),
      (counts) => sum(counts) === SHARDS && counts.filter((n) => n > 0).length >= members,
      120_000,
    );
    return performance.now() - startedMs;
  }

  /** ms from a fault of `victim` until the last of its shards had another owner: what the register says, however late it is read. */
  async replaced({ name }: Member, fault: () => void): Promise<number> {
    const held = this.history.heldBy(name);
    const sinceMs = Date.now();
    fault();
    const names = new Set(this.members.map((m) => m.name).filter((n) => n !== name));
    await eventually(
      "every shard was taken",
      () => [...this.history.holders.values()].filter((holder) => names.has(holder)).length,
      (n) => n === SHARDS,
      120_000,
    );
    this.#lastHandOver = { name, held, sinceMs };
    return this.history.lastTaken(held, name, sinceMs) - sinceMs;
  }

  /** The stages of the last hand-over that `replaced` saw, with the first request of each new owner. */
  stages(): string {
    const { name, held, sinceMs } = this.#lastHandOver;
    const { left, freed, taken } = this.history.stages(held, name, sinceMs);
    const first = [...this.arrivals].flatMap(([policy, arrivals]) => {
      if (!held.includes(shardOf(`default/p${policy}`, SHARDS))) return [];
      return arrivals.find((a) => a.agent !== name && a.at >= sinceMs)?.at ?? [];
    });
    const text = (what: string, of: Span) => (of === undefined ? [] : [`${what} ${of.map(seconds).join("–")} s`]);
    return [
      `${held.length} shards`,
      ...(left === undefined ? [] : [`leaving ${seconds(left)} s`]),
      ...text("freed", freed),
      ...text("taken", taken),
      ...text("first requests of the new owners", spanOf(first, sinceMs)),
    ].join(", ");
  }

  /** Counts no longer, and is not reached any more. */
  leave(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1);
    member.proxy.close();
    member.tap.close();
  }

  stopFeeding(): void {
    clearInterval(this.#feeding);
  }

  /** Policies whose samples have begun to arrive, and of which the register has a cursor that has moved. */
  async begun(): Promise<number> {
    const read = await this.#engine.register.list(AbortSignal.timeout(5_000));
    if (!read.ok) return 0;
    const cursors = read.value.flatMap(({ value }) => Object.entries(parseShard(value)?.cursors ?? {}));
    const moved = cursors.filter(([, at]) => at > this.#startedAt - START_MS / 2).map(([name]) => name);
    return moved.filter((name) => this.arrivals.has(name.slice("default/p".length).split("/")[0]!)).length;
  }

  /** What the receivers have, against what was written to the source from `since` on. */
  async compare(since: number): Promise<{ missing: number; wrong: number; example?: string }> {
    const index = new Map(this.written.map((ts, i) => [ts, i]));
    let [missing, wrong] = [0, 0];
    let example: string | undefined;
    const contents = await Promise.all(this.receivers.map((r) => r.read("m")));
    for (let i = 0; i < this.settings.policies; i++) {
      const of = contents[i % contents.length]!;
      const got = new Map(of.get(canonical({ __name__: "m", p: String(i) })) ?? []);
      for (const ts of this.written)
        if (ts >= since && !got.has(ts)) {
          missing++;
          example ??= `policy p${i}: ${new Date(ts).toISOString()} is missing`;
        }
      for (const [ts, value] of got)
        if (index.get(ts) === undefined || String(index.get(ts)) !== value) {
          wrong++;
          example ??= `policy p${i}: ${value} at ${new Date(ts).toISOString()} is wrong`;
        }
    }
    return { missing, wrong, ...(example === undefined ? {} : { example }) };
  }

  /** All requests against what the register had. */
  judged(): Omit<Judged, "deepestMs" | "deepest"> & {
    /** By receiver. */
    deepestMs: number[];
    deepest: string[];
  } {
    const none = { deepestMs: this.receivers.map(() => 0), deepest: this.receivers.map(() => "") };
    const all = { stale: [] as string[], inFlight: 0, ...none };
    for (const [policy, arrivals] of this.arrivals) {
      const { stale, inFlight, deepestMs, deepest } = judge(`default/p${policy}`, arrivals, this.history, SHARDS);
      all.stale.push(...stale);
      all.inFlight += inFlight;
      const receiver = Number(policy) % this.receivers.length;
      if (deepestMs > all.deepestMs[receiver]!) all.deepest[receiver] = deepest;
      all.deepestMs[receiver] = Math.max(all.deepestMs[receiver]!, deepestMs);
    }
    return all;
  }

  /** How far back a new owner may begin: a late window before a checkpoint, which is a TTL old, or the validity more where none could be
   * written, and what was read and sent since. */
  get deepestAllowedMs(): number {
    return LATE_WINDOW_MS + 1.85 * this.settings.ttlMs + 2 * this.settings.pollMs;
  }

  /** Samples that the members dropped since they started, by reason: `2 refused_replay`. */
  async dropped(): Promise<string[]> {
    const all = new Map<string, number>();
    for (const { agent } of this.members)
      for (const [name, n] of await agent.metrics()) {
        const reason = /^outflow_sink_samples_dropped_total\{.*reason="([^"]*)"/.exec(name)?.[1];
        if (reason !== undefined && n > 0) all.set(reason, (all.get(reason) ?? 0) + n);
      }
    return [...all].map(([reason, n]) => `${n} ${reason}`);
  }

  async end(): Promise<void> {
    this.stopFeeding();
    for (const member of [...this.members]) {
      await member.agent.stop("SIGKILL");
      this.leave(member);
    }
    await this.history.end();
    await Promise.all([this.vm, ...this.receivers].map((server) => server.remove()));
    this.dir.remove();
  }
}

/** Agents begin so long before they start. */
const START_MS = 60_000;

/** What the source shows later than that comes after newer samples, and a plain Prometheus refuses it: no matter of the fleet. */
const SETTLE = "8s";

/** The agents' default. */
const LATE_WINDOW_MS = 30_000;

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

export const policyText = (
  i: number,
  endpoint: string,
  query = `m{p="${i}"}`,
  maxSize = 500,
): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p${i} }
spec:
  sources: [{ name: m, metrics: { metricsql: '${query}' } }]
  sinks:
    - name: s
      sources: [m]
      target:
        prometheusRemoteWrite:
          endpoint: ${endpoint}
          batch: { maxSize: ${maxSize}, timeout: 1s }
          retry: { maxAttempts: 3, backoffDuration: 1s }
`;
