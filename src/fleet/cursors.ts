// Cursors that travel with their shard. The shard's are the truth; what this host has saved is used only if nobody else has owned the
// shard since: it is as new or newer, and knows which late samples were taken. Else a sink begins one late window before the cursor, and
// sends that again: what was taken of it is not known here.
import type { EpochMs } from "../platform/clock.ts";
import type { Seed } from "../platform/random.ts";
import type { CursorKey, LocalStore, SavedCursor, StateStore } from "../state/store.ts";
import { shardOf } from "./rendezvous.ts";
import type { Shard } from "./values.ts";

const nameOf = ({ policy, sink, source }: CursorKey): string => `${policy}/${sink}/${source}`;

type Opened = {
  /** What the shard brought along. */
  cursors: ReadonlyMap<string, EpochMs>;
  /** Where this owner is. */
  now: Map<string, EpochMs>;
  /** Policies that are not among those that were loaded. */
  goneSince: Map<string, EpochMs>;
};

const KEEP_GONE_MS = 86_400_000;

/** The agent's state store, for the shards that it owns. */
export class SharedCursors implements StateStore {
  readonly #local: LocalStore;
  readonly #shards: number;
  readonly #lateWindowMs: number;
  readonly #opened = new Map<number, Opened>();

  constructor(local: LocalStore, shards: number, lateWindowMs: number) {
    this.#local = local;
    this.#shards = shards;
    this.#lateWindowMs = lateWindowMs;
  }

  /**
   * What is known of a shard before it is taken: this host may have owned it last, and may not have been able to write how far it was.
   */
  cursorsOf(shard: number, before: Shard): Shard["cursors"] {
    if (this.#local.epoch(shard) !== before.epoch) return before.cursors;
    return Object.fromEntries(
      Object.entries(before.cursors).map(([name, brought]) => {
        const own = this.#local.cursor(keyOf(name))?.cursor;
        return [name, own === undefined ? brought : this.#settled(own, brought)];
      }),
    );
  }

  /** This agent owns the shard now; `from` as it was written when it was taken. */
  openShard(shard: number, from: Shard): void {
    const mine = this.#local.epoch(shard) === from.epoch - 1;
    const cursors = new Map(Object.entries(from.cursors));
    if (!mine) this.#local.forget((key) => shardOf(key.policy, this.#shards) === shard);
    this.#opened.set(shard, { cursors, now: new Map(cursors), goneSince: new Map() });
    this.#local.saveEpoch(shard, from.epoch);
  }

  /** It does not own it any more. */
  closeShard(shard: number): void {
    this.#opened.delete(shard);
  }

  /** Of all sinks that have a cursor, also of policies that are gone: they may come back. */
  settled(shard: number): Record<string, EpochMs> {
    return Object.fromEntries(this.#opened.get(shard)?.now ?? []);
  }

  /**
   * Cursors of policies that are not here are kept for a day: another directory may be behind for a while, and what it does not know is
   * not gone.
   */
  keepOnly(policies: ReadonlySet<string>, at: EpochMs): void {
    for (const { now, goneSince } of this.#opened.values())
      for (const name of now.keys()) {
        const policy = policyOf(name);
        if (policies.has(policy)) goneSince.delete(policy);
        else if (!goneSince.has(policy)) goneSince.set(policy, at);
        else if (at - goneSince.get(policy)! >= KEEP_GONE_MS) now.delete(name);
      }
  }

  // -- StateStore

  get seed(): Seed {
    return this.#local.seed;
  }

  get closedCleanly(): boolean {
    return this.#local.closedCleanly;
  }

  cursor(key: CursorKey): SavedCursor | undefined {
    const opened = this.#opened.get(shardOf(key.policy, this.#shards));
    const local = this.#local.cursor(key);
    // What another one left on this host was forgotten when the shard was taken: what there is now is this owner's.
    return local ?? this.#brought(opened, key);
  }

  #brought(opened: Opened | undefined, key: CursorKey): SavedCursor | undefined {
    const cursor = opened?.cursors.get(nameOf(key));
    return cursor === undefined
      ? undefined
      : { cursor: Math.max(0, cursor - this.#lateWindowMs), memory: undefined, unclean: true };
  }

  saveCursor(...[key, cursor, memory]: Parameters<StateStore["saveCursor"]>): void {
    const opened = this.#opened.get(shardOf(key.policy, this.#shards));
    const brought = opened?.cursors.get(nameOf(key));
    opened?.now.set(nameOf(key), this.#settled(cursor, brought));
    this.#local.saveCursor(key, cursor, memory);
  }

  /** What a late window before the cursor is sent again was settled before: else an owner that dies early would cost a late window more. */
  #settled(cursor: EpochMs, brought: EpochMs | undefined): EpochMs {
    const again = brought !== undefined && cursor >= brought - this.#lateWindowMs;
    return Math.round(again ? Math.max(cursor, brought) : cursor);
  }

  attempted(key: CursorKey): ReturnType<StateStore["attempted"]> {
    return this.#local.attempted(key);
  }

  saveAttempted(...args: Parameters<StateStore["saveAttempted"]>): void {
    this.#local.saveAttempted(...args);
  }

  generation(policy: string, specHash: string): number {
    return this.#local.generation(policy, specHash);
  }

  conditions(id: string): ReturnType<StateStore["conditions"]> {
    return this.#local.conditions(id);
  }

  saveConditions(...args: Parameters<StateStore["saveConditions"]>): void {
    this.#local.saveConditions(...args);
  }

  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void {
    const owned = (key: CursorKey) => this.#opened.has(shardOf(key.policy, this.#shards));
    // What others own may come back here; what it says then is checked by the epoch.
    this.#local.forgetUnused((key) => !owned(key) || inUse(key), keepMs);
  }

  definitions(): ReturnType<StateStore["definitions"]> {
    return this.#local.definitions();
  }

  saveDefinitions(...args: Parameters<StateStore["saveDefinitions"]>): void {
    this.#local.saveDefinitions(...args);
  }

  look(): void {
    this.#local.look();
  }

  close(cleanly?: boolean): void {
    this.#local.close(cleanly);
  }
}

/** Of `namespace/policy/sink/source`: none of them has a slash. */
function keyOf(name: string): CursorKey {
  const [namespace, policy, sink = "", source = ""] = name.split("/");
  return { policy: `${namespace}/${policy}`, sink, source };
}

/** `namespace/policy` of `namespace/policy/sink/source`. */
const policyOf = (name: string): string => name.split("/").slice(0, 2).join("/");
