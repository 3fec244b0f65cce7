// The database of a state directory on a disk that may fail: what cannot be read is set aside, what cannot be written is said once,
// and a directory that was deleted is made again. Nothing in here throws.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Clock } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { copyDatabase, FILE, makeStateDir, rollBack, type StateTrouble, textOf } from "./database.ts";
import type { Read, Row } from "./rows.ts";

/** On a full disk some writes still find room: it counts as working when none has failed for so long. */
const WORKS_AFTER_MS = 3_000;

export class Disk {
  #db: DatabaseSync;
  /** Undefined: in memory. */
  readonly #dir: string | undefined;
  readonly #clock: Clock;
  readonly #onTrouble: (t: StateTrouble) => void;
  #inode: number | undefined;
  /** Monotonic ms of the last failure, while state counts as not saved. */
  #failedMs: number | undefined;

  constructor(db: DatabaseSync, dir: string | undefined, clock: Clock, onTrouble: (t: StateTrouble) => void) {
    this.#db = db;
    this.#dir = dir;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#inode = this.#inodeNow();
  }

  /** None where the database cannot be read; that is said. */
  rows(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      const statement = this.#db.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all(...values) as Row[];
    } catch (error) {
      this.#onTrouble({
        state: "set-aside",
        message: `Cannot read the state database (${textOf(error)}): that part is treated as missing. If this message repeats, stop outflow and move the state directory away.`,
      });
      return [];
    }
  }

  /** A row as rows.ts reads it; one that it refuses is moved to the table set_aside, and said. */
  understood<T>(
    row: Row | undefined,
    read: (row: Row) => Read<T>,
    { what, so, remove }: { what: string; so: string; remove(db: DatabaseSync): void },
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
    this.write((db) => {
      db.exec("CREATE TABLE IF NOT EXISTS set_aside (at_ms INTEGER, what TEXT, content TEXT) STRICT");
      const content = JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value));
      db.prepare("INSERT INTO set_aside VALUES (?, ?, ?)").run(Math.round(this.#clock.now()), what, content);
      remove(db);
    });
    return undefined;
  }

  #succeeded(): void {
    if (this.#failedMs === undefined || this.#clock.monotonicMs() - this.#failedMs < WORKS_AFTER_MS) return;
    this.#failedMs = undefined;
    this.#onTrouble({ state: "ok", message: "State is saved again." });
  }

  /** False: it could not be written, which is said at the first time. */
  write(act: (db: DatabaseSync) => void): boolean {
    try {
      act(this.#db);
      this.#succeeded();
      return true;
    } catch (error) {
      if (this.#failedMs === undefined)
        this.#onTrouble({
          state: "memory",
          message: `Cannot save state (${textOf(error)}): cursors are in memory only until this is fixed. Check that the state directory is writable and not full.`,
        });
      this.#failedMs = this.#clock.monotonicMs();
      return false;
    }
  }

  /** All of it or nothing. */
  transaction(act: (db: DatabaseSync) => void): boolean {
    return this.write(() => {
      this.#remake();
      const db = this.#db;
      db.exec("BEGIN");
      try {
        act(db);
        db.exec("COMMIT");
      } catch (error) {
        rollBack(db);
        throw error;
      }
    });
  }

  /** Where the database was deleted, what is still open is written there again. */
  look(): void {
    this.write(() => this.#remake());
  }

  close(): void {
    this.#db.close();
  }

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
}
