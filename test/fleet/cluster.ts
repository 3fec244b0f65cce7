// A real fleet: compiled agents, a real VictoriaMetrics as source, an engine, and a receiver that knows who sent what. Each agent reaches
// the engine through a TCP proxy of its own, which can be cut.
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

export const SHARDS = 64;

/** Forwards to `port`. cut(): connections die and new ones hang, as if the network were down. */
export async function startProxy(port: number): Promise<{ port: number; cut(): void; mend(): void; close(): void }> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => {}).on("close", () => sockets.delete(client));
    if (isCut) return;
    const upstream = connect(port, "127.0.0.1");
    sockets.add(upstream);
    upstream.on("error", () => client.destroy()).on("close", () => sockets.delete(upstream));
    client.pipe(upstream).pipe(client);
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
    close() {
      drop();
      server.close();
    },
  };
}

export type Member = { name: string; agent: Running; proxy: Awaited<ReturnType<typeof startProxy>> };
type Arrival = { agent: string; at: number };

export class Cluster {
  readonly members: Member[] = [];
  readonly dir = tempDir();
  readonly policies: number;
  readonly #flags: (proxyPort: number) => string[];
  readonly #enginePort: number;
  readonly vm: VictoriaMetrics;
  readonly receiver: Receiver;
  /** By policy: whose requests arrived, in order. */
  readonly arrivals = new Map<string, Arrival[]>();
  /** By policy: timestamps that arrived, and how often. */
  readonly got = new Map<string, Map<number, number>>();
  readonly written: number[] = [];
  #feeding: NodeJS.Timeout | undefined;
  #born = 0;

  private constructor(
    vm: VictoriaMetrics,
    receiver: Receiver,
    policies: number,
    enginePort: number,
    flags: (proxyPort: number) => string[],
  ) {
    this.vm = vm;
    this.receiver = receiver;
    this.policies = policies;
    this.#enginePort = enginePort;
    this.#flags = flags;
  }

  static async start(policies: number, enginePort: number, flags: (proxyPort: number) => string[]): Promise<Cluster> {
    const [vm, receiver] = await Promise.all([startVictoriaMetrics(), startReceiver()]);
    receiver.inOrder = false;
    const cluster = new Cluster(vm, receiver, policies, enginePort, flags);
    receiver.answer = (request) => {
      for (const { labels, samples } of request.series) {
        const label = (name: string) => labels.find(([n]) => n === name)?.[1] ?? "";
        const policy = label("p");
        cluster.arrivals.set(policy, [
          ...(cluster.arrivals.get(policy) ?? []),
          { agent: label("agent"), at: request.at },
        ]);
        const times = cluster.got.get(policy) ?? new Map<number, number>();
        for (const { ts } of samples) times.set(ts, (times.get(ts) ?? 0) + 1);
        cluster.got.set(policy, times);
      }
      return { status: 204 };
    };
    mkdirSync(join(cluster.dir.path, "policies"));
    for (let i = 0; i < policies; i++)
      writeFileSync(join(cluster.dir.path, "policies", `p${i}.yaml`), policyText(i, receiver.writeUrl));
    const feed = () => {
      const now = Date.now();
      const rows = Array.from({ length: policies }, (_, i) => ({
        labels: { __name__: "m", p: String(i) },
        samples: [[now, cluster.written.length]] as [number, number][],
      }));
      vm.import(rows).then(
        () => cluster.written.push(now),
        () => {},
      );
    };
    feed();
    cluster.#feeding = setInterval(feed, 1_000);
    return cluster;
  }

  async join(name = `agent-${++this.#born}`): Promise<Member> {
    const proxy = await startProxy(this.#enginePort);
    const agent = await runAgent([
      ...["--policies", join(this.dir.path, "policies"), "--source-url", this.vm.url],
      ...["--state-dir", join(this.dir.path, name), "--agent-name", name, "--external-label", `agent=${name}`],
      ...["--poll-interval", "2s", "--settle", "1s", "--start", "1m", "--on-exhausted", "hold"],
      ...this.#flags(proxy.port),
    ]);
    const member = { name, agent, proxy };
    this.members.push(member);
    return member;
  }

  /** Shards of each member. */
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

  /** Counts no longer. `keep`: its proxy works on, for an agent that is handing over. */
  leave(member: Member, proxy?: "keep"): void {
    this.members.splice(this.members.indexOf(member), 1);
    if (proxy !== "keep") member.proxy.close();
  }

  stopFeeding(): void {
    clearInterval(this.#feeding);
  }

  /** Samples that were written to the source from `since` on and never arrived. */
  missing(since: number): number {
    let missing = 0;
    for (let i = 0; i < this.policies; i++)
      for (const ts of this.written) if (ts >= since && !this.got.get(String(i))?.has(ts)) missing++;
    return missing;
  }

  get repeats(): number {
    let repeats = 0;
    for (const times of this.got.values()) for (const n of times.values()) repeats += n - 1;
    return repeats;
  }

  /** Turns of a policy to an agent that had been replaced before, within `withinMs` of the replacement: a stale owner. */
  stale(withinMs: number): string[] {
    const found: string[] = [];
    for (const [policy, list] of this.arrivals) {
      for (let i = 2; i < list.length; i++) {
        const [before, between, now] = [list[i - 2]!, list[i - 1]!, list[i]!];
        if (now.agent === before.agent && between.agent !== now.agent && now.at - between.at < withinMs)
          found.push(
            `policy ${policy}: ${before.agent}, ${between.agent}, ${now.agent} again after ${now.at - between.at} ms`,
          );
      }
    }
    return found;
  }

  async end(): Promise<void> {
    this.stopFeeding();
    for (const { agent, proxy } of this.members.splice(0)) {
      await agent.stop("SIGKILL");
      proxy.close();
    }
    await this.vm.remove();
    await this.receiver.close();
    this.dir.remove();
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

const policyText = (i: number, endpoint: string): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p${i} }
spec:
  sources: [{ name: m, metrics: { metricsql: 'm{p="${i}"}' } }]
  sinks:
    - name: s
      sources: [m]
      target:
        prometheusRemoteWrite:
          endpoint: ${endpoint}
          batch: { maxSize: 500, timeout: 1s }
          retry: { maxAttempts: 3, backoffDuration: 1s }
`;
