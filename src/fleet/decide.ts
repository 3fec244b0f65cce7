// What this agent should do with each shard, from what it knows. Pure.
import { choice } from "./rendezvous.ts";
import type { Shard } from "./values.ts";

export type Known = {
  self: string;
  nowMs: number;
  ttlMs: number;
  shards: number;
  /** What the register has; absent: there is no entry. */
  values: ReadonlyMap<number, Shard>;
  /** Since when (monotonic ms) the entry of a shard has been missing. */
  missingSinceMs: ReadonlyMap<number, number>;
  /** Shards that this agent owns and exports. */
  owned: ReadonlySet<number>;
  candidates: readonly string[];
  settledAtMs: number;
  isDead(id: string): boolean;
};

/**
 * `take`: nobody holds it, or this agent did in vain. `takeOver`: from `holder`, who looks dead: look once more before. `release`:
 * another one should have it. `lost`: another one has it. `free`: this agent lost it and is still named as its holder, and another one
 * should have it.
 */
export type Action =
  | { kind: "take"; shard: number }
  | { kind: "takeOver"; shard: number; holder: string }
  | { kind: "release"; shard: number }
  | { kind: "lost"; shard: number; holder: string }
  | { kind: "free"; shard: number };

export function decide(known: Known): Action[] {
  const { self, nowMs, ttlMs, owned } = known;
  const actions: Action[] = [];
  for (let shard = 0; shard < known.shards; shard++) {
    const value = known.values.get(shard);
    const chosen = choice(known.candidates, shard);
    if (owned.has(shard)) {
      if (value !== undefined && value.holder !== self) actions.push({ kind: "lost", shard, holder: value.holder });
      else if (chosen !== undefined && chosen !== self && nowMs - known.settledAtMs >= ttlMs / 3)
        actions.push({ kind: "release", shard });
      continue;
    }
    if (chosen !== self) {
      if (value?.holder === self) actions.push({ kind: "free", shard });
      continue;
    }
    if (value === undefined) {
      // It was deleted: its owner, if there is one, makes it again within one TTL.
      const since = known.missingSinceMs.get(shard) ?? nowMs;
      if (nowMs - since >= ttlMs) actions.push({ kind: "take", shard });
    } else if (value.holder === "" || value.holder === self) actions.push({ kind: "take", shard });
    else if (known.isDead(value.holder)) actions.push({ kind: "takeOver", shard, holder: value.holder });
  }
  return actions;
}
