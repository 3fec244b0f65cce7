// What a reader remembers of each series: the last timestamp that was taken, and how many samples of the recent past (recent-counts.ts).
// With it late samples are sent, and no sample is sent twice. A version is never changed; a read that succeeds makes the next one.
import type { EpochMs } from "../../platform/clock.ts";
import type { Frame } from "../../series/frame.ts";
import type { SeriesTable } from "../../series/table.ts";
import type { AuditCounts } from "../../source/audit.ts";
import { endedAt, LOOKBACK_MS } from "../../source/stale-markers.ts";
import { fingerprint } from "./fingerprints.ts";
import { blobOf, readBlob } from "./memory-blob.ts";
import { RecentCounts } from "./recent-counts.ts";
import { RestoredSeries } from "./restored-series.ts";
import { type Lasting, SavedNames } from "./saved-names.ts";

type Parts = {
  table: SeriesTable;
  /** By series id; -Infinity (or beyond the end): not seen by this reader. */
  last: Float64Array;
  taken: RecentCounts;
  /** Series that were not seen yet: only samples newer than this. */
  floor: EpochMs;
  /** From before a restart, by fingerprint, for series that have not been seen since. */
  saved?: RestoredSeries | undefined;
  /** False after a restart, until the first read: which series were alive is not known (evaluated sources). */
  known: boolean;
  /** What was taken by stretches of the audit; absent until the first read, or where there is no audit. */
  auditCounts?: AuditCounts | undefined;
  /** Of all versions over one table: what was saved last. */
  names?: SavedNames | undefined;
};

export class Memory {
  readonly table: SeriesTable;
  readonly last: Float64Array;
  readonly taken: RecentCounts;
  readonly floor: EpochMs;
  readonly known: boolean;
  readonly auditCounts: AuditCounts | undefined;
  readonly #saved: RestoredSeries | undefined;
  readonly #names: SavedNames;

  private constructor(parts: Parts) {
    this.table = parts.table;
    this.last = parts.last;
    this.taken = parts.taken;
    this.floor = parts.floor;
    this.known = parts.known;
    this.auditCounts = parts.auditCounts;
    this.#saved = parts.saved;
    this.#names = parts.names ?? new SavedNames(parts.table);
  }

  /** `stretchMs`: by which the recent past is counted (RecentCounts); 0: not at all. */
  static fresh(table: SeriesTable, floor: EpochMs, stretchMs = 0): Memory {
    return new Memory({
      table,
      last: new Float64Array(0),
      taken: new RecentCounts(stretchMs, floor),
      floor,
      known: true,
    });
  }

  #with(parts: Partial<Parts>): Memory {
    const { table, last, taken, floor, known, auditCounts } = this;
    return new Memory({
      table,
      last,
      taken,
      floor,
      saved: this.#saved,
      known,
      auditCounts,
      names: this.#names,
      ...parts,
    });
  }

  /** The last timestamp taken of a series: only newer samples pass. */
  of(id: number): EpochMs {
    const last = id < this.last.length ? this.last[id]! : Number.NEGATIVE_INFINITY;
    if (last !== Number.NEGATIVE_INFINITY) return last;
    const saved = this.#find(id);
    return saved < 0 ? this.floor : this.#saved!.last(saved);
  }

  /** For the series from `first` on, as many as `into` takes: of(), but at least `reach`. */
  floorsFar(reach: EpochMs, first: number, into: Float64Array): void {
    const { last } = this;
    for (let i = 0; i < into.length; i++) {
      const id = first + i;
      const known = id < last.length ? last[id]! : Number.NEGATIVE_INFINITY;
      into[i] = Math.max(known === Number.NEGATIVE_INFINITY ? this.of(id) : known, reach);
    }
  }

  /** The same, where a series whose last sample is before `reach` is left to a read that looks back further: Infinity. */
  floorsNear(reach: EpochMs, first: number, into: Float64Array): void {
    const { last } = this;
    for (let i = 0; i < into.length; i++) {
      const id = first + i;
      let known = id < last.length ? last[id]! : Number.NEGATIVE_INFINITY;
      if (known === Number.NEGATIVE_INFINITY && this.#saved !== undefined && this.has(id)) known = this.of(id);
      into[i] = known >= reach ? known : Number.POSITIVE_INFINITY;
    }
  }

  /** Was a sample of this series taken, or passed over? */
  has(id: number): boolean {
    return this.met(id) || this.#find(id) >= 0;
  }

  /** Where a series is among those that were saved; -1: it is not. */
  #find(id: number): number {
    return this.#saved === undefined ? -1 : this.#saved.find(fingerprint(this.table, id));
  }

  /** The same, in this life of the agent. */
  met(id: number): boolean {
    return id < this.last.length && this.last[id] !== Number.NEGATIVE_INFINITY;
  }

  /** The fingerprint of a series of this memory's table. */
  print = (id: number): number => fingerprint(this.table, id);

  withAuditCounts(auditCounts: AuditCounts): Memory {
    return this.#with({ auditCounts });
  }

  /** The next version: `last` is taken over as it is. */
  next(last: Float64Array): Memory {
    return this.#with({ last, known: true });
  }

  /**
   * The memory after an answer: the last timestamp of each of its series, and what was taken after `keepFrom`. `passed`: the newest
   * timestamp of series that were seen for the first time and had nothing to take.
   */
  after(frame: Frame, late: Frame | undefined, keepFrom: EpochMs, passed?: ReadonlyMap<number, EpochMs>): Memory {
    const taken = this.taken.add(frame, late, keepFrom, this.print);
    // No read looks back to them any more: their series are as unknown as old ones are.
    const saved = this.#saved !== undefined && this.#saved.newest > keepFrom - LOOKBACK_MS ? this.#saved : undefined;
    if (frame.runs === 0 && !passed?.size) return this.#with({ taken, saved, known: true });
    const last = new Float64Array(Math.max(this.last.length, frame.table.size));
    last.set(this.last);
    last.fill(Number.NEGATIVE_INFINITY, this.last.length);
    for (let run = 0; run < frame.runs; run++) {
      const id = frame.runSeries[run]!;
      const i = frame.runStart[run + 1]! - 1;
      const newest = frame.stale[i] === 1 ? endedAt(frame.timestamps[i]!) : frame.timestamps[i]!;
      if (newest > last[id]!) last[id] = newest;
    }
    for (const [id, newest] of passed ?? []) if (newest > last[id]!) last[id] = newest;
    return this.#with({ last, taken, saved, known: true });
  }

  /** The memory with another last timestamp for some series. */
  lastOf(ids: readonly number[], last: number): Memory {
    if (ids.length === 0) return this;
    const column = this.last.slice();
    for (const id of ids) column[id] = last;
    return this.#with({ last: column });
  }

  /** The same position in another query: its series are other ones, all taken up to `read`. */
  at(read: EpochMs): Memory {
    return Memory.fresh(this.table, read, this.taken.stretchMs);
  }

  /** The same memory over another table: series not seen since `reach` are dropped. */
  migrate(table: SeriesTable, reach: EpochMs): Memory {
    const ids = new Map<number, number>();
    for (let id = 0; id < this.last.length; id++) if (this.last[id]! > reach) ids.set(id, table.adopt(this.table, id));
    const last = new Float64Array(table.size).fill(Number.NEGATIVE_INFINITY);
    for (const [before, now] of ids) last[now] = this.last[before]!;
    const taken = this.taken.migrate(ids, table.size);
    return this.#with({ table, last, saved: this.#saved?.after(reach), taken, names: undefined });
  }

  /** Do both let the same samples newer than `reachFrom` pass? */
  equals(other: Memory, reachFrom: EpochMs): boolean {
    if (this === other) return true;
    if (this.table !== other.table) return false;
    if (Math.max(this.floor, reachFrom) !== Math.max(other.floor, reachFrom)) return false;
    const n = Math.max(this.last.length, other.last.length);
    for (let id = 0; id < n; id++) {
      if (Math.max(this.of(id), reachFrom) !== Math.max(other.of(id), reachFrom)) return false;
    }
    return sameAbove(this.#saved, other.#saved, reachFrom) && this.taken.equals(other.taken, reachFrom, n, this.print);
  }

  /** For the state store (memory-blob.ts): every series with a timestamp newer than `since`; no read looks back further. */
  blob(since: EpochMs): { lasting: Lasting[]; pieces: Iterable<Uint8Array> } {
    return blobOf({ last: this.last, taken: this.taken, saved: this.#saved, names: this.#names }, since);
  }

  /** `floor`: series that are not in the blob pass only newer samples. A blob of another version or length is ignored. */
  static fromBlob(table: SeriesTable, blob: Uint8Array, floor: EpochMs, stretchMs = 0): Memory {
    const last = new Float64Array(0);
    const read = readBlob(blob);
    if (read === undefined)
      return new Memory({ table, last, taken: new RecentCounts(stretchMs, floor), floor, known: false });
    const { series: saved, from, first, length, counts } = read;
    const taken =
      read.stretchMs === stretchMs && stretchMs > 0
        ? new RecentCounts(stretchMs, from, new Map(), { first, length, series: saved, counts })
        : new RecentCounts(stretchMs, lastOf(saved, floor));
    return new Memory({ table, last, taken, floor, saved, known: false });
  }
}

/** Counts are not known up to here: the newest timestamp that was taken. */
function lastOf(saved: RestoredSeries, floor: EpochMs): EpochMs {
  let last = floor;
  for (let i = 0; i < saved.size; i++) last = Math.max(last, saved.last(i));
  return last;
}

function sameAbove(a: Parts["saved"], b: Parts["saved"], reachFrom: EpochMs): boolean {
  if (a === b) return true;
  const mine = a?.after(reachFrom) ?? new RestoredSeries(0);
  const others = b?.after(reachFrom) ?? new RestoredSeries(0);
  if (mine.size !== others.size) return false;
  for (let i = 0; i < mine.size; i++) {
    const other = others.find(mine.print(i));
    if (other < 0 || others.last(other) !== mine.last(i)) return false;
  }
  return true;
}
