// Who should own what: rendezvous hashing. When a member comes or goes only the shards that it gets or had change their owner. Pure.

/** 32 bits of a text, well mixed (FNV-1a, then the finalizer of MurmurHash3). */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The shard of a policy (`namespace/name`), 0 to shards - 1. */
export const shardOf = (policy: string, shards: number): number => hash32(policy) % shards;

/** The member that should own the shard; undefined without members. The same for every order of `ids`. */
export function choice(ids: readonly string[], shard: number): string | undefined {
  let best: string | undefined;
  let most = -1;
  for (const id of ids) {
    const weight = hash32(`${id}/${shard}`);
    if (weight > most || (weight === most && id < best!)) {
      best = id;
      most = weight;
    }
  }
  return best;
}
