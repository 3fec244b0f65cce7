// Who owned which shard when, as the register had it, and whether the requests that arrived agree with it.

import type { Entry, Register } from "../../src/fleet/register.ts";
import { shardOf } from "../../src/fleet/rendezvous.ts";
import { parseMember, parseShard } from "../../src/fleet/values.ts";
import type { Arrival } from "./tap.ts";

/** `holder`: an agent's name. `since`: when it took the shard, by its wall clock. */
export type Taken = { epoch: number; holder: string; since: number };

/** The name in a member's id. */
const nameOf = (id: string): string => id.slice(0, -9);

export type Span = [first: number, last: number] | undefined;

/** After `sinceMs`. */
export const spanOf = (times: readonly number[], sinceMs: number): Span =>
  times.length === 0 ? undefined : [Math.min(...times) - sinceMs, Math.max(...times) - sinceMs];

const LIST_EVERY_MS = 200;

export class History {
  /** By shard, in the order of epochs. */
  readonly taken = new Map<number, Taken[]>();
  /** Who is named as the holder now, by shard; "": nobody. */
  readonly holders = new Map<number, string>();
  /** When an agent said that it leaves, and when its shards were seen without an owner last, ms since 1970. */
  readonly left = new Map<string, number>();
  readonly freed = new Map<number, number>();
  readonly #end = new AbortController();
  /** What was seen last, by key: each list tells of all entries, most of which are as they were. */
  readonly #seen = new Map<string, string>();
  readonly #loops: Promise<void>[];

  constructor(register: Register) {
    const { signal } = this.#end;
    const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
    const watch = async () => {
      while (!signal.aborted) {
        await register.watch((_, entry) => entry && this.#see(entry), signal).catch(() => {});
        await pause(50);
      }
    };
    const list = async () => {
      while (!signal.aborted) {
        const read = await register.list(AbortSignal.timeout(2_000)).catch(() => ({ ok: false }) as const);
        if (read.ok) for (const entry of read.value) this.#see(entry);
        await pause(LIST_EVERY_MS);
      }
    };
    this.#loops = [watch(), list()];
  }

  #see({ key, value }: Entry): void {
    if (this.#seen.get(key) === value) return;
    this.#seen.set(key, value);
    const member = parseMember(value);
    if (member?.leaving === true && !this.left.has(member.name)) this.left.set(member.name, Date.now());
    if (!key.startsWith("shards/")) return;
    const shard = Number(key.slice("shards/".length));
    const parsed = parseShard(value);
    if (parsed === undefined) return;
    if (parsed.holder === "" && this.holders.get(shard) !== "") this.freed.set(shard, Date.now());
    this.holders.set(shard, nameOf(parsed.holder));
    const list = this.taken.get(shard) ?? [];
    if (parsed.holder === "" || list.some((t) => t.epoch === parsed.epoch)) return;
    list.push({ epoch: parsed.epoch, holder: nameOf(parsed.holder), since: parsed.since });
    this.taken.set(
      shard,
      list.sort((a, b) => a.epoch - b.epoch),
    );
  }

  /** Shards that this agent is named as the holder of. */
  heldBy(name: string): number[] {
    return [...this.holders].filter(([, holder]) => holder === name).map(([shard]) => shard);
  }

  /** When the last of `shards` was first taken by another agent after `sinceMs`, ms since 1970. */
  lastTaken(shards: readonly number[], from: string, sinceMs: number): number {
    const taken = shards.map((shard) => this.taken.get(shard)?.find((t) => t.holder !== from && t.since >= sinceMs));
    return Math.max(sinceMs, ...taken.map((t) => t?.since ?? sinceMs));
  }

  /** The stages of a hand-over, ms after `sinceMs`: from the first shard to the last. */
  stages(shards: readonly number[], from: string, sinceMs: number): { left?: number; freed: Span; taken: Span } {
    const freed = shards.flatMap((shard) => this.freed.get(shard) ?? []).filter((at) => at >= sinceMs);
    const taken = shards.flatMap((s) => this.taken.get(s)?.find((t) => t.holder !== from && t.since >= sinceMs) ?? []);
    const left = this.left.get(from);
    return {
      ...(left === undefined ? {} : { left: left - sinceMs }),
      freed: spanOf(freed, sinceMs),
      taken: spanOf(
        taken.map((t) => t.since),
        sinceMs,
      ),
    };
  }

  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#loops);
  }
}

export type Judged = {
  /** Requests of an old epoch that arrived after one of a newer one, but for the first of each: that one was in flight. */
  stale: string[];
  /** Those that were in flight. */
  inFlight: number;
  /** How far before what had arrived a new owner began, ms, at most. */
  deepestMs: number;
  /** Where that was. */
  deepest: string;
};

/** `arrivals` of one policy, in order. */
export function judge(policy: string, arrivals: readonly Arrival[], history: History, shards: number): Judged {
  const taken = history.taken.get(shardOf(policy, shards)) ?? [];
  const judged: Judged = { stale: [], inFlight: 0, deepestMs: 0, deepest: "" };
  const seen = new Set<number>();
  let now: Taken | undefined;
  let last: Taken | undefined;
  let newest = 0;
  let before = 0;
  let late: Taken | undefined;
  for (const { agent, at, timestamps } of arrivals) {
    // The same epoch as before, or the first newer one of this agent that had been taken by then.
    const as = taken.find((t) => t.epoch >= (now?.epoch ?? 0) && t.holder === agent && t.since <= at + 1);
    if (as === undefined) {
      if (late === now)
        judged.stale.push(`${policy}: ${agent} at ${at}, after ${now?.holder} with epoch ${now?.epoch}`);
      else judged.inFlight++;
      late = now;
    } else if (as !== now) {
      last = now;
      now = as;
      before = newest;
    }
    for (const ts of timestamps) {
      if (seen.has(ts) && before - ts > judged.deepestMs) {
        judged.deepestMs = before - ts;
        judged.deepest = `${policy}: ${agent} with epoch ${now?.epoch}, taken ${now?.since}, sent ${ts} at ${at}; ${before} had arrived from ${last?.holder}, epoch ${last?.epoch}, taken ${last?.since}`;
      }
      seen.add(ts);
      newest = Math.max(newest, ts);
    }
  }
  return judged;
}
