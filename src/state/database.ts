// The database file of the state directory: held exclusively, for its user only, and brought to the present schema. What SQLite does
// not accept as a database is set aside under another name; a table that is missing or has other columns is made again.
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../platform/clock.ts";

export type StateTrouble = { state: "ok" | "memory" | "set-aside"; message: string };

/** The directory cannot hold state, or another agent has it: the caller says so and exits 2. */
export class StateDirError extends Error {}

export const FILE = "state.sqlite";
const TAILS = ["-wal", "-shm"];

/** Makes the directory (mode 0700). Throws StateDirError where that needs another directory or other permissions. */
export function makeStateDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!statSync(dir).isDirectory()) throw new StateDirError("it is not a directory");
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof StateDirError) throw error;
    const why = permanent(error, dir);
    if (why !== undefined) throw new StateDirError(why);
  }
}

/** Trouble with the disk may pass, and an agent runs on without state until then; the rest needs somebody. */
function permanent(error: unknown, dir: string): string | undefined {
  switch ((error as { code?: string }).code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOENT":
    case "ENOTDIR":
    case "EEXIST":
    case "ELOOP":
    case "ENAMETOOLONG":
      return "it cannot be created (a part of the path is not a directory, or does not take one)";
    case "EROFS":
      return statSync(dir, { throwIfNoEntry: false }) === undefined
        ? "it cannot be created: the file system is read-only"
        : undefined;
    default:
      return undefined;
  }
}

/** Throws StateDirError if another agent holds it or made it with a newer version, else what SQLite throws for trouble with the disk. */
export function openDatabase(dir: string, clock: Clock, onTrouble: (t: StateTrouble) => void): DatabaseSync {
  const file = join(dir, FILE);
  try {
    return lockAndCheck(file, onTrouble);
  } catch (error) {
    if (error instanceof StateDirError || ofDisk(error)) throw error;
    const aside = `${file}.damaged-${Math.round(clock.now())}`;
    renameSync(file, aside);
    for (const tail of TAILS) {
      try {
        renameSync(file + tail, aside + tail);
      } catch {
        // it need not exist
      }
    }
    onTrouble({
      state: "set-aside",
      message: `The state database is damaged (${textOf(error)}): it is kept as ${aside}, and every sink begins at --start.`,
    });
    return lockAndCheck(file, onTrouble);
  }
}

/** Whether an error is of the disk, not of what is written there. */
export const ofDisk = (error: unknown): boolean =>
  /full|disk I\/O|readonly|read-only|unable to open|ENOSPC|EROFS|EIO|EDQUOT|EACCES/i.test(textOf(error));

/** A copy of an open database at `file`, opened in its place. */
export function copyDatabase(db: DatabaseSync, file: string, onTrouble: (t: StateTrouble) => void): DatabaseSync {
  rmSync(file, { force: true });
  ownFile(file);
  db.prepare("VACUUM INTO ?").run(file);
  return lockAndCheck(file, onTrouble);
}

/** SQLite gives its other files the mode of the first one. */
function ownFile(file: string): void {
  closeSync(openSync(file, "a", 0o600));
  for (const path of [file, ...TAILS.map((tail) => file + tail)])
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) chmodSync(path, 0o600);
}

function lockAndCheck(file: string, onTrouble: (t: StateTrouble) => void): DatabaseSync {
  try {
    ownFile(file);
  } catch {
    // on a read-only disk; what SQLite says of it counts
  }
  const db = new DatabaseSync(file);
  try {
    db.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; COMMIT;",
    );
    const check = db.prepare("PRAGMA quick_check(1)").get() as Record<string, unknown>;
    if (Object.values(check)[0] !== "ok")
      throw new Error(`database disk image is malformed: ${String(Object.values(check)[0])}`);
    return withSchema(db, onTrouble);
  } catch (error) {
    db.close();
    if (/locked|locking|busy/i.test(textOf(error))) throw new StateDirError("another outflow is using it");
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
  `CREATE TABLE attempts (
     policy TEXT NOT NULL, sink TEXT NOT NULL, source TEXT NOT NULL, attempted TEXT NOT NULL,
     PRIMARY KEY (policy, sink, source)) STRICT;`,
  // What memories have in common: the numbers of their parts, as JSON.
  `ALTER TABLE memories ADD COLUMN parts TEXT NOT NULL DEFAULT '[]';
   CREATE TABLE parts (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL) STRICT;`,
];

/** Brings the database to the present version, all or nothing. */
export function withSchema(db: DatabaseSync, onTrouble: (t: StateTrouble) => void): DatabaseSync {
  const version = versionOf(db);
  if (version > MIGRATIONS.length)
    throw new StateDirError(
      `its database has schema ${version}, and this outflow knows ${MIGRATIONS.length}: it was made by a newer version`,
    );
  const troubles: StateTrouble[] = [];
  db.exec("BEGIN");
  try {
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    if (version > 0) repair(db, (message) => troubles.push({ state: "set-aside", message }));
    if (version < MIGRATIONS.length || troubles.length > 0)
      db.prepare("INSERT OR REPLACE INTO meta VALUES ('schema', ?)").run(String(MIGRATIONS.length));
    db.exec("COMMIT");
  } catch (error) {
    rollBack(db);
    throw error;
  }
  for (const trouble of troubles) onTrouble(trouble);
  return db;
}

/** Where a disk is full, SQLite may have done so already, and says that there is nothing to roll back. */
export function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // what failed before is what counts
  }
}

/** Tables without a version that can be read are taken for the present one: repair() makes them so. */
function versionOf(db: DatabaseSync): number {
  const tables = tablesOf(db);
  const columns = tables.has("meta") ? columnsOf(db, "meta") : "";
  const row = columns.includes('"value"')
    ? (db.prepare("SELECT value FROM meta WHERE key = 'schema'").get() as { value: unknown } | undefined)
    : undefined;
  const version = Number(row?.value);
  if (Number.isInteger(version) && version > 0) return version;
  return tables.has("cursors") ? MIGRATIONS.length : 0;
}

/** Each table as the migrations make it; what stands in its place is kept under another name. */
function repair(db: DatabaseSync, say: (message: string) => void): void {
  const model = new DatabaseSync(":memory:");
  for (const migration of MIGRATIONS) model.exec(migration);
  const present = tablesOf(db);
  for (const [table, sql] of tablesOf(model)) {
    if (present.has(table) && columnsOf(db, table) === columnsOf(model, table)) continue;
    if (present.has(table)) {
      db.exec(`DROP TABLE IF EXISTS set_aside_${table}; ALTER TABLE ${table} RENAME TO set_aside_${table}`);
      say(`The state database is damaged: its table ${table} has other columns. ${kept(table)}`);
    } else say(`The state database is damaged: its table ${table} is missing. ${kept(table)}`);
    db.exec(sql);
  }
  model.close();
}

const kept = (table: string): string =>
  table === "cursors"
    ? "An empty one takes its place, and every sink begins at --start."
    : "An empty one takes its place; cursors are kept.";

const tablesOf = (db: DatabaseSync): Map<string, string> =>
  new Map(
    (
      db
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        .all() as unknown as {
        name: string;
        sql: string;
      }[]
    ).map(({ name, sql }) => [name, sql]),
  );

const columnsOf = (db: DatabaseSync, table: string): string =>
  JSON.stringify(
    (db.prepare(`PRAGMA table_info(${table})`).all() as Record<string, unknown>[]).map(({ name, type, pk }) => [
      name,
      type,
      pk,
    ]),
  );

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
