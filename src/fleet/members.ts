// Who is alive, judged by when this agent last saw a member's entry change, on its own monotonic clock: no clocks are compared. A
// member whose entry is gone is not dead for that (somebody may have deleted it by hand): it has one TTL, as if it were silent.
import { type Entry, memberKey } from "./register.ts";
import { type Member, parseMember } from "./values.ts";

type Known = { member: Member; revision: string; seenAtMs: number };

export class Members {
  readonly #ttlMs: number;
  readonly #known = new Map<string, Known>();
  /** Ids that are named and were never seen, since when. */
  readonly #unknown = new Map<string, number>();
  #candidates = "";
  #settledAtMs = 0;

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** An entry as it was read or reported. True: it is newer than what was known, so its member is alive. */
  see(entry: Entry, nowMs: number): boolean {
    const member = parseMember(entry.value);
    if (member === undefined || entry.key !== memberKey(member.id)) return false;
    const known = this.#known.get(member.id);
    if (known?.revision === entry.revision) return false;
    // From a list that is older than what the watch reported: a member that leaves would count as staying for a TTL.
    if (known !== undefined && member.beat < known.member.beat) return false;
    this.#unknown.delete(member.id);
    this.#known.set(member.id, { member, revision: entry.revision, seenAtMs: nowMs });
    return true;
  }

  /** A shard names it as its holder: where no entry of it was seen, it has one TTL from now. */
  named(id: string, nowMs: number): void {
    if (!this.#known.has(id) && !this.#unknown.has(id)) this.#unknown.set(id, nowMs);
  }

  /** Silent for one TTL, or named and not seen for one. Ask this after a consistent read of the member's entry, not before. */
  isDead(id: string, nowMs: number): boolean {
    const since = this.#known.get(id)?.seenAtMs ?? this.#unknown.get(id);
    return since !== undefined && nowMs - since >= this.#ttlMs;
  }

  /** All that are alive; forgets those that have been silent for ten TTLs. */
  alive(nowMs: number): Member[] {
    for (const [id, { seenAtMs }] of this.#known) if (nowMs - seenAtMs >= 10 * this.#ttlMs) this.#known.delete(id);
    return [...this.#known.values()].filter(({ member }) => !this.isDead(member.id, nowMs)).map((k) => k.member);
  }

  /** Ids of those that take shards, and since when (monotonic ms) they have been the same. */
  candidates(nowMs: number): { ids: string[]; settledAtMs: number } {
    const ids = this.alive(nowMs)
      .filter((m) => m.leaving !== true)
      .map((m) => m.id)
      .sort();
    const now = ids.join(" ");
    if (now !== this.#candidates) {
      this.#candidates = now;
      this.#settledAtMs = nowMs;
    }
    return { ids, settledAtMs: this.#settledAtMs };
  }

  /** When the next of them will have been silent for a TTL, unless it is seen before: monotonic ms. */
  nextDeathMs(nowMs: number): number {
    const ends = [...this.#known.values()].map(({ seenAtMs }) => seenAtMs + this.#ttlMs);
    return Math.min(...ends.filter((atMs) => atMs > nowMs));
  }

  /** How long ago a member was seen, ms. */
  silentMs(id: string, nowMs: number): number | undefined {
    const known = this.#known.get(id);
    return known && nowMs - known.seenAtMs;
  }
}
