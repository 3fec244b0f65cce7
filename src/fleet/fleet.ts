// One agent of a fleet: heartbeats, takes the shards that it should own, hands over those that another one should, and stops acting as
// an owner before others may judge it dead. The protocol and its reasons: docs/scaling.md.
//   free -> taking -> owned -> releasing -> free        a compare-and-set each
//                     owned -> lost                      validity ended, or another holder was seen: abort at once, write nothing
import type { Clock, EpochMs } from "../platform/clock.ts";
import { Acting } from "./acting.ts";
import { boundedCalls, type Call } from "./calls.ts";
import { agree } from "./config.ts";
import { type Action, decide } from "./decide.ts";
import { Heartbeat } from "./heartbeat.ts";
import { OwnedShards, type Owner } from "./owned-shards.ts";
import { Picture } from "./picture.ts";
import { memberKey, type Register } from "./register.ts";
import { validityLeftMs } from "./validity.ts";
import type { Member, Shard } from "./values.ts";

export type FleetSettings = {
  /** Unique for each process: a name and a random suffix. */
  id: string;
  name: string;
  version: string;
  ttlMs: number;
  shards: number;
};

export type FleetView = {
  self: string;
  ttlMs: number;
  shards: number;
  valid: boolean;
  validUntil: EpochMs | undefined;
  /** Why the register cannot be read or written. */
  problem: string | undefined;
  members: (Pick<Member, "id" | "name" | "since" | "policies"> & {
    silentMs: number;
    leaving: boolean;
    validMs: number;
  })[];
  values: ReadonlyMap<number, Shard>;
  owned: ReadonlySet<number>;
  takeovers: number;
  fenced: number;
};

export type FleetPorts = {
  clock: Clock;
  /** ms since boot, also while the host sleeps (the monotonic clock stands still then). */
  uptimeMs(): number;
  register: Register;
  owner: Owner;
  say(level: "info" | "warn", message: string): void;
  /** Something that a person may want to see has changed. */
  changed(view: FleetView): void;
  /** Hash of the policies, the same at all agents of a fleet on hosts; undefined: not compared. */
  policies?(): string;
};

/** What is heard together makes one round. */
const GATHER_MS = 10;

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #ports: FleetPorts;
  readonly #call: Call;
  readonly #picture: Picture;
  readonly #heartbeat: Heartbeat;
  readonly #stop = new AbortController();
  readonly #owned: OwnedShards;
  #leaving = false;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  /** When the watch last reported something, and when this agent last wrote something that it should report. */
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #wroteAtMs = Number.NEGATIVE_INFINITY;
  #startedAtMs = 0;
  #watch = new AbortController();
  #deaf = false;
  /** Members with this agent's name that were warned about. */
  readonly #namesakes = new Set<string>();
  #problem: string | undefined;
  #takeovers = 0;
  /** Shards that were taken over in this round, by who was silent. */
  readonly #tookFrom = new Map<string, number[]>();
  #fenced = 0;
  readonly #acting: Acting;
  /** Ends the pause between two rounds. */
  #hint = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(settings: FleetSettings, ports: FleetPorts) {
    this.#settings = settings;
    this.#ports = ports;
    const { clock, register, policies } = ports;
    this.#call = boundedCalls(clock, settings.ttlMs);
    const ended = () => this.#hint.abort();
    this.#acting = new Acting(clock, settings.ttlMs / 15, ended, (bug) => ports.say("warn", bug));
    this.#picture = new Picture(
      settings.ttlMs,
      settings.shards,
      (shard) => this.#owned.isWriting(shard),
      (shard) => ports.say("warn", `fleet: the entry of shard ${shard} is damaged; its owner rewrites it.`),
    );
    this.#owned = new OwnedShards(settings, {
      ...ports,
      call: this.#call,
      picture: this.#picture,
      mayOwn: () => this.#heartbeat.validity.holds,
      failed: (message) => this.#failed(message),
      changed: () => this.#hint.abort(),
    });
    this.#heartbeat = new Heartbeat(settings, Math.round(clock.now()), {
      clock,
      uptimeMs: () => ports.uptimeMs(),
      register,
      call: this.#call,
      wrote: (entry) => {
        this.#wroteAtMs = clock.monotonicMs();
        this.#picture.members.see(entry, clock.monotonicMs());
        this.#problem = undefined;
      },
      failed: (message) => this.#failed(message),
      say: (level, message) => ports.say(level, message),
      lapsed: (why) => this.#lapsed(why),
      ...(policies === undefined ? {} : { policies: () => policies() }),
    });
  }

  /** Joins, as soon as the register responds. Throws FleetError where it has another number of shards. */
  async start(): Promise<void> {
    const { clock, register, say } = this.#ports;
    const { shards, ttlMs } = this.#settings;
    const waiting = (problem: string) => {
      if (this.#problem === undefined)
        say("warn", `fleet: nothing is exported until the register responds: ${problem}.`);
      this.#failed(problem);
    };
    await agree({ clock, register, call: this.#call, shards, pauseMs: ttlMs / 15, waiting }, this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    this.#startedAtMs = clock.monotonicMs();
    this.#loops = [
      this.#heartbeat.run(this.#stop.signal),
      this.#heartbeat.watch(this.#stop.signal),
      this.#watching(),
      this.#rounds(),
    ];
  }

  /** Hands over all shards, as far as the validity lasts, and leaves. */
  async leave(): Promise<void> {
    this.#leaving = true;
    const release = () => Promise.all(this.#owned.shards.map((shard) => this.#owned.release(shard)));
    // What is being taken right now is owned when its write ends.
    const taken = this.#acting.end().then(release);
    await Promise.all([this.#heartbeat.leave(), release(), taken]);
    this.#stop.abort();
    this.#watch.abort();
    this.#hint.abort();
    await Promise.all(this.#loops);
    await this.#heartbeat.remove();
  }

  view(): FleetView {
    const now = this.#ports.clock.monotonicMs();
    const left = this.#heartbeat.validity.leftMs;
    return {
      self: this.#settings.id,
      ttlMs: this.#settings.ttlMs,
      shards: this.#settings.shards,
      valid: this.#heartbeat.validity.holds,
      validUntil: Number.isFinite(left) ? Math.round(this.#ports.clock.now() + left) : undefined,
      problem: this.#problem,
      members: this.#picture.members.alive(now).map(({ id, name, since, leaving, policies }) => {
        const silentMs = this.#picture.members.silentMs(id, now) ?? 0;
        const validMs = validityLeftMs(this.#settings.ttlMs, silentMs);
        return { id, name, since, leaving: leaving === true, policies, silentMs, validMs };
      }),
      values: new Map(this.#picture.values),
      owned: new Set(this.#owned.shards),
      takeovers: this.#takeovers,
      fenced: this.#fenced,
    };
  }

  #lapsed(why: string): void {
    const lost = this.#owned.shards;
    if (lost.length === 0) return;
    this.#ports.say(
      "warn",
      `fleet: stopped exporting ${lost.length} shards: ${why}${this.#problem === undefined ? "" : ` (${this.#problem})`}. Another agent may own them now; shards are taken again when the register responds.`,
    );
    this.#fenced += lost.length;
    for (const shard of lost) this.#owned.lose(shard, why);
  }

  // -- seeing

  async #watching(): Promise<void> {
    const { register, clock } = this.#ports;
    while (!this.#stop.signal.aborted) {
      this.#watch = new AbortController();
      this.#heardAtMs = clock.monotonicMs();
      await register
        .watch((key, entry) => {
          this.#heardAtMs = clock.monotonicMs();
          if (this.#deaf) this.#ports.say("info", "fleet: the watch of the register reports again.");
          this.#deaf = false;
          this.#picture.heard(key, entry, this.#heardAtMs);
          this.#hint.abort();
        }, this.#watch.signal)
        .catch(() => {});
      this.#listedAtMs = Number.NEGATIVE_INFINITY; // it may have missed something
      await clock.sleep(this.#settings.ttlMs / 15, this.#stop.signal);
    }
  }

  /** A watch reports this agent's own heartbeats too. One that does not is deaf: it is opened again. */
  #checkWatch(): void {
    const { ttlMs } = this.#settings;
    const unheard = this.#wroteAtMs - this.#heardAtMs > ttlMs / 3;
    if (!unheard || this.#ports.clock.monotonicMs() - this.#wroteAtMs < (2 * ttlMs) / 15) return;
    if (!this.#deaf)
      this.#ports.say(
        "warn",
        `fleet: the watch of the register does not report what was written: it is opened again. Until it reports, the register is listed every ${Math.round(ttlMs / 3000)} s.`,
      );
    this.#deaf = true;
    this.#watch.abort();
  }

  /** An agent that was killed and restarted has its old entry for a TTL: only an entry that stays is worth a warning. */
  #sayNamesakes(): void {
    const { id, name, ttlMs } = this.#settings;
    const now = this.#ports.clock.monotonicMs();
    if (now - this.#startedAtMs < 2 * ttlMs) return;
    for (const other of this.#picture.members.alive(now)) {
      if (other.name !== name || other.id === id || other.leaving === true || this.#namesakes.has(other.id)) continue;
      this.#namesakes.add(other.id);
      this.#ports.say(
        "warn",
        `fleet: ${other.id} has this agent's name too. They are two members, ${id} is this one; give each a name of its own with --agent-name.`,
      );
    }
  }

  async #list(): Promise<boolean> {
    const { register, clock } = this.#ports;
    const askedMs = clock.monotonicMs();
    const read = await this.#call((signal) => register.list(signal));
    if (!read.ok) {
      this.#failed(read.message);
      return false;
    }
    const now = clock.monotonicMs();
    this.#listedAtMs = now;
    this.#picture.listed(read.value, askedMs, now);
    return true;
  }

  // -- rounds

  async #rounds(): Promise<void> {
    const { clock } = this.#ports;
    const { ttlMs } = this.#settings;
    while (!this.#stop.signal.aborted) {
      if (this.#hint.signal.aborted) await clock.sleep(GATHER_MS, this.#stop.signal);
      // What is heard from here on is not in this round: another one follows at once.
      this.#hint = new AbortController();
      const now = clock.monotonicMs();
      const current = now - this.#listedAtMs < ttlMs / 3 || (await this.#list());
      this.#checkWatch();
      this.#sayNamesakes();
      if (current && this.#heartbeat.validity.holds && !this.#leaving) this.#round();
      this.#ports.changed(this.view());
      // A member that falls silent is followed when its TTL ends, not at the next round.
      const deathMs = this.#picture.members.nextDeathMs(now) - clock.monotonicMs();
      await clock.sleep(Math.max(0, Math.min(ttlMs / 15, deathMs)), this.#hint.signal);
    }
  }

  /** Starts whatever is to be done; nothing waits for anything else. */
  #round(): void {
    const { clock } = this.#ports;
    const { id, ttlMs, shards } = this.#settings;
    const nowMs = clock.monotonicMs();
    const { members, values } = this.#picture;
    const { ids, settledAtMs } = members.candidates(nowMs);
    for (const { holder } of values.values()) if (holder !== "") members.named(holder, nowMs);
    const actions = decide({
      self: id,
      nowMs,
      ttlMs,
      shards,
      values,
      missingSinceMs: this.#picture.missingSinceMs,
      owned: new Set(this.#owned.shards),
      candidates: ids,
      settledAtMs,
      isDead: (holder) => members.isDead(holder, nowMs),
    }).filter(({ shard }) => !this.#owned.isBusy(shard) && this.#acting.isFree(shard));
    for (const action of actions) if (action.kind === "release") void this.#owned.release(action.shard);
    const others = actions.filter((a) => a.kind !== "release");
    if (others.length === 0 && this.#acting.idle) this.#sayTakenOver();
    for (const action of others.slice(0, this.#acting.room)) this.#acting.begin(action.shard, () => this.#act(action));
    void this.#owned.checkpoint();
  }

  /** One line for each agent that was silent, not one for each of its shards. */
  #sayTakenOver(): void {
    for (const [from, shards] of this.#tookFrom)
      this.#ports.say(
        "warn",
        `fleet: took over ${shards.length === 1 ? "shard" : `${shards.length} shards:`} ${shards.slice(0, 10).join(", ")}${shards.length > 10 ? ", …" : ""} from ${from}, which has been silent for ${Math.round((this.#picture.members.silentMs(from, this.#ports.clock.monotonicMs()) ?? this.#settings.ttlMs) / 1000)} s.`,
      );
    this.#tookFrom.clear();
  }

  /** False: the register failed. */
  async #act(action: Action): Promise<boolean> {
    const { shard } = action;
    if (action.kind === "lost") return this.#owned.confirmLost(shard);
    if (action.kind === "free") return this.#owned.free(shard);
    if (action.kind !== "takeOver") return (await this.#owned.take(shard, undefined)) !== "failed";
    const { holder } = action;
    if (!(await this.#isReallyDead(holder))) return false;
    const done = await this.#owned.take(shard, holder);
    if (done !== "taken") return done !== "failed";
    this.#takeovers++;
    this.#tookFrom.set(holder, [...(this.#tookFrom.get(holder) ?? []), shard]);
    return true;
  }

  /** A watch that hangs looks like a dead member: its entry is read, and judged after that. */
  async #isReallyDead(holder: string): Promise<boolean> {
    const { register, clock } = this.#ports;
    const read = await this.#call((signal) => register.get(memberKey(holder), signal));
    if (!read.ok) return false;
    if (read.value !== undefined) this.#picture.members.see(read.value, clock.monotonicMs());
    return this.#picture.members.isDead(holder, clock.monotonicMs());
  }

  #failed(message: string): void {
    this.#problem = message;
  }
}
