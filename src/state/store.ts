// What survives a restart: cursors with their memories, conditions, and policy generations, in a node:sqlite database in the state
// directory. One agent a directory. Disk trouble never stops the agent: it runs on with what it has in memory and says so through
// `onTrouble`. Every row is read as outside data (rows.ts): one that cannot be read is set aside, said, and never a crash.
import { DatabaseSync } from "node:sqlite";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Seed } from "../platform/random.ts";
import type { Condition } from "../status/condition.ts";
import type { Attempted } from "./attempted.ts";
import { makeStateDir, ofDisk, openDatabase, type StateTrouble, textOf, withSchema } from "./database.ts";
import { Disk } from "./disk.ts";
import { Memories } from "./memories.ts";
import {
  concatenated,
  readAttempted,
  readConditions,
  readCursor,
  readDefinitions,
  readGeneration,
  whole,
} from "./rows.ts";
import type { SavedMemory } from "./saved-memory.ts";
import { seedOf } from "./seed.ts";
import { prepared } from "./statements.ts";

export { StateDirError, type StateTrouble } from "./database.ts";
export type { SavedMemory } from "./saved-memory.ts";

export type CursorKey = { policy: string; sink: string; source: string };

/** A cursor and what belongs to it: last timestamps (Memory.blob). One without its memory would lose late samples. */
export type SavedCursor = {
  cursor: EpochMs;
  memory: Uint8Array | undefined;
  /** What comes after the cursor may have been sent, by whoever owned it before. */
  unclean?: true;
};

export type StateStore = {
  /** By what memories keep series: made with the database, and kept in it. */
  readonly seed: Seed;
  /** False: the agent before this one was killed, or is the first: what it had under way may have been sent. */
  readonly closedCleanly: boolean;
  /** `policy` is namespace/name. */
  cursor(key: CursorKey): SavedCursor | undefined;
  /** Saved soon (SAVE_WITHIN_MS, SAVE_COST), and by close(). Sinks that share a memory object share its row. */
  saveCursor(key: CursorKey, cursor: EpochMs, memory?: SavedMemory): void;
  /** Undefined: nothing was ever attempted, or by a version that did not save it. */
  attempted(key: CursorKey): Attempted | undefined;
  /** Saved when this returns: an attempt follows, and the process may be killed at any moment. */
  saveAttempted(key: CursorKey, attempted: Attempted): void;
  /** The generation of a policy whose spec has this hash: counts up by one when the hash is new. */
  generation(policy: string, specHash: string): number;
  /** What a sink or a policy reported last; empty if nothing is known. */
  conditions(id: string): readonly Condition[];
  /** Saved with the cursors. Empty: forget them. */
  saveConditions(id: string, conditions: readonly Condition[]): void;
  /** Which file defines each policy and each Secret, as at the last load; empty if nothing is known. */
  definitions(): ReadonlyMap<string, string>;
  /** Saved at once. */
  saveDefinitions(definitions: ReadonlyMap<string, string>): void;
  /** Forgets cursors of sinks that have not been `inUse` for `keepMs`, or a hundredth less. */
  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void;
  /** Notices that the directory or the database was deleted, and makes them again from what is still open. */
  look(): void;
  /** `cleanly` false: something may have been sent whose cursor has not moved. */
  close(cleanly?: boolean): void;
};

/** What is kept on this host, for a fleet whose cursors travel. */
export type LocalStore = StateStore & {
  /** Forgets cursors at once, and what was attempted after them. */
  forget(of: (key: CursorKey) => boolean): void;
  /** With which epoch this host last owned a shard of its fleet. */
  epoch(shard: number): number | undefined;
  saveEpoch(shard: number, epoch: number): void;
};

/**
 * Saved at once, but not before this long after the last save; where a save is slow, not before this many times what it took: at most a
 * hundredth of a core. At once: a timer would wake a process that has nothing else to do once more. Not more rarely: what was settled
 * since the last save is attempted again after a kill, by samples where a receiver refuses it.
 */
export const SAVE_WITHIN_MS = 100;
const SAVE_COST = 100;

// Rows that are there are changed in place: REPLACE would write the page of their index as well.
const SAVE_CURSOR = `INSERT INTO cursors VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET cursor_ms = excluded.cursor_ms, memory = excluded.memory, used_ms = excluded.used_ms`;
const SAVE_ATTEMPTED =
  "INSERT INTO attempts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET attempted = excluded.attempted";

/**
 * Opens (and if need be makes, mode 0700) the state directory. Throws StateDirError if another agent holds it, or if it cannot be
 * used for a reason that does not pass. On a disk that is full or read-only the state is in memory.
 */
export function openStateStore(dir: string, clock: Clock, onTrouble: (t: StateTrouble) => void): LocalStore {
  makeStateDir(dir);
  try {
    return new SqliteStore(new Disk(openDatabase(dir, clock, onTrouble), dir, clock, onTrouble), clock);
  } catch (error) {
    if (!ofDisk(error)) throw error;
    onTrouble({
      state: "memory",
      message: `Cannot keep state in ${dir} (${textOf(error)}): cursors are in memory only, and after a restart every sink begins at --start. Make the directory writable, or choose another with --state-dir.`,
    });
    const db = withSchema(new DatabaseSync(":memory:"), onTrouble);
    return new SqliteStore(new Disk(db, undefined, clock, onTrouble), clock);
  }
}

const where = "WHERE policy = ? AND sink = ? AND source = ?";

type Unsaved = { key: CursorKey; cursor: EpochMs; memory: SavedMemory | undefined };

class SqliteStore implements LocalStore {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly seed: Seed;
  readonly closedCleanly: boolean;
  readonly #memories = new Memories();
  readonly #unsaved = new Map<string, Unsaved>();
  readonly #unsavedAttempts = new Map<string, Attempted>();
  readonly #unsavedConditions = new Map<string, readonly Condition[]>();
  #definitions: ReadonlyMap<string, string> | undefined;
  readonly #closed = new AbortController();
  #flushing = false;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
    this.closedCleanly = disk.rows("SELECT value FROM meta WHERE key = 'closed'")[0]?.value === "cleanly";
    this.#mark("no");
    this.seed = seedOf(disk, this.#memories);
  }

  cursor(key: CursorKey): SavedCursor | undefined {
    const id = JSON.stringify([key.policy, key.sink, key.source]);
    if (this.#unsaved.has(id)) this.#flush(); // not for what others have moved: a thousand sinks start one by one
    const unsaved = this.#unsaved.get(id);
    // The disk is full:
    if (unsaved !== undefined)
      return { cursor: unsaved.cursor, memory: unsaved.memory && concatenated(unsaved.memory.blob()) };
    const named = [key.policy, key.sink, key.source];
    const [row] = this.#disk.rows(`SELECT cursor_ms, memory FROM cursors ${where}`, ...named);
    const saved = this.#disk.understood(row, readCursor, {
      what: `the cursor of ${key.policy}/${key.sink}, source ${key.source}`,
      so: "this source begins at --start",
      remove: (db) => db.prepare(`DELETE FROM cursors ${where}`).run(...named),
    });
    if (saved === undefined) return undefined;
    return {
      cursor: saved.cursor,
      memory: saved.memory === undefined ? undefined : this.#memories.read(this.#disk, saved.memory),
    };
  }

  saveCursor(key: CursorKey, cursor: EpochMs, memory?: SavedMemory): void {
    this.#unsaved.set(JSON.stringify([key.policy, key.sink, key.source]), { key, cursor, memory });
    this.#flushSoon();
  }

  attempted({ policy, sink, source }: CursorKey): Attempted | undefined {
    const unsaved = this.#unsavedAttempts.get(JSON.stringify([policy, sink, source]));
    if (unsaved !== undefined) return unsaved;
    const [row] = this.#disk.rows(`SELECT attempted FROM attempts ${where}`, policy, sink, source);
    return this.#disk.understood(row, readAttempted, {
      what: `what was attempted of ${policy}/${sink}, source ${source}`,
      so: "refused samples that may have been sent before are tried one by one",
      remove: (db) => db.prepare(`DELETE FROM attempts ${where}`).run(policy, sink, source),
    });
  }

  saveAttempted({ policy, sink, source }: CursorKey, attempted: Attempted): void {
    const key = JSON.stringify([policy, sink, source]);
    const saved = this.#disk.write((db) => {
      prepared(db, SAVE_ATTEMPTED).run(policy, sink, source, JSON.stringify(attempted));
    });
    if (saved) this.#unsavedAttempts.delete(key);
    else this.#unsavedAttempts.set(key, attempted); // for this process
  }

  conditions(id: string): readonly Condition[] {
    const unsaved = this.#unsavedConditions.get(id);
    if (unsaved !== undefined) return unsaved;
    const [row] = this.#disk.rows("SELECT conditions FROM conditions WHERE id = ?", id);
    return (
      this.#disk.understood(row, readConditions, {
        what: `the conditions of ${id}`,
        so: "it begins without them",
        remove: (db) => db.prepare("DELETE FROM conditions WHERE id = ?").run(id),
      }) ?? []
    );
  }

  saveConditions(id: string, conditions: readonly Condition[]): void {
    this.#unsavedConditions.set(id, conditions);
    this.#flushSoon();
  }

  /** What moves now is saved together at once; what moves soon after that waits. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    const ms = this.#notBeforeMs - this.#clock.monotonicMs();
    const due = ms > 0 ? this.#clock.sleep(ms, this.#closed.signal) : Promise.resolve(true);
    void due.then((elapsed) => {
      this.#flushing = false;
      if (!elapsed || this.#closed.signal.aborted) return;
      const startedMs = this.#clock.monotonicMs();
      this.#flush();
      const endedMs = this.#clock.monotonicMs();
      this.#notBeforeMs = endedMs + Math.max(SAVE_WITHIN_MS, SAVE_COST * (endedMs - startedMs));
    });
  }

  generation(policy: string, specHash: string): number {
    const [row] = this.#disk.rows("SELECT spec_hash, generation FROM generations WHERE policy = ?", policy);
    const saved = this.#disk.understood(row, readGeneration, {
      what: `the generation of ${policy}`,
      so: "it counts from 1 again",
      remove: (db) => db.prepare("DELETE FROM generations WHERE policy = ?").run(policy),
    });
    if (saved?.specHash === specHash) return saved.generation;
    const generation = (saved?.generation ?? 0) + 1;
    this.#disk.write((db) => {
      db.prepare("INSERT OR REPLACE INTO generations VALUES (?, ?, ?)").run(policy, specHash, generation);
    });
    return generation;
  }

  definitions(): ReadonlyMap<string, string> {
    if (this.#definitions !== undefined) return this.#definitions;
    const [row] = this.#disk.rows("SELECT value FROM meta WHERE key = 'definitions'");
    this.#definitions =
      this.#disk.understood(row, readDefinitions, {
        what: "the list of files that define policies and Secrets",
        so: "of two that define the same name the first in the order of --policies counts",
        remove: (db) => db.exec("DELETE FROM meta WHERE key = 'definitions'"),
      }) ?? new Map();
    return this.#definitions;
  }

  saveDefinitions(definitions: ReadonlyMap<string, string>): void {
    const text = JSON.stringify([...definitions]);
    if (text === JSON.stringify([...this.definitions()])) return;
    this.#definitions = definitions;
    this.#disk.write((db) => {
      db.prepare("INSERT OR REPLACE INTO meta VALUES ('definitions', ?)").run(text);
    });
  }

  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void {
    const now = Math.round(this.#clock.now());
    const rows = this.#disk.rows("SELECT policy, sink, source, used_ms FROM cursors");
    // One transaction: a thousand separate ones would take a tenth of a second.
    this.#disk.transaction((db) => {
      const use = db.prepare(`UPDATE cursors SET used_ms = ? ${where}`);
      const forget = ["cursors", "attempts"].map((table) => db.prepare(`DELETE FROM ${table} ${where}`));
      for (const row of rows) {
        const { policy, sink, source } = row as CursorKey;
        const usedMs = whole(row.used_ms, now);
        const isUsed = usedMs === undefined || inUse({ policy, sink, source });
        // A save says so too: what was saved lately is not written once more.
        if (isUsed && !(now - usedMs! >= 0 && now - usedMs! < keepMs / 100)) use.run(now, policy, sink, source);
        else if (!isUsed && now - usedMs > keepMs) for (const statement of forget) statement.run(policy, sink, source);
      }
    });
  }

  forget(of: (key: CursorKey) => boolean): void {
    this.#flush();
    const rows = this.#disk.rows(
      "SELECT policy, sink, source FROM cursors UNION SELECT policy, sink, source FROM attempts",
    );
    this.#disk.write((db) => {
      for (const row of rows) {
        const { policy, sink, source } = row as CursorKey;
        if (!of({ policy, sink, source })) continue;
        db.prepare(`DELETE FROM cursors ${where}`).run(policy, sink, source);
        db.prepare(`DELETE FROM attempts ${where}`).run(policy, sink, source);
      }
    });
  }

  epoch(shard: number): number | undefined {
    const [row] = this.#disk.rows("SELECT value FROM meta WHERE key = ?", `epoch of shard ${shard}`);
    const epoch = Number(row?.value);
    return Number.isSafeInteger(epoch) ? epoch : undefined;
  }

  saveEpoch(shard: number, epoch: number): void {
    this.#disk.write((db) => {
      db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(`epoch of shard ${shard}`, String(epoch));
    });
  }

  look(): void {
    if (!this.#closed.signal.aborted) this.#disk.look();
  }

  close(cleanly = true): void {
    this.#closed.abort();
    const saved = this.#flush();
    if (cleanly && saved) this.#mark("cleanly");
    this.#disk.close();
  }

  #mark(closed: "no" | "cleanly"): void {
    this.#disk.write((db) => {
      db.prepare("INSERT OR REPLACE INTO meta VALUES ('closed', ?)").run(closed);
    });
  }

  /** False: something could not be saved. */
  #flush(): boolean {
    if (this.#unsaved.size === 0 && this.#unsavedConditions.size === 0) return true;
    const saved = this.#disk.transaction((db) => {
      const put = prepared(db, SAVE_CURSOR);
      const now = Math.round(this.#clock.now());
      for (const { key, cursor, memory } of this.#unsaved.values()) {
        const row = memory === undefined ? null : this.#memories.write(db, memory);
        put.run(key.policy, key.sink, key.source, Math.round(cursor), row, now);
      }
      for (const [id, conditions] of this.#unsavedConditions) {
        if (conditions.length === 0) prepared(db, "DELETE FROM conditions WHERE id = ?").run(id);
        else prepared(db, "INSERT OR REPLACE INTO conditions VALUES (?, ?)").run(id, JSON.stringify(conditions));
      }
      this.#memories.forgetUnused(db);
    });
    if (!saved) this.#memories.rolledBack();
    if (!saved) return false; // they stay in memory and go with the next save
    this.#unsaved.clear();
    this.#unsavedConditions.clear();
    return true;
  }
}
