// What a fleet shares: a small key-value store with compare-and-set, kept by an engine that exists already (etcd, the Kubernetes API).
// It needs no time-to-live of the engine: whether an agent is alive is judged by the observer on its own monotonic clock.

/** `revision`: changes with each write of the key; only equality means anything. */
export type Entry = { key: string; value: string; revision: string };

export type Failed = { ok: false; why: "failed"; message: string };
export type Read<T> = { ok: true; value: T } | Failed;
/**
 * `conflict`: the key has another revision, exists already, or is gone; nothing was written. `failed`: unknown; the write may have
 * been applied, so read before concluding anything.
 */
export type Written = { ok: true; revision: string } | { ok: false; why: "conflict" } | Failed;

/** Keys: `config`, `members/<id>`, `shards/<n>`. */
export type Register = {
  /** All entries, consistent: no older than the call. */
  list(signal: AbortSignal): Promise<Read<Entry[]>>;
  /** One entry, consistent; undefined: there is none. */
  get(key: string, signal: AbortSignal): Promise<Read<Entry | undefined>>;
  create(key: string, value: string, signal: AbortSignal): Promise<Written>;
  update(key: string, value: string, revision: string, signal: AbortSignal): Promise<Written>;
  remove(key: string, revision: string, signal: AbortSignal): Promise<Written>;
  /** Reports changes until it breaks or the signal aborts. Hints: it may miss some and may be silent; lists find what it missed. */
  watch(changed: (key: string, entry: Entry | undefined) => void, signal: AbortSignal): Promise<void>;
};

export const memberKey = (id: string): string => `members/${id}`;
export const shardKey = (shard: number): string => `shards/${shard}`;
export const CONFIG_KEY = "config";
