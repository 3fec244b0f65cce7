// A fleet on a fake clock: agents with a simulated exporter each, one register with faults. What each rule of fencing promises is
// checked at every request that a simulated exporter starts.

import { Fleet } from "../../src/fleet/fleet.ts";
import type { Owner, Permit } from "../../src/fleet/owned-shards.ts";
import type { Entry, Read, Register, Written } from "../../src/fleet/register.ts";
import type { Shard } from "../../src/fleet/values.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { FakeClock } from "../fakes/clock.ts";

export const TTL_MS = 15_000;

/** The engine: one map, every write a new revision. */
export class FakeEngine {
  readonly entries = new Map<string, Entry>();
  readonly watchers = new Set<(key: string, entry: Entry | undefined) => void>();
  writes = 0;
  frozen = false;
  /** Watches stay open and say nothing. */
  deaf = false;
  /** What lists say, where they are old. */
  oldList: Entry[] | undefined;
  /** A write is applied, and its response comes this much later, ms. */
  slowMs = 0;
  #revision = 0;

  write(key: string, value: string | undefined, revision: string | undefined): Written {
    if (this.entries.get(key)?.revision !== revision) return { ok: false, why: "conflict" };
    this.writes++;
    const next = String(++this.#revision);
    if (value === undefined) this.entries.delete(key);
    else this.entries.set(key, { key, value, revision: next });
    if (!this.deaf) for (const watcher of [...this.watchers]) watcher(key, this.entries.get(key));
    return { ok: true, revision: next };
  }

  /** By hand, as with kubectl or etcdctl. */
  drop(key: string): void {
    this.entries.delete(key);
    if (!this.deaf) for (const watcher of [...this.watchers]) watcher(key, undefined);
  }
}

/** `agent`: its member id. */
export type Send = { agent: string; shard: number; epoch: number; at: number };

export class Agent {
  readonly name: string;
  readonly fleet: Fleet;
  readonly clock: AgentClock;
  readonly said: string[] = [];
  readonly shards = new Map<number, Permit>();
  /** Cut off from the engine: requests get no response. */
  cut = false;
  /** The write is applied and its response is lost. */
  loseResponses = false;
  dead = false;
  leaving = false;
  /** How long its sinks are drained. */
  releaseMs = 200;
  started = Promise.resolve();

  constructor(world: World, name: string, id: string, shards: number) {
    this.name = name;
    this.clock = new AgentClock(world.clock);
    const owner: Owner = {
      took: (shard, from, permit) => {
        this.shards.set(shard, permit);
        void this.#export(world, id, shard, permit, from);
      },
      lost: (shard) => this.shards.delete(shard),
      release: async (shard) => {
        const permit = this.shards.get(shard);
        this.shards.delete(shard);
        await this.clock.sleep(this.releaseMs);
        void permit;
      },
      cursors: (_, before) => before.cursors,
      settled: (shard) => ({ [`default/p${shard}/s/q`]: world.delivered.get(shard) ?? 0 }),
      sinks: () => ({}),
    };
    this.fleet = new Fleet(
      { id, name, version: "test", ttlMs: TTL_MS, shards },
      {
        clock: this.clock,
        uptimeMs: () => Math.floor(this.clock.uptimeMs() / 1000) * 1000,
        register: this.#register(world),
        owner,
        say: (level, message) => this.said.push(`${level} ${message}`),
        changed: () => {},
      },
    );
  }

  /** A request every half second, up to two seconds long; what is in flight ends with the permit. */
  async #export(world: World, id: string, shard: number, permit: Permit, from: Shard): Promise<void> {
    world.startedAt.set(`${shard}/${permit.epoch}`, from.cursors[`default/p${shard}/s/q`] ?? 0);
    while (this.shards.get(shard) === permit && !this.dead) {
      if (permit.holds()) {
        world.sent({ agent: id, shard, epoch: permit.epoch, at: world.clock.monotonicMs() });
        if (await this.clock.sleep(world.random() * 2_000, permit.signal))
          world.delivered.set(shard, (world.delivered.get(shard) ?? 0) + 1);
      }
      await this.clock.sleep(500);
    }
  }

  #register(world: World): Register {
    const { engine } = world;
    const call = async <T>(act: () => T, signal: AbortSignal): Promise<T> => {
      await this.clock.sleep(5 + world.random() * 50, signal);
      while ((engine.frozen || this.cut || this.dead) && !signal.aborted) await this.clock.sleep(100, signal);
      if (signal.aborted) throw new Error("aborted");
      const result = act();
      if (engine.slowMs > 0) await this.clock.sleep(engine.slowMs, signal);
      if (this.loseResponses) await this.clock.sleep(60_000, signal);
      await this.clock.sleep(5 + world.random() * 50, signal);
      if (signal.aborted) throw new Error("aborted");
      return result;
    };
    const read = <T>(value: T): Read<T> => ({ ok: true, value });
    return {
      list: (signal) => call(() => read(engine.oldList ?? [...engine.entries.values()]), signal),
      get: (key, signal) => call(() => read(engine.entries.get(key)), signal),
      create: (key, value, signal) => call(() => engine.write(key, value, undefined), signal),
      update: (key, value, revision, signal) => call(() => engine.write(key, value, revision), signal),
      remove: (key, revision, signal) => call(() => engine.write(key, undefined, revision), signal),
      watch: (changed, signal) =>
        new Promise((resolve) => {
          const heard = (key: string, entry: Entry | undefined) => {
            if (!this.cut && !this.dead) void this.clock.sleep(world.random() * 300).then(() => changed(key, entry));
          };
          engine.watchers.add(heard);
          signal.addEventListener("abort", () => {
            engine.watchers.delete(heard);
            resolve();
          });
        }),
    };
  }

  /** kill -9: nothing of it happens any more. */
  kill(): void {
    this.dead = true;
    this.clock.stop();
  }
}

/** The process was stopped; the host was suspended: its monotonic clock stood still; a virtual machine was paused: its time since boot too. */
export type Standstill = "stopped" | "suspended" | "paused";

/** The clock of one process: it can be stopped (SIGSTOP, a suspended host) and its wall clock can be set. */
export class AgentClock implements Clock {
  readonly #clock: FakeClock;
  #offset = 0;
  #lostMs = 0;
  #pausedMs = 0;
  #stoppedAt: number | undefined;
  #waiting: (() => void)[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#offset;
  }

  monotonicMs(): number {
    return (this.#stoppedAt ?? this.#clock.monotonicMs()) - this.#lostMs;
  }

  uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#pausedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    const elapsed = await this.#clock.sleep(ms, signal);
    if (this.#stoppedAt !== undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return elapsed;
  }

  jump(ms: number): void {
    this.#offset += ms;
  }

  stop(): void {
    this.#stoppedAt ??= this.#clock.monotonicMs();
  }

  continue(was: Standstill): void {
    if (this.#stoppedAt === undefined) return;
    const ms = this.#clock.monotonicMs() - this.#stoppedAt;
    if (was !== "stopped") this.#lostMs += ms;
    if (was === "paused") this.#pausedMs += ms;
    this.#stoppedAt = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export class World {
  readonly clock = new FakeClock();
  readonly engine = new FakeEngine();
  readonly agents: Agent[] = [];
  readonly sends: Send[] = [];
  /** What the receiver has of each shard; a cursor never says more. */
  readonly delivered = new Map<number, number>();
  readonly startedAt = new Map<string, number>();
  readonly broken: string[] = [];
  readonly #newest = new Map<number, Send>();
  readonly shards: number;
  #seed: number;
  #born = 0;

  constructor(shards: number, seed: number) {
    this.shards = shards;
    this.#seed = seed || 1;
  }

  random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  sent(send: Send): void {
    const before = this.#newest.get(send.shard);
    if (
      before !== undefined &&
      (send.epoch < before.epoch || (send.epoch === before.epoch && send.agent !== before.agent))
    )
      this.broken.push(
        `shard ${send.shard}: ${send.agent} sent with epoch ${send.epoch} at ${send.at} after ${before.agent} with ${before.epoch} at ${before.at}`,
      );
    if (before === undefined || send.epoch >= before.epoch) this.#newest.set(send.shard, send);
    this.sends.push(send);
  }

  spawn(name: string): Agent {
    const agent = new Agent(this, name, `${name}-${++this.#born}`, this.shards);
    this.agents.push(agent);
    agent.started = agent.fleet.start();
    agent.started.catch(() => {}); // whoever waits for it hears of it
    return agent;
  }

  get living(): Agent[] {
    return this.agents.filter((a) => !a.dead);
  }

  /** Who exports a shard now. */
  owners(shard: number): string[] {
    return this.living.filter((a) => a.shards.get(shard)?.holds()).map((a) => a.name);
  }

  /** Shards that not exactly one living agent exports. */
  unowned(): number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard).filter((shard) => this.owners(shard).length !== 1);
  }
}
