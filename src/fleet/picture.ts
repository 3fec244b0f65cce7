// What this agent knows of the register: who is alive, what each shard's entry says. Lists, watches and its own writes feed it; it may be
// old, so nothing is taken over on its word alone.
import type { EpochMs } from "../platform/clock.ts";
import { Members } from "./members.ts";
import { type Entry, shardKey } from "./register.ts";
import { parseShard, type Shard } from "./values.ts";

export class Picture {
  readonly members: Members;
  /** Absent: there is no entry, or it is damaged. */
  readonly values = new Map<number, Shard>();
  readonly revisions = new Map<number, string>();
  /** Since when (monotonic ms) a shard has had no entry that can be read. */
  readonly missingSinceMs = new Map<number, number>();
  /** When (monotonic ms) a shard's entry was last reported, read or written. */
  readonly #changedAtMs = new Map<number, number>();
  /** What was reported of a shard last while this agent was writing it. */
  readonly #meanwhile = new Map<number, Entry | undefined>();
  /** The highest epoch that was ever seen of a shard. */
  readonly #epochs = new Map<number, number>();
  readonly #shards: number;
  readonly #damaged: (shard: number) => void;
  /** What this agent is writing itself is known when the write ends. */
  readonly #writing: (shard: number) => boolean;

  constructor(ttlMs: number, shards: number, writing: (shard: number) => boolean, damaged: (shard: number) => void) {
    this.members = new Members(ttlMs);
    this.#shards = shards;
    this.#writing = writing;
    this.#damaged = damaged;
  }

  /** A change that the watch reports. */
  heard(key: string, entry: Entry | undefined, nowMs: number): void {
    const [kind, name] = key.split("/");
    if (kind === "members" && entry !== undefined) this.members.see(entry, nowMs);
    const shard = Number(name);
    if (kind !== "shards") return;
    if (this.#writing(shard)) this.#meanwhile.set(shard, entry);
    else if (!this.#isOld(shard, entry)) this.shardIs(shard, entry, nowMs);
  }

  /** Its own writes and reads may be ahead of the watch. */
  #isOld(shard: number, entry: Entry | undefined): boolean {
    const known = this.values.get(shard);
    const value = entry && parseShard(entry.value);
    if (known === undefined || value === undefined) return false;
    return value.epoch < known.epoch || (value.epoch === known.epoch && known.holder === "" && value.holder !== "");
  }

  /** `askedMs`: when the list was asked for; what has changed since is newer. */
  listed(list: readonly Entry[], askedMs: number, nowMs: number): void {
    const entries = new Map(list.map((entry) => [entry.key, entry]));
    for (const entry of list) if (entry.key.startsWith("members/")) this.members.see(entry, nowMs);
    for (let shard = 0; shard < this.#shards; shard++)
      if (!this.#writing(shard) && (this.#changedAtMs.get(shard) ?? 0) < askedMs)
        this.shardIs(shard, entries.get(shardKey(shard)), nowMs);
  }

  /** A shard's entry as it was read. One that is damaged is nobody's yet: its owner, if there is one, writes it again within a TTL. */
  shardIs(shard: number, entry: Entry | undefined, nowMs: number): void {
    if (!Number.isInteger(shard) || shard < 0 || shard >= this.#shards) return;
    this.#changedAtMs.set(shard, nowMs);
    this.#meanwhile.delete(shard);
    if (entry === undefined) this.revisions.delete(shard);
    else this.revisions.set(shard, entry.revision);
    const value = entry && parseShard(entry.value);
    if (value !== undefined) {
      this.#sawEpoch(shard, value.epoch);
      this.values.set(shard, value);
      this.missingSinceMs.delete(shard);
      return;
    }
    if (entry !== undefined && this.values.has(shard)) this.#damaged(shard);
    this.values.delete(shard);
    if (!this.missingSinceMs.has(shard)) this.missingSinceMs.set(shard, nowMs);
  }

  wrote(shard: number, value: Shard, revision: string, nowMs: number): void {
    this.#changedAtMs.set(shard, nowMs);
    this.#sawEpoch(shard, value.epoch);
    this.values.set(shard, value);
    this.revisions.set(shard, revision);
    this.missingSinceMs.delete(shard);
    // It may have another owner since.
    const entry = this.#meanwhile.get(shard);
    this.#meanwhile.delete(shard);
    const newer = entry && parseShard(entry.value);
    if (newer !== undefined && newer.epoch > value.epoch) this.shardIs(shard, entry, nowMs);
  }

  /** Higher than all that were seen. A shard whose entry was lost begins with the seconds since 1970, but a clock may be wrong. */
  nextEpoch(shard: number, now: EpochMs): number {
    const seen = this.#epochs.get(shard);
    const value = this.values.get(shard);
    if (value !== undefined) return Math.max(value.epoch, seen ?? 0) + 1;
    return Math.max(firstEpoch(now), (seen ?? 0) + 1);
  }

  #sawEpoch(shard: number, epoch: number): void {
    this.#epochs.set(shard, Math.max(epoch, this.#epochs.get(shard) ?? 0));
  }
}

/** Of a shard that nobody owned yet. */
export const firstEpoch = (now: EpochMs): number => Math.floor(now / 1000);
