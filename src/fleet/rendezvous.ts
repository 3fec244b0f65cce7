// Who should own what: rendezvous hashing. When a member joins or leaves, only its own shards change their owner. Pure.

import { hash32 } from "../platform/hash.ts";

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
