// The shards that this agent owns: taken, written to the register from time to time, handed over, or lost. Each change is a
// compare-and-set on the shard's entry.
import type { Clock } from "../platform/clock.ts";
import { type Call, inTurn, retryMs } from "./calls.ts";
import type { Picture } from "./picture.ts";
import { type Entry, type Register, shardKey, type Written } from "./register.ts";
import type { Shard } from "./values.ts";

/** The exporting side of the agent. */
export type Owner = {
  /** Export the policies of this shard from these cursors on. `permit` says whether it may still send. */
  took(shard: number, from: Shard, permit: Permit): void;
  /** Stop at once; nothing may be sent any more. */
  lost(shard: number, why: string): void;
  /** Drain: what is in memory gets a last attempt. Resolves when nothing of the shard is sent any more. */
  release(shard: number): Promise<void>;
  /** What is saved of a shard while it is owned: everything up to here is settled. */
  settled(shard: number): Shard["cursors"];
  /** What is saved of its sinks. */
  sinks(shard: number): Shard["sinks"];
  /** The cursors of a shard that this agent is about to take: those of its entry, or newer ones where it owned the shard last. */
  cursors(shard: number, before: Shard): Shard["cursors"];
};

export type Permit = {
  readonly epoch: number;
  /** Checked before each request. */
  holds(): boolean;
  /** Aborts when it no longer holds: ends requests in flight. */
  readonly signal: AbortSignal;
};

export type OwnedPorts = {
  clock: Clock;
  register: Register;
  owner: Owner;
  call: Call;
  picture: Picture;
  /** This agent may own something now. */
  mayOwn(): boolean;
  say(level: "info" | "warn", message: string): void;
  failed(message: string): void;
  changed(): void;
};

type Owned = {
  /** How it was taken, as the register has it. */
  taken: Omit<Shard, "cursors" | "sinks" | "holder">;
  revision: string;
  abort: AbortController;
  /** Where it began; absent once a checkpoint says that it has passed that. */
  brought?: Shard["cursors"];
  writtenAtMs: number;
  written: string;
  /** Ends when it is free, or lost. */
  releasing?: Promise<void>;
};

/** Writes to the register at once; of these, checkpoints: what is taken or freed does not wait for them. */
const AT_ONCE = 8;
const CHECKPOINTS_AT_ONCE = 4;

export class OwnedShards {
  readonly #id: string;
  readonly #ttlMs: number;
  readonly #ports: OwnedPorts;
  readonly #owned = new Map<number, Owned>();
  /** Something is being written to them, one after the other: what a watch says of them is old. */
  readonly #busy = new Map<number, Promise<unknown>>();
  readonly #inTurn = inTurn(AT_ONCE);
  #checkpointing = false;

  constructor({ id, ttlMs }: { id: string; ttlMs: number }, ports: OwnedPorts) {
    this.#id = id;
    this.#ttlMs = ttlMs;
    this.#ports = ports;
  }

  get shards(): number[] {
    return [...this.#owned.keys()];
  }

  isBusy(shard: number): boolean {
    return this.#busy.has(shard) || this.#owned.get(shard)?.releasing !== undefined;
  }

  /** Something is written to the shard's entry right now. */
  isWriting(shard: number): boolean {
    return this.#busy.has(shard);
  }

  /** `silentHolder`: its holder, which is dead. Where the write is refused, or nobody knows whether it was applied, a read says who has it. */
  async take(shard: number, silentHolder: string | undefined): Promise<"taken" | "refused" | "failed"> {
    const { clock, owner, picture, mayOwn } = this.#ports;
    return this.#writing(shard, async () => {
      const before = picture.values.get(shard);
      // Meanwhile another agent took it.
      if (this.#owned.has(shard) || !["", this.#id, silentHolder].includes(before?.holder ?? "")) return "refused";
      const from = before?.holder || before?.from;
      const value: Shard = {
        holder: this.#id,
        epoch: picture.nextEpoch(shard, clock.now()),
        since: Math.round(clock.now()),
        ...(from === undefined ? {} : { from }),
        ...(silentHolder === undefined ? {} : { silent: true }),
        cursors: before === undefined ? {} : owner.cursors(shard, before),
        sinks: before?.sinks ?? {},
      };
      const written = await this.#write(shard, value, picture.revisions.get(shard));
      if (!written.ok) {
        await this.#look(shard);
        return written.why === "conflict" ? "refused" : "failed";
      }
      picture.wrote(shard, value, written.revision, clock.monotonicMs());
      if (!mayOwn()) return "failed"; // held in vain: taken again once valid
      if (before === undefined)
        this.#ports.say(
          "warn",
          `fleet: shard ${shard} had no entry in the register for ${Math.round(this.#ttlMs / 1000)} s: taken without cursors, its policies begin at --start.`,
        );
      const { cursors, sinks, holder, ...taken } = value;
      const abort = new AbortController();
      const owned: Owned = {
        taken,
        revision: written.revision,
        abort,
        brought: cursors,
        writtenAtMs: clock.monotonicMs(),
        written: progressText(value),
      };
      this.#owned.set(shard, owned);
      owner.took(shard, value, {
        epoch: value.epoch,
        signal: abort.signal,
        holds: () => this.#owned.get(shard) === owned && mayOwn(),
      });
      this.#ports.changed();
      return "taken";
    });
  }

  /**
   * Each shard once a TTL: few writes, and after the death of an owner at most that much is sent again. Once more when a new owner has
   * caught up: if it dies as well, what it has sent is not sent a third time.
   */
  async checkpoint(): Promise<void> {
    if (this.#checkpointing) return;
    this.#checkpointing = true;
    const now = this.#ports.clock.monotonicMs();
    const isDue = ([shard, owned]: [number, Owned]) =>
      owned.releasing === undefined &&
      !this.#busy.has(shard) &&
      (now - owned.writtenAtMs >= this.#ttlMs || this.#hasCaughtUp(shard, owned));
    const due = [...this.#owned].filter(isDue);
    try {
      for (let i = 0; i < due.length && this.#ports.mayOwn(); i += CHECKPOINTS_AT_ONCE)
        await Promise.all(
          due.slice(i, i + CHECKPOINTS_AT_ONCE).map(([shard, owned]) => this.#checkpoint(shard, owned)),
        );
    } finally {
      this.#checkpointing = false;
    }
  }

  #hasCaughtUp(shard: number, { brought }: Owned): boolean {
    if (brought === undefined) return false;
    const now = this.#ports.owner.settled(shard);
    const names = Object.keys(now);
    return names.length > 0 && names.every((name) => now[name]! > (brought[name] ?? 0));
  }

  /** Drains it, writes how far it is, and frees it. */
  async release(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (owned !== undefined) await (owned.releasing ??= this.#release(shard, owned));
  }

  async #release(shard: number, owned: Owned): Promise<void> {
    const { clock, owner, mayOwn, changed } = this.#ports;
    await owner.release(shard);
    // Only while this agent may own it: after that the others take it over.
    while (this.#owned.get(shard) === owned && mayOwn()) {
      if (await this.#checkpoint(shard, owned, "")) break;
      await clock.sleep(retryMs(this.#ttlMs), owned.abort.signal);
    }
    if (this.#owned.get(shard) !== owned) return;
    this.#owned.delete(shard);
    owned.abort.abort();
    changed();
  }

  /** At once, and nothing is written: another agent may own it. */
  lose(shard: number, why: string): void {
    const owned = this.#owned.get(shard);
    if (owned === undefined) return;
    this.#owned.delete(shard);
    owned.abort.abort();
    this.#ports.owner.lost(shard, why);
    this.#ports.changed();
  }

  /** A watch may report late: a consistent read decides. */
  async confirmLost(shard: number): Promise<boolean> {
    return this.#writing(shard, async () => {
      const entry = await this.#look(shard);
      const value = this.#ports.picture.values.get(shard);
      if (value !== undefined && value.holder !== this.#id) this.#lostTo(shard, value.holder);
      return entry !== undefined;
    });
  }

  /** This agent is named as the holder of a shard that it does not export, and another one should have it. */
  async free(shard: number): Promise<boolean> {
    const { picture } = this.#ports;
    return this.#writing(shard, async () => {
      const value = picture.values.get(shard);
      const revision = picture.revisions.get(shard);
      if (value === undefined || revision === undefined) return false;
      const written = await this.#write(shard, { ...value, holder: "", from: this.#id }, revision);
      await this.#look(shard);
      return written.ok || written.why === "conflict";
    });
  }

  /** Writes how far the shard is. False: not written. */
  #checkpoint(shard: number, owned: Owned, holder = this.#id): Promise<boolean> {
    const { clock, owner, picture } = this.#ports;
    return this.#writing(shard, async () => {
      // Something else may have happened to it before its turn came.
      if (this.#owned.get(shard) !== owned || (holder !== "" && owned.releasing !== undefined)) return false;
      const progress = { cursors: owner.settled(shard), sinks: owner.sinks(shard) };
      const text = progressText(progress);
      const known = picture.values.get(shard);
      if (holder !== "" && text === owned.written && known !== undefined) {
        owned.writtenAtMs = clock.monotonicMs();
        delete owned.brought;
        return true;
      }
      const { taken } = owned;
      const value: Shard = { holder, ...taken, ...(holder === "" ? { from: this.#id } : {}), ...progress };
      // Deleted, or damaged: written again.
      const written = await this.#write(
        shard,
        value,
        known === undefined ? picture.revisions.get(shard) : owned.revision,
      );
      if (written.ok) {
        if (known === undefined)
          this.#ports.say("warn", `fleet: the entry of shard ${shard} was deleted or damaged; it is written again.`);
        Object.assign(owned, { revision: written.revision, written: text, writtenAtMs: clock.monotonicMs() });
        delete owned.brought;
        picture.wrote(shard, value, written.revision, clock.monotonicMs());
        return true;
      }
      if (written.why === "failed") this.#ports.failed(written.message);
      const entry = await this.#look(shard);
      const now = picture.values.get(shard);
      // An earlier write of ours whose response was lost, or somebody edited it by hand: still ours.
      if (entry !== undefined && now?.holder === this.#id && now.epoch === taken.epoch) owned.revision = entry.revision;
      else if (entry !== undefined && now !== undefined && this.#owned.get(shard) === owned)
        this.#lostTo(shard, now.holder);
      return false;
    });
  }

  #lostTo(shard: number, holder: string): void {
    const why = `it is owned by ${holder || "nobody"} now`;
    // One that is being released may have been freed by a write whose response was lost.
    if (this.#owned.get(shard)?.releasing === undefined)
      this.#ports.say("warn", `fleet: shard ${shard}: stopped exporting: ${why}.`);
    this.lose(shard, why);
  }

  #write(shard: number, value: Shard, revision: string | undefined): Promise<Written> {
    const { register, call } = this.#ports;
    const text = JSON.stringify(value);
    return this.#inTurn(() =>
      call((signal) =>
        revision === undefined
          ? register.create(shardKey(shard), text, signal)
          : register.update(shardKey(shard), text, revision, signal),
      ),
    );
  }

  /** Reads the entry; undefined: there is none, or it cannot be read. */
  async #look(shard: number): Promise<Entry | undefined> {
    const { register, clock, call, picture } = this.#ports;
    const read = await call((signal) => register.get(shardKey(shard), signal));
    if (!read.ok) return undefined;
    picture.shardIs(shard, read.value, clock.monotonicMs());
    return read.value;
  }

  /** One write after the other: two at once would refuse one another. */
  async #writing<T>(shard: number, act: () => Promise<T>): Promise<T> {
    const mine = (this.#busy.get(shard) ?? Promise.resolve()).then(act);
    const ended = mine.catch(() => {});
    this.#busy.set(shard, ended);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(shard) === ended) this.#busy.delete(shard);
    }
  }
}

const progressText = ({ cursors, sinks }: Pick<Shard, "cursors" | "sinks">): string => JSON.stringify([cursors, sinks]);
