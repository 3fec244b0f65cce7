// Over 350 lines: every statement of the one database answers to the same handling of a failing disk.
// What survives a restart: cursors with their memories, conditions, and policy generations, in a node:sqlite database in the state
// directory. One agent a directory. Disk trouble never stops the agent: it runs on with what it has in memory and says so through
// `onTrouble`. Every row is read as outside data (rows.ts): one that cannot be read is set aside, said, and never a crash.
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Clock, EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Condition } from "../status/condition.ts";
import type { Attempted } from "./attempted.ts";
import {
  copyDatabase,
  FILE,
  makeStateDir,
  ofDisk,
  openDatabase,
  type StateTrouble,
  textOf,
  withSchema,
} from "./database.ts";
import {
  joined,
  type Read,
  type Row,
  readAttempted,
  readConditions,
  readCursor,
  readDefinitions,
  readGeneration,
  whole,
} from "./rows.ts";

export { StateDirError, type StateTrouble } from "./database.ts";

export type CursorKey = { policy: string; sink: string; source: string };

/** A cursor and what belongs to it: last timestamps (Memory.pieces). One without its memory would lose late samples. */
export type SavedCursor = {
  cursor: EpochMs;
  memory: Uint8Array | undefined;
  /** What comes after the cursor may have been sent, by whoever owned it before. */
  unclean?: true;
};

/** `of`: which memory it is. A piece is valid until the next is asked for. */
export type SavedMemory = { of: object; pieces(): Iterable<Uint8Array> };

export type StateStore = {
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
  /** Forgets cursors of sinks that have not been `inUse` for `keepMs`. */
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

/** Saved after this long; where a save is slow, not before this many times what the last one took: at most a hundredth of a core. */
const SAVE_WITHIN_MS = 100;
const SAVE_COST = 100;

/**
 * Opens (and if need be makes, mode 0700) the state directory. Throws StateDirError if another agent holds it, or if it cannot be
 * used for a reason that does not pass. On a disk that is full or read-only the state is in memory.
 */
export function openStateStore(dir: string, clock: Clock, onTrouble: (t: StateTrouble) => void): LocalStore {
  makeStateDir(dir);
  try {
    return new SqliteStore(openDatabase(dir, clock, onTrouble), dir, clock, onTrouble);
  } catch (error) {
    if (!ofDisk(error)) throw error;
    onTrouble({
      state: "memory",
      message: `Cannot keep state in ${dir} (${textOf(error)}): cursors are in memory only, and after a restart every sink begins at --start. Make the directory writable, or choose another with --state-dir.`,
    });
    return new SqliteStore(withSchema(new DatabaseSync(":memory:"), onTrouble), undefined, clock, onTrouble);
  }
}

type Unsaved = { key: CursorKey; cursor: EpochMs; memory: SavedMemory | undefined };

class SqliteStore implements LocalStore {
  #db: DatabaseSync;
  /** Undefined: in memory. */
  readonly #dir: string | undefined;
  readonly #clock: Clock;
  readonly #onTrouble: (t: StateTrouble) => void;
  readonly closedCleanly: boolean;
  readonly #unsaved = new Map<string, Unsaved>();
  readonly #unsavedAttempts = new Map<string, Attempted>();
  readonly #unsavedConditions = new Map<string, readonly Condition[]>();
  #definitions: ReadonlyMap<string, string> | undefined;
  /** Rows of memories that were saved by this process. */
  #memoryRows = new WeakMap<object, number>();
  readonly #closed = new AbortController();
  #inode: number | undefined;
  #flushing = false;
  #notBeforeMs = 0;
  #failed = false;

  constructor(db: DatabaseSync, dir: string | undefined, clock: Clock, onTrouble: (t: StateTrouble) => void) {
    this.#db = db;
    this.#dir = dir;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#inode = this.#inodeNow();
    this.closedCleanly = this.#rows("SELECT value FROM meta WHERE key = 'closed'")[0]?.value === "cleanly";
    this.#mark("no");
  }

  cursor(key: CursorKey): SavedCursor | undefined {
    this.#flush();
    const unsaved = this.#unsaved.get(JSON.stringify([key.policy, key.sink, key.source]));
    // The disk is full:
    if (unsaved !== undefined)
      return { cursor: unsaved.cursor, memory: unsaved.memory && joined(unsaved.memory.pieces()) };
    const named = [key.policy, key.sink, key.source];
    const where = "WHERE policy = ? AND sink = ? AND source = ?";
    const [row] = this.#rows(`SELECT cursor_ms, memory FROM cursors ${where}`, ...named);
    const saved = this.#understood(row, readCursor, {
      what: `the cursor of ${key.policy}/${key.sink}, source ${key.source}`,
      so: "this source begins at --start",
      remove: () => this.#db.prepare(`DELETE FROM cursors ${where}`).run(...named),
    });
    if (saved === undefined) return undefined;
    return { cursor: saved.cursor, memory: saved.memory === undefined ? undefined : this.#memory(saved.memory) };
  }

  #memory(id: number): Uint8Array | undefined {
    const pieces = [
      ...this.#rows("SELECT pairs FROM memories WHERE id = ?", id),
      ...this.#rows("SELECT pairs FROM pieces WHERE memory = ? ORDER BY piece", id),
    ].map(({ pairs }) => pairs);
    return pieces.length > 0 && pieces.every((p): p is Uint8Array => p instanceof Uint8Array)
      ? joined(pieces)
      : undefined;
  }

  saveCursor(key: CursorKey, cursor: EpochMs, memory?: SavedMemory): void {
    this.#unsaved.set(JSON.stringify([key.policy, key.sink, key.source]), { key, cursor, memory });
    this.#flushSoon();
  }

  attempted({ policy, sink, source }: CursorKey): Attempted | undefined {
    const unsaved = this.#unsavedAttempts.get(JSON.stringify([policy, sink, source]));
    if (unsaved !== undefined) return unsaved;
    const where = "WHERE policy = ? AND sink = ? AND source = ?";
    const [row] = this.#rows(`SELECT attempted FROM attempts ${where}`, policy, sink, source);
    return this.#understood(row, readAttempted, {
      what: `what was attempted of ${policy}/${sink}, source ${source}`,
      so: "refusals of what may have been sent are looked into sample by sample",
      remove: () => this.#db.prepare(`DELETE FROM attempts ${where}`).run(policy, sink, source),
    });
  }

  saveAttempted({ policy, sink, source }: CursorKey, attempted: Attempted): void {
    const key = JSON.stringify([policy, sink, source]);
    const saved = this.#try(() => {
      this.#db
        .prepare("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)")
        .run(policy, sink, source, JSON.stringify(attempted));
    });
    if (saved) this.#unsavedAttempts.delete(key);
    else this.#unsavedAttempts.set(key, attempted); // for this process
  }

  conditions(id: string): readonly Condition[] {
    const unsaved = this.#unsavedConditions.get(id);
    if (unsaved !== undefined) return unsaved;
    const [row] = this.#rows("SELECT conditions FROM conditions WHERE id = ?", id);
    return (
      this.#understood(row, readConditions, {
        what: `the conditions of ${id}`,
        so: "it begins without them",
        remove: () => this.#db.prepare("DELETE FROM conditions WHERE id = ?").run(id),
      }) ?? []
    );
  }

  saveConditions(id: string, conditions: readonly Condition[]): void {
    this.#unsavedConditions.set(id, conditions);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    const ms = Math.max(SAVE_WITHIN_MS, this.#notBeforeMs - this.#clock.monotonicMs());
    void this.#clock.sleep(ms, this.#closed.signal).then((elapsed) => {
      this.#flushing = false;
      if (!elapsed) return;
      const startedMs = this.#clock.monotonicMs();
      this.#flush();
      const endedMs = this.#clock.monotonicMs();
      this.#notBeforeMs = endedMs + SAVE_COST * (endedMs - startedMs);
    });
  }

  generation(policy: string, specHash: string): number {
    const [row] = this.#rows("SELECT spec_hash, generation FROM generations WHERE policy = ?", policy);
    const saved = this.#understood(row, readGeneration, {
      what: `the generation of ${policy}`,
      so: "it counts from 1 again",
      remove: () => this.#db.prepare("DELETE FROM generations WHERE policy = ?").run(policy),
    });
    if (saved?.specHash === specHash) return saved.generation;
    const generation = (saved?.generation ?? 0) + 1;
    this.#try(() => {
      this.#db.prepare("INSERT OR REPLACE INTO generations VALUES (?, ?, ?)").run(policy, specHash, generation);
    });
    return generation;
  }

  definitions(): ReadonlyMap<string, string> {
    if (this.#definitions !== undefined) return this.#definitions;
    const [row] = this.#rows("SELECT value FROM meta WHERE key = 'definitions'");
    this.#definitions =
      this.#understood(row, readDefinitions, {
        what: "the list of files that define policies and Secrets",
        so: "of two that define the same name the first in the order of --policies counts",
        remove: () => this.#db.exec("DELETE FROM meta WHERE key = 'definitions'"),
      }) ?? new Map();
    return this.#definitions;
  }

  saveDefinitions(definitions: ReadonlyMap<string, string>): void {
    const text = JSON.stringify([...definitions]);
    if (text === JSON.stringify([...this.definitions()])) return;
    this.#definitions = definitions;
    this.#try(() => {
      this.#db.prepare("INSERT OR REPLACE INTO meta VALUES ('definitions', ?)").run(text);
    });
  }

  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void {
    const now = Math.round(this.#clock.now());
    const where = "WHERE policy = ? AND sink = ? AND source = ?";
    const rows = this.#rows("SELECT policy, sink, source, used_ms FROM cursors");
    this.#try(() => {
      const use = this.#db.prepare(`UPDATE cursors SET used_ms = ? ${where}`);
      const forget = ["cursors", "attempts"].map((table) => this.#db.prepare(`DELETE FROM ${table} ${where}`));
      // One transaction: a thousand separate ones would take a tenth of a second.
      this.#db.exec("BEGIN");
      try {
        for (const row of rows) {
          const { policy, sink, source } = row as CursorKey;
          const usedMs = whole(row.used_ms, now);
          if (usedMs === undefined || inUse({ policy, sink, source })) use.run(now, policy, sink, source);
          else if (now - usedMs > keepMs) for (const statement of forget) statement.run(policy, sink, source);
        }
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  forget(of: (key: CursorKey) => boolean): void {
    this.#flush();
    const rows = this.#rows("SELECT policy, sink, source FROM cursors UNION SELECT policy, sink, source FROM attempts");
    this.#try(() => {
      const where = "WHERE policy = ? AND sink = ? AND source = ?";
      for (const row of rows) {
        const { policy, sink, source } = row as CursorKey;
        if (!of({ policy, sink, source })) continue;
        this.#db.prepare(`DELETE FROM cursors ${where}`).run(policy, sink, source);
        this.#db.prepare(`DELETE FROM attempts ${where}`).run(policy, sink, source);
      }
    });
  }

  epoch(shard: number): number | undefined {
    const [row] = this.#rows("SELECT value FROM meta WHERE key = ?", `epoch of shard ${shard}`);
    const epoch = Number(row?.value);
    return Number.isSafeInteger(epoch) ? epoch : undefined;
  }

  saveEpoch(shard: number, epoch: number): void {
    this.#try(() => {
      this.#db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(`epoch of shard ${shard}`, String(epoch));
    });
  }

  /** None where the database cannot be read; that is said. */
  #rows(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      const statement = this.#db.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all(...values) as Row[];
    } catch (error) {
      this.#onTrouble({
        state: "set-aside",
        message: `Cannot read the state database (${textOf(error)}): what it holds there is taken as not known. Stop outflow and move the state directory away if this is said again.`,
      });
      return [];
    }
  }

  /** A row as rows.ts reads it; one that it refuses is moved to the table set_aside, and said. */
  #understood<T>(
    row: Row | undefined,
    read: (row: Row) => Read<T>,
    { what, so, remove }: { what: string; so: string; remove(): void },
  ): T | undefined {
    if (row === undefined) return undefined;
    const result = read(row);
    if (result.ok) return result.value;
    this.#onTrouble({
      state: "set-aside",
      message: printable(
        `The state database is damaged: ${what} cannot be read (${result.why}). It is kept in the table set_aside, and ${so}.`,
      ),
    });
    this.#try(() => {
      this.#db.exec("CREATE TABLE IF NOT EXISTS set_aside (at_ms INTEGER, what TEXT, content TEXT) STRICT");
      const content = JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value));
      this.#db.prepare("INSERT INTO set_aside VALUES (?, ?, ?)").run(Math.round(this.#clock.now()), what, content);
      remove();
    });
    return undefined;
  }

  look(): void {
    if (!this.#closed.signal.aborted) this.#try(() => this.#remake());
  }

  /** Where the database was deleted, what is still open is written there again. */
  #remake(): void {
    const inode = this.#inodeNow();
    if (this.#dir === undefined || (inode !== undefined && inode === this.#inode)) return;
    makeStateDir(this.#dir);
    const copy = copyDatabase(this.#db, join(this.#dir, FILE), this.#onTrouble);
    this.#db.close();
    this.#db = copy;
    this.#inode = this.#inodeNow();
    const message = `The state directory ${this.#dir} was deleted while outflow runs: it is made again, with all cursors in it.`;
    this.#onTrouble({ state: "ok", message });
  }

  #inodeNow(): number | undefined {
    return this.#dir === undefined ? undefined : statSync(join(this.#dir, FILE), { throwIfNoEntry: false })?.ino;
  }

  close(cleanly = true): void {
    this.#closed.abort();
    const saved = this.#flush();
    if (cleanly && saved) this.#mark("cleanly");
    this.#db.close();
  }

  #mark(closed: "no" | "cleanly"): void {
    this.#try(() => {
      this.#db.prepare("INSERT OR REPLACE INTO meta VALUES ('closed', ?)").run(closed);
    });
  }

  /** False: something could not be saved. */
  #flush(): boolean {
    if (this.#unsaved.size === 0 && this.#unsavedConditions.size === 0) return true;
    const saved = this.#try(() => {
      this.#remake();
      this.#db.exec("BEGIN");
      try {
        const put = this.#db.prepare("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)");
        const now = Math.round(this.#clock.now());
        for (const { key, cursor, memory } of this.#unsaved.values()) {
          put.run(
            key.policy,
            key.sink,
            key.source,
            Math.round(cursor),
            memory === undefined ? null : this.#memoryRow(memory),
            now,
          );
        }
        const say = this.#db.prepare("INSERT OR REPLACE INTO conditions VALUES (?, ?)");
        const forget = this.#db.prepare("DELETE FROM conditions WHERE id = ?");
        for (const [id, conditions] of this.#unsavedConditions) {
          if (conditions.length === 0) forget.run(id);
          else say.run(id, JSON.stringify(conditions));
        }
        this.#db.exec(
          "DELETE FROM memories WHERE id NOT IN (SELECT memory FROM cursors WHERE memory IS NOT NULL); DELETE FROM pieces WHERE memory NOT IN (SELECT id FROM memories);",
        );
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#memoryRows = new WeakMap(); // rows that were rolled back: their numbers are given to others
        this.#db.exec("ROLLBACK");
        throw error;
      }
    });
    if (!saved) return false; // they stay in memory and go with the next save
    this.#unsaved.clear();
    this.#unsavedConditions.clear();
    return true;
  }

  #memoryRow(memory: SavedMemory): number {
    const known = this.#memoryRows.get(memory.of);
    if (known !== undefined && this.#db.prepare("SELECT 1 FROM memories WHERE id = ?").get(known) !== undefined)
      return known;
    let row: number | undefined;
    let pieces = 0;
    // A statement keeps a copy of what it wrote last until it is collected: of a piece, not of a whole memory.
    const first = this.#db.prepare("INSERT INTO memories (pairs) VALUES (?)");
    const next = this.#db.prepare("INSERT INTO pieces (memory, piece, pairs) VALUES (?, ?, ?)");
    for (const piece of memory.pieces()) {
      if (row === undefined) row = Number(first.run(piece).lastInsertRowid);
      else next.run(row, ++pieces, piece);
    }
    row ??= Number(first.run(new Uint8Array()).lastInsertRowid);
    this.#memoryRows.set(memory.of, row);
    return row;
  }

  #try(write: () => void): boolean {
    try {
      write();
      if (this.#failed) this.#onTrouble({ state: "ok", message: "State is saved again." });
      this.#failed = false;
      return true;
    } catch (error) {
      if (!this.#failed)
        this.#onTrouble({
          state: "memory",
          message: `Cannot save state (${textOf(error)}): cursors are in memory only until this is fixed. Check that the state directory is writable and not full.`,
        });
      this.#failed = true;
      return false;
    }
  }
}
