// What survives a restart: cursors with their memories, and policy generations, in a node:sqlite database in the state directory. One agent a
// directory: the database is held exclusively, and a crashed agent's lock is gone with it. Disk trouble never stops the
// agent: it runs on with what it has in memory and says so through `onTrouble`.
import { Buffer } from "node:buffer";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Condition } from "../status/condition.ts";

export type CursorKey = { policy: string; sink: string; source: string };

export type StateTrouble = { state: "ok" | "memory" | "set-aside"; message: string };

/** A cursor and what belongs to it: last timestamps (Memory.pieces). One without its memory would lose late samples. */
export type SavedCursor = { cursor: EpochMs; memory: Uint8Array | undefined };

/** `of`: which memory it is. A piece is valid until the next is asked for. */
export type SavedMemory = { of: object; pieces(): Iterable<Uint8Array> };

/** The pieces of a memory as one. */
export function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece)));
  return new Uint8Array(buffer, byteOffset, length);
}

export type StateStore = {
  /** False: the agent before this one was killed, or is the first: what it had under way may have been sent. */
  readonly closedCleanly: boolean;
  /** `policy` is namespace/name. */
  cursor(key: CursorKey): SavedCursor | undefined;
  /** Saved soon (SAVE_WITHIN_MS, SAVE_COST), and by close(). Sinks that share a memory object share its row. */
  saveCursor(key: CursorKey, cursor: EpochMs, memory?: SavedMemory): void;
  /** The generation of a policy whose spec has this hash: counts up by one when the hash is new. */
  generation(policy: string, specHash: string): number;
  /** What a sink or a policy reported last; empty if nothing is known. */
  conditions(id: string): readonly Condition[];
  /** Saved with the cursors. Empty: forget them. */
  saveConditions(id: string, conditions: readonly Condition[]): void;
  /** Forgets cursors of sinks that have not been `inUse` for `keepMs`. */
  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void;
  /** `cleanly` false: something may have been sent whose cursor has not moved. */
  close(cleanly?: boolean): void;
};

/** The directory is in use by another agent, or cannot be made: the caller says so and exits 2. */
export class StateDirError extends Error {}

/** Saved after this long; where a save is dear, not before this many times what the last one took: at most a hundredth of a core. */
const SAVE_WITHIN_MS = 100;
const SAVE_COST = 100;
const FILE = "state.sqlite";

/** Opens (and if need be makes, mode 0700) the state directory. Throws StateDirError if another agent holds it. */
export function openStateStore(dir: string, clock: Clock, onTrouble: (t: StateTrouble) => void): StateStore {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return new SqliteStore(open(join(dir, FILE), onTrouble), clock, onTrouble);
  } catch (error) {
    if (error instanceof StateDirError) throw error;
    onTrouble({
      state: "memory",
      message: `Cannot keep state in ${dir} (${text(error)}): cursors are in memory only and a restart begins anew. Make the directory writable, or choose another with --state-dir.`,
    });
    return new SqliteStore(schema(new DatabaseSync(":memory:")), clock, onTrouble);
  }
}

function open(file: string, onTrouble: (t: StateTrouble) => void): DatabaseSync {
  try {
    return lockAndCheck(file);
  } catch (error) {
    if (error instanceof StateDirError || !/not a database|malformed|corrupt|disk image|schema/i.test(text(error)))
      throw error;
    const aside = `${file}.damaged-${process.pid}`;
    renameSync(file, aside);
    for (const tail of ["-wal", "-shm"]) {
      try {
        renameSync(file + tail, aside + tail);
      } catch {
        // it need not exist
      }
    }
    onTrouble({
      state: "set-aside",
      message: `The state database was damaged (${text(error)}): it is kept as ${aside}, and every sink starts anew.`,
    });
    return lockAndCheck(file);
  }
}

function lockAndCheck(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; COMMIT;",
    );
    const check = db.prepare("PRAGMA quick_check(1)").get() as Record<string, unknown>;
    if (Object.values(check)[0] !== "ok")
      throw new Error(`database disk image is malformed: ${String(Object.values(check)[0])}`);
    return schema(db);
  } catch (error) {
    db.close();
    if (/locked|locking|busy/i.test(text(error))) throw new StateDirError(`another outflow is using it`);
    throw error;
  }
}

/** From the version before to this one: the first makes version 1 of nothing. Never changed, only added to. */
const MIGRATIONS = [
  `CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE cursors (
     policy TEXT NOT NULL, sink TEXT NOT NULL, source TEXT NOT NULL,
     cursor_ms INTEGER NOT NULL, memory INTEGER, used_ms INTEGER NOT NULL,
     PRIMARY KEY (policy, sink, source)) STRICT;
   CREATE TABLE memories (id INTEGER PRIMARY KEY AUTOINCREMENT, pairs BLOB NOT NULL) STRICT;
   CREATE TABLE generations (policy TEXT PRIMARY KEY, spec_hash TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;`,
  `CREATE TABLE IF NOT EXISTS conditions (id TEXT PRIMARY KEY, conditions TEXT NOT NULL) STRICT;`,
  // What follows the first piece of a memory.
  `CREATE TABLE pieces (memory INTEGER NOT NULL, piece INTEGER NOT NULL, pairs BLOB NOT NULL, PRIMARY KEY (memory, piece)) STRICT;`,
];

/** Brings the database to the present version, all or nothing. */
function schema(db: DatabaseSync): DatabaseSync {
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE name = 'meta'").get();
  const row =
    tables && (db.prepare("SELECT value FROM meta WHERE key = 'schema'").get() as { value: string } | undefined);
  const version = Number(row?.value ?? 0);
  if (version > MIGRATIONS.length)
    throw new StateDirError(
      `its database has schema ${version}, and this outflow knows ${MIGRATIONS.length}: it was made by a newer version`,
    );
  if (version === MIGRATIONS.length) return db;
  db.exec("BEGIN");
  try {
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    db.prepare("INSERT OR REPLACE INTO meta VALUES ('schema', ?)").run(String(MIGRATIONS.length));
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
  return db;
}

type Unsaved = { key: CursorKey; cursor: EpochMs; memory: SavedMemory | undefined };

class SqliteStore implements StateStore {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #onTrouble: (t: StateTrouble) => void;
  readonly closedCleanly: boolean;
  readonly #unsaved = new Map<string, Unsaved>();
  readonly #unsavedConditions = new Map<string, readonly Condition[]>();
  /** Rows of memories that were saved by this process. */
  #memoryRows = new WeakMap<object, number>();
  readonly #closed = new AbortController();
  #flushing = false;
  #notBeforeMs = 0;
  #failed = false;

  constructor(db: DatabaseSync, clock: Clock, onTrouble: (t: StateTrouble) => void) {
    this.#db = db;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    const row = db.prepare("SELECT value FROM meta WHERE key = 'closed'").get() as { value: string } | undefined;
    this.closedCleanly = row?.value === "cleanly";
    this.#mark("no");
  }

  cursor(key: CursorKey): SavedCursor | undefined {
    this.#flush();
    const unsaved = this.#unsaved.get(JSON.stringify([key.policy, key.sink, key.source]));
    // The disk is full:
    if (unsaved !== undefined)
      return { cursor: unsaved.cursor, memory: unsaved.memory && joined(unsaved.memory.pieces()) };
    const row = this.#db
      .prepare(
        "SELECT cursor_ms, memory, pairs FROM cursors LEFT JOIN memories ON memories.id = cursors.memory WHERE policy = ? AND sink = ? AND source = ?",
      )
      .get(key.policy, key.sink, key.source) as
      | { cursor_ms: number; memory: number; pairs: Uint8Array | null }
      | undefined;
    if (row === undefined || row.pairs === null) return row && { cursor: row.cursor_ms, memory: undefined };
    const more = this.#db.prepare("SELECT pairs FROM pieces WHERE memory = ? ORDER BY piece").all(row.memory) as {
      pairs: Uint8Array;
    }[];
    return { cursor: row.cursor_ms, memory: joined([row.pairs, ...more.map(({ pairs }) => pairs)]) };
  }

  saveCursor(key: CursorKey, cursor: EpochMs, memory?: SavedMemory): void {
    this.#unsaved.set(JSON.stringify([key.policy, key.sink, key.source]), { key, cursor, memory });
    this.#flushSoon();
  }

  conditions(id: string): readonly Condition[] {
    const unsaved = this.#unsavedConditions.get(id);
    if (unsaved !== undefined) return unsaved;
    let row: { conditions: string } | undefined;
    this.#try(() => {
      row = this.#db.prepare("SELECT conditions FROM conditions WHERE id = ?").get(id) as typeof row;
    });
    return row === undefined ? [] : (JSON.parse(row.conditions) as Condition[]);
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
    let row: { spec_hash: string; generation: number } | undefined;
    const read = this.#try(() => {
      row = this.#db
        .prepare("SELECT spec_hash, generation FROM generations WHERE policy = ?")
        .get(policy) as typeof row;
    });
    if (!read) return 1;
    if (row?.spec_hash === specHash) return row.generation;
    const generation = (row?.generation ?? 0) + 1;
    this.#try(() => {
      this.#db.prepare("INSERT OR REPLACE INTO generations VALUES (?, ?, ?)").run(policy, specHash, generation);
    });
    return generation;
  }

  forgetUnused(inUse: (key: CursorKey) => boolean, keepMs: number): void {
    this.#try(() => {
      const now = this.#clock.now();
      for (const row of this.#db.prepare("SELECT policy, sink, source, used_ms FROM cursors").all()) {
        const { policy, sink, source, used_ms } = row as CursorKey & { used_ms: number };
        if (inUse({ policy, sink, source })) {
          this.#db
            .prepare("UPDATE cursors SET used_ms = ? WHERE policy = ? AND sink = ? AND source = ?")
            .run(now, policy, sink, source);
        } else if (now - used_ms > keepMs) {
          this.#db
            .prepare("DELETE FROM cursors WHERE policy = ? AND sink = ? AND source = ?")
            .run(policy, sink, source);
        }
      }
    });
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
          message: `Cannot save state (${text(error)}): cursors are in memory only until this is mended. Check that the state directory is writable and not full.`,
        });
      this.#failed = true;
      return false;
    }
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
