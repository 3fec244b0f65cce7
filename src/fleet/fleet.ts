// Over 350 lines: one state machine, whose transitions share the epoch, the validity and the busy shards.
// One agent of a fleet: heartbeats, takes the shards that it should own, hands over those that another one should, and stops acting as
// an owner before others may think it dead. The protocol and its reasons: docs/scaling.md.
//   free -> taking -> owned -> releasing -> free        a compare-and-set each
//                     owned -> lost                      validity ended, or another holder was seen: abort at once, write nothing
import type { Clock, EpochMs } from "../platform/clock.ts";
import { checkFit } from "./config.ts";
import { type Action, decide } from "./decide.ts";
import { Members } from "./members.ts";
import { CONFIG_KEY, type Entry, memberKey, type Read, type Register, shardKey, type Written } from "./register.ts";
import { Validity } from "./validity.ts";
import { type Member, parseShard, type Shard } from "./values.ts";

export type FleetSettings = {
  /** Unique for each process: a name and a random suffix. */
  id: string;
  name: string;
  version: string;
  ttlMs: number;
  shards: number;
};

/** What is saved of a shard while it is owned. */
export type Progress = Pick<Shard, "cursors" | "sinks">;

/** The exporting side of the agent. */
export type Owner = {
  /** Export the policies of this shard from these cursors on. `permit` says whether it may still send. */
  took(shard: number, from: Shard, permit: Permit): void;
  /** Stop at once; nothing may be sent any more. */
  lost(shard: number, why: string): void;
  /** Drain: what is in memory gets a last attempt. Resolves when nothing of the shard is sent any more. */
  release(shard: number): Promise<void>;
  progress(shard: number): Progress;
};

export type Permit = {
  readonly epoch: number;
  /** Checked before each request. */
  holds(): boolean;
  /** Aborts when it no longer holds: ends requests in flight. */
  readonly signal: AbortSignal;
};

export type FleetView = {
  self: string;
  shards: number;
  valid: boolean;
  validUntil: EpochMs | undefined;
  /** Why nothing may be owned right now. */
  problem: string | undefined;
  members: {
    id: string;
    name: string;
    since: EpochMs;
    silentMs: number;
    leaving: boolean;
    policies: string | undefined;
  }[];
  values: ReadonlyMap<number, Shard>;
  owned: ReadonlySet<number>;
  takeovers: number;
  fenced: number;
};

export type FleetPorts = {
  clock: Clock;
  register: Register;
  owner: Owner;
  say(level: "info" | "warn", message: string): void;
  /** Something that a person may want to see has changed. */
  changed(view: FleetView): void;
  /** Hash of the policies, the same at all agents of a fleet on hosts; undefined: not compared. */
  policies?(): string;
};

type Owned = {
  epoch: number;
  revision: string;
  abort: AbortController;
  writtenAtMs: number;
  written: string;
  releasing: boolean;
};

/** Actions on the register at once. */
const AT_ONCE = 8;

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #ports: FleetPorts;
  readonly #members: Members;
  readonly #validity: Validity;
  readonly #stop = new AbortController();
  readonly #owned = new Map<number, Owned>();
  readonly #busy = new Set<number>();
  readonly #values = new Map<number, Shard>();
  readonly #revisions = new Map<number, string>();
  readonly #missingSinceMs = new Map<number, number>();
  #beat = 0;
  #beatRevision: string | undefined;
  #leaving = false;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  #takeovers = 0;
  /** Shards that were taken over in this round, by who was silent. */
  readonly #tookFrom = new Map<string, number[]>();
  #fenced = 0;
  #hint: (() => void) | undefined;
  #loops: Promise<void>[] = [];
  readonly #since: EpochMs;

  constructor(settings: FleetSettings, ports: FleetPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#members = new Members(settings.ttlMs);
    this.#validity = new Validity(ports.clock, settings.ttlMs);
    this.#since = Math.round(ports.clock.now());
  }

  /** Joins, as soon as the register responds. Throws FleetError where it has another number of shards. */
  async start(): Promise<void> {
    await this.#agree();
    if (this.#stop.signal.aborted) return;
    this.#loops = [this.#heartbeats(), this.#rounds(), this.#watching(), this.#fence()];
  }

  /** Hands over all shards, as far as the validity lasts, and leaves. */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#validity.holds) await this.#heartbeat();
    await Promise.all([...this.#owned.keys()].map((shard) => this.#release(shard)));
    this.#stop.abort();
    this.#hint?.();
    await Promise.all(this.#loops);
    if (this.#beatRevision !== undefined)
      await this.#bounded((signal) =>
        this.#ports.register.remove(memberKey(this.#settings.id), this.#beatRevision!, signal),
      );
  }

  view(): FleetView {
    const now = this.#ports.clock.monotonicMs();
    const left = this.#validity.leftMs;
    return {
      self: this.#settings.id,
      shards: this.#settings.shards,
      valid: this.#validity.holds,
      validUntil: Number.isFinite(left) ? Math.round(this.#ports.clock.now() + left) : undefined,
      problem: this.#problem,
      members: this.#members.alive(now).map((m) => ({
        id: m.id,
        name: m.name,
        since: m.since,
        silentMs: this.#members.silentMs(m.id, now) ?? 0,
        leaving: m.leaving === true,
        policies: m.policies,
      })),
      values: new Map(this.#values),
      owned: new Set(this.#owned.keys()),
      takeovers: this.#takeovers,
      fenced: this.#fenced,
    };
  }

  // -- joining

  /** The number of shards is the register's; whoever comes first writes it, and the free shards. */
  async #agree(): Promise<void> {
    const { register, clock, say } = this.#ports;
    const { shards, ttlMs } = this.#settings;
    for (let said = false; !this.#stop.signal.aborted; ) {
      const read = await this.#bounded((signal) => register.get(CONFIG_KEY, signal));
      if (read.ok && read.value !== undefined) return checkFit(read.value, shards);
      if (read.ok) {
        const free = JSON.stringify({
          holder: "",
          epoch: Math.floor(clock.now() / 1000),
          since: Math.round(clock.now()),
          cursors: {},
        });
        const made = await this.#bounded((signal) => register.create(CONFIG_KEY, JSON.stringify({ shards }), signal));
        if (made.ok)
          for (let shard = 0; shard < shards; shard++)
            await this.#bounded((signal) => register.create(shardKey(shard), free, signal));
        if (made.ok || made.why === "conflict") continue;
      }
      this.#failed(read.ok ? "the register cannot be written" : read.message);
      if (!said) say("warn", `fleet: waiting for the register: ${this.#problem}`);
      said = true;
      await clock.sleep(ttlMs / 15, this.#stop.signal);
    }
  }

  // -- heartbeats and validity

  async #heartbeats(): Promise<void> {
    const { clock } = this.#ports;
    const { ttlMs } = this.#settings;
    while (!this.#stop.signal.aborted) {
      const askedMs = clock.monotonicMs();
      const ok = await this.#heartbeat();
      const next = ok ? askedMs + ttlMs / 3 : clock.monotonicMs() + ttlMs / 15;
      await clock.sleep(Math.max(0, next - clock.monotonicMs()), this.#stop.signal);
    }
  }

  async #heartbeat(): Promise<boolean> {
    const { clock, register, policies } = this.#ports;
    const { id, name, version } = this.#settings;
    const asked = { mono: clock.monotonicMs(), wall: clock.now() };
    const member: Member = {
      id,
      name,
      version,
      since: this.#since,
      beat: ++this.#beat,
      ...(this.#leaving ? { leaving: true } : {}),
      ...(policies === undefined ? {} : { policies: policies() }),
    };
    const key = memberKey(id);
    const value = JSON.stringify(member);
    const revision = this.#beatRevision;
    const written = await this.#bounded((signal) =>
      revision === undefined ? register.create(key, value, signal) : register.update(key, value, revision, signal),
    );
    if (written.ok) {
      this.#beatRevision = written.revision;
      // What was owned before a lapse is lost, also if nobody noticed the lapse yet.
      if (!this.#validity.holds) this.#lapsed();
      this.#validity.extend(asked.mono, asked.wall);
      this.#members.see({ key, value, revision: written.revision }, clock.monotonicMs());
      this.#problem = undefined;
      return true;
    }
    if (written.why === "failed") this.#failed(written.message);
    // Deleted by hand, or an earlier write whose response was lost: look what is there, and write at the next beat.
    const read = await this.#bounded((signal) => register.get(key, signal));
    if (read.ok) this.#beatRevision = read.value?.revision;
    return false;
  }

  /** Wakes when the validity ends, or might have by the wall clock. */
  async #fence(): Promise<void> {
    const { clock } = this.#ports;
    const { ttlMs } = this.#settings;
    while (!this.#stop.signal.aborted) {
      if (!this.#validity.holds) this.#lapsed();
      const left = this.#validity.leftMs;
      await clock.sleep(left > 0 ? Math.min(left, ttlMs / 15) : ttlMs / 15, this.#stop.signal);
    }
  }

  #lapsed(): void {
    if (this.#owned.size === 0) return;
    const why = this.#validity.why();
    this.#ports.say(
      "warn",
      `fleet: stopped exporting ${this.#owned.size} shards: ${why}${this.#problem === undefined ? "" : ` (${this.#problem})`}. Another agent may own them now; they are taken again when the register answers.`,
    );
    this.#fenced += this.#owned.size;
    for (const shard of [...this.#owned.keys()]) this.#lose(shard, why);
  }

  #lose(shard: number, why: string): void {
    const owned = this.#owned.get(shard);
    if (owned === undefined) return;
    this.#owned.delete(shard);
    owned.abort.abort();
    this.#ports.owner.lost(shard, why);
    this.#changed();
  }

  // -- seeing

  async #watching(): Promise<void> {
    const { register, clock } = this.#ports;
    while (!this.#stop.signal.aborted) {
      await register.watch((key, entry) => this.#saw(key, entry), this.#stop.signal).catch(() => {});
      this.#listedAtMs = Number.NEGATIVE_INFINITY; // it may have missed something
      await clock.sleep(this.#settings.ttlMs / 15, this.#stop.signal);
    }
  }

  #saw(key: string, entry: Entry | undefined): void {
    const now = this.#ports.clock.monotonicMs();
    const [kind, name] = key.split("/");
    if (kind === "members" && entry !== undefined) this.#members.see(entry, now);
    // What this agent is writing itself is known when the write ends.
    if (kind === "shards" && !this.#busy.has(Number(name))) this.#sawShard(Number(name), entry, now);
    this.#hint?.();
  }

  #sawShard(shard: number, entry: Entry | undefined, nowMs: number): void {
    if (!Number.isInteger(shard) || shard < 0 || shard >= this.#settings.shards) return;
    if (entry === undefined) {
      this.#values.delete(shard);
      this.#revisions.delete(shard);
      if (!this.#missingSinceMs.has(shard)) this.#missingSinceMs.set(shard, nowMs);
      return;
    }
    this.#missingSinceMs.delete(shard);
    this.#revisions.set(shard, entry.revision);
    const value = parseShard(entry.value);
    if (value === undefined && this.#values.has(shard))
      this.#ports.say("warn", `fleet: the entry of shard ${shard} is damaged; it is written again.`);
    // A damaged one is nobody's: its epoch is in no case higher than the seconds since 1970.
    this.#values.set(
      shard,
      value ?? { holder: "", epoch: Math.floor(this.#ports.clock.now() / 1000), since: 0, cursors: {}, sinks: {} },
    );
  }

  async #list(): Promise<boolean> {
    const { register, clock } = this.#ports;
    const read = await this.#bounded((signal) => register.list(signal));
    if (!read.ok) {
      this.#failed(read.message);
      return false;
    }
    const now = clock.monotonicMs();
    this.#listedAtMs = now;
    const entries = new Map(read.value.map((entry) => [entry.key, entry]));
    for (const entry of read.value) if (entry.key.startsWith("members/")) this.#members.see(entry, now);
    for (let shard = 0; shard < this.#settings.shards; shard++)
      if (!this.#busy.has(shard)) this.#sawShard(shard, entries.get(shardKey(shard)), now);
    return true;
  }

  // -- rounds

  async #rounds(): Promise<void> {
    const { clock } = this.#ports;
    const { ttlMs } = this.#settings;
    while (!this.#stop.signal.aborted) {
      const now = clock.monotonicMs();
      const current = now - this.#listedAtMs < ttlMs / 3 || (await this.#list());
      if (current && this.#validity.holds && !this.#leaving) await this.#round();
      this.#changed();
      const wake = new AbortController();
      this.#hint = () => wake.abort();
      await clock.sleep(ttlMs / 15, AbortSignal.any([wake.signal, this.#stop.signal]));
      this.#hint = undefined;
    }
  }

  async #round(): Promise<void> {
    const { clock } = this.#ports;
    const { id, ttlMs, shards } = this.#settings;
    const nowMs = clock.monotonicMs();
    const { ids, settledAtMs } = this.#members.candidates(nowMs);
    const actions = decide({
      self: id,
      nowMs,
      ttlMs,
      shards,
      values: this.#values,
      missingSinceMs: this.#missingSinceMs,
      owned: new Set(this.#owned.keys()),
      candidates: ids,
      settledAtMs,
      isDead: (holder) => this.#members.isDead(holder, nowMs),
    }).filter(({ shard }) => !this.#busy.has(shard) && this.#owned.get(shard)?.releasing !== true);
    for (const action of actions) if (action.kind === "release") void this.#release(action.shard);
    const others = actions.filter((a) => a.kind !== "release");
    for (let i = 0; i < others.length && this.#validity.holds; i += AT_ONCE)
      await Promise.all(others.slice(i, i + AT_ONCE).map((action) => this.#act(action)));
    this.#sayTakenOver();
    await this.#checkpoints();
  }

  /** One line for each agent that was silent, not one for each of its shards. */
  #sayTakenOver(): void {
    for (const [from, shards] of this.#tookFrom)
      this.#ports.say(
        "warn",
        `fleet: took over ${shards.length === 1 ? "shard" : `${shards.length} shards:`} ${shards.slice(0, 10).join(", ")}${shards.length > 10 ? ", …" : ""} from ${from}, which has been silent for ${Math.round((this.#members.silentMs(from, this.#ports.clock.monotonicMs()) ?? this.#settings.ttlMs) / 1000)} s.`,
      );
    this.#tookFrom.clear();
  }

  async #act(action: Action): Promise<void> {
    const { shard } = action;
    this.#busy.add(shard);
    try {
      if (action.kind === "lost") return await this.#confirmLost(shard);
      if (action.kind === "free") return await this.#free(shard);
      if (action.kind === "takeOver" && !(await this.#isReallyDead(action.holder))) return;
      await this.#take(shard, action.kind === "takeOver" ? action.holder : undefined);
    } finally {
      this.#busy.delete(shard);
    }
  }

  /** A change may be heard of late: what a consistent read says counts. */
  async #confirmLost(shard: number): Promise<void> {
    await this.#look(shard);
    const holder = this.#values.get(shard)?.holder;
    if (holder === undefined || holder === this.#settings.id) return;
    this.#ports.say("warn", `fleet: shard ${shard} is owned by ${holder || "nobody"} now.`);
    this.#lose(shard, `it is owned by ${holder || "nobody"} now`);
  }

  /** A watch that hangs looks like a dead member: its entry is read, and judged after that. */
  async #isReallyDead(holder: string): Promise<boolean> {
    const { register, clock } = this.#ports;
    const read = await this.#bounded((signal) => register.get(memberKey(holder), signal));
    if (!read.ok) return false;
    if (read.value !== undefined) this.#members.see(read.value, clock.monotonicMs());
    return this.#members.isDead(holder, clock.monotonicMs());
  }

  async #take(shard: number, from: string | undefined): Promise<void> {
    const { register, clock, owner } = this.#ports;
    const { id } = this.#settings;
    const before = this.#values.get(shard);
    const revision = this.#revisions.get(shard);
    const epoch = before === undefined ? Math.floor(clock.now() / 1000) : before.epoch + 1;
    const value: Shard = {
      holder: id,
      epoch,
      since: Math.round(clock.now()),
      cursors: before?.cursors ?? {},
      sinks: before?.sinks ?? {},
    };
    const text = JSON.stringify(value);
    const written = await this.#bounded((signal) =>
      revision === undefined
        ? register.create(shardKey(shard), text, signal)
        : register.update(shardKey(shard), text, revision, signal),
    );
    // Whoever was faster, or whether the write was applied after all, is known after a look.
    if (!written.ok) return this.#look(shard);
    this.#values.set(shard, value);
    this.#revisions.set(shard, written.revision);
    this.#missingSinceMs.delete(shard);
    if (!this.#validity.holds) return; // held in vain: taken again once valid
    const abort = new AbortController();
    const owned: Owned = {
      epoch,
      revision: written.revision,
      abort,
      writtenAtMs: clock.monotonicMs(),
      written: progressText(value),
      releasing: false,
    };
    this.#owned.set(shard, owned);
    if (from !== undefined) {
      this.#takeovers++;
      this.#tookFrom.set(from, [...(this.#tookFrom.get(from) ?? []), shard]);
    }
    owner.took(shard, value, {
      epoch,
      signal: abort.signal,
      holds: () => this.#owned.get(shard) === owned && this.#validity.holds,
    });
    this.#changed();
  }

  async #free(shard: number): Promise<void> {
    const value = this.#values.get(shard);
    const revision = this.#revisions.get(shard);
    if (value === undefined || revision === undefined) return;
    const text = JSON.stringify({ ...value, holder: "" });
    await this.#bounded((signal) => this.#ports.register.update(shardKey(shard), text, revision, signal));
    await this.#look(shard);
  }

  async #look(shard: number): Promise<void> {
    const { register, clock } = this.#ports;
    const read = await this.#bounded((signal) => register.get(shardKey(shard), signal));
    if (read.ok) this.#sawShard(shard, read.value, clock.monotonicMs());
  }

  // -- progress

  /** Each shard at most once a TTL, spread over it: few writes, and an owner that dies costs at most that much again. */
  async #checkpoints(): Promise<void> {
    const { clock } = this.#ports;
    const now = clock.monotonicMs();
    const due = [...this.#owned].filter(
      ([shard, o]) => !o.releasing && !this.#busy.has(shard) && now - o.writtenAtMs >= this.#settings.ttlMs,
    );
    for (let i = 0; i < due.length && this.#validity.holds; i += AT_ONCE)
      await Promise.all(due.slice(i, i + AT_ONCE).map(([shard, owned]) => this.#checkpoint(shard, owned)));
  }

  /** Writes how far the shard is. False: not written. */
  async #checkpoint(shard: number, owned: Owned, holder = this.#settings.id): Promise<boolean> {
    const { register, clock, owner } = this.#ports;
    const progress = owner.progress(shard);
    const text = progressText(progress);
    const known = this.#values.get(shard);
    if (holder !== "" && text === owned.written && known !== undefined) {
      owned.writtenAtMs = clock.monotonicMs();
      return true;
    }
    const value: Shard = { holder, epoch: owned.epoch, since: known?.since ?? Math.round(clock.now()), ...progress };
    this.#busy.add(shard);
    try {
      const missing = this.#values.get(shard) === undefined;
      const written = await this.#bounded((signal) =>
        missing
          ? register.create(shardKey(shard), JSON.stringify(value), signal)
          : register.update(shardKey(shard), JSON.stringify(value), owned.revision, signal),
      );
      if (written.ok) {
        Object.assign(owned, { revision: written.revision, written: text, writtenAtMs: clock.monotonicMs() });
        this.#values.set(shard, value);
        this.#revisions.set(shard, written.revision);
        this.#missingSinceMs.delete(shard);
        return true;
      }
      if (written.why === "failed") this.#failed(written.message);
      const read = await this.#bounded((signal) => register.get(shardKey(shard), signal));
      if (!read.ok) return false;
      this.#sawShard(shard, read.value, clock.monotonicMs());
      const now = this.#values.get(shard);
      // An earlier write of ours whose response was lost, or somebody edited it by hand: still ours.
      if (read.value !== undefined && now?.holder === this.#settings.id && now.epoch === owned.epoch)
        owned.revision = read.value.revision;
      else if (now !== undefined && this.#owned.get(shard) === owned) {
        // One that is being released may have been freed by a write whose response was lost.
        if (!owned.releasing)
          this.#ports.say("warn", `fleet: shard ${shard} is owned by ${now.holder || "nobody"} now.`);
        this.#lose(shard, `it is owned by ${now.holder || "nobody"} now`);
      }
      return false;
    } finally {
      this.#busy.delete(shard);
    }
  }

  async #release(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (owned === undefined || owned.releasing) return;
    owned.releasing = true;
    await this.#ports.owner.release(shard);
    // Free it as long as that may be said; after that others find out by themselves.
    while (this.#owned.get(shard) === owned && this.#validity.holds) {
      if (await this.#checkpoint(shard, owned, "")) break;
      await this.#ports.clock.sleep(this.#settings.ttlMs / 15, owned.abort.signal);
    }
    if (this.#owned.get(shard) !== owned) return;
    this.#owned.delete(shard);
    owned.abort.abort();
    this.#changed();
  }

  // -- asking

  /** A call to the register, at most 4 s (less with a short TTL). */
  async #bounded<T>(ask: (signal: AbortSignal) => Promise<Read<T>>): Promise<Read<T>>;
  async #bounded(ask: (signal: AbortSignal) => Promise<Written>): Promise<Written>;
  async #bounded(ask: (signal: AbortSignal) => Promise<Read<unknown> | Written>): Promise<Read<unknown> | Written> {
    const limit = new AbortController();
    const done = new AbortController();
    const ms = Math.min(4_000, (this.#settings.ttlMs * 4) / 15);
    const late = this.#ports.clock.sleep(ms, done.signal).then((elapsed) => {
      if (elapsed) limit.abort();
      return { ok: false, why: "failed", message: `no response within ${Math.round(ms)} ms` } as const;
    });
    try {
      return await Promise.race([
        ask(limit.signal).catch((error) => ({ ok: false, why: "failed", message: String(error) }) as const),
        late,
      ]);
    } finally {
      done.abort();
    }
  }

  #failed(message: string): void {
    this.#problem = message;
  }

  #changed(): void {
    this.#ports.changed(this.view());
  }
}

const progressText = ({ cursors, sinks }: Progress): string => JSON.stringify([cursors, sinks]);
