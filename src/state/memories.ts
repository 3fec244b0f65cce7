// The memories that belong to cursors: each in pieces of its own, and in parts that last and are shared with the memories before and
// after it. Sinks that share a memory object share its row.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Disk } from "./disk.ts";
import { joined, readNumbers } from "./rows.ts";
import type { SavedMemory } from "./saved-memory.ts";
import { prepared } from "./statements.ts";

const FIRST = "INSERT INTO memories (pairs, parts) VALUES (?, ?)";
const NEXT = "INSERT INTO pieces (memory, piece, pairs) VALUES (?, ?, ?)";
const PART = "INSERT INTO parts (bytes) VALUES (?)";

/** A statement keeps a copy of what it wrote last until it is collected: one that is kept writes small pieces only. */
const SMALL_BYTES = 64 * 1024;
const statementFor = (piece: Uint8Array, db: DatabaseSync, sql: string): StatementSync =>
  piece.length <= SMALL_BYTES ? prepared(db, sql) : db.prepare(sql);

export class Memories {
  /** Rows of memories, and of parts, that were saved by this process. */
  #rows = new WeakMap<object, number>();
  /** Which parts the memories have that were written since forgetUnused(); undefined: others may be unused too. */
  #named: Set<string> | undefined;

  /** Undefined: it is damaged, or not there. */
  read(disk: Disk, id: number): Uint8Array | undefined {
    const [first] = disk.rows("SELECT pairs, parts FROM memories WHERE id = ?", id);
    const parts = first && readNumbers(first.parts);
    if (parts === undefined) return undefined;
    const next = disk.rows("SELECT pairs FROM pieces WHERE memory = ? ORDER BY piece", id);
    const lasting = parts.map((part) => disk.rows("SELECT bytes FROM parts WHERE id = ?", part)[0]?.bytes);
    const all = [first!.pairs, ...next.map(({ pairs }) => pairs), ...lasting];
    return all.every((bytes): bytes is Uint8Array => bytes instanceof Uint8Array) ? joined(all) : undefined;
  }

  /** Its row, written if it is not there yet. */
  write(db: DatabaseSync, memory: SavedMemory): number {
    return this.#row(db, memory.of, "SELECT 1 FROM memories WHERE id = ?", () => {
      const { pieces, lasting } = memory.blob();
      const parts = JSON.stringify(lasting.map((part) => this.#part(db, part)));
      this.#named?.add(parts);
      let row: number | undefined;
      let count = 0;
      const first = (piece: Uint8Array) => Number(statementFor(piece, db, FIRST).run(piece, parts).lastInsertRowid);
      for (const piece of pieces) {
        if (row === undefined) row = first(piece);
        else statementFor(piece, db, NEXT).run(row, ++count, piece);
      }
      return row ?? first(new Uint8Array());
    });
  }

  #part(db: DatabaseSync, part: { bytes(): Uint8Array }): number {
    return this.#row(db, part, "SELECT 1 FROM parts WHERE id = ?", () => {
      const bytes = part.bytes();
      return Number(statementFor(bytes, db, PART).run(bytes).lastInsertRowid);
    });
  }

  #row(db: DatabaseSync, of: object, find: string, write: () => number): number {
    const known = this.#rows.get(of);
    if (known !== undefined && prepared(db, find).get(known) !== undefined) return known;
    const row = write();
    this.#rows.set(of, row);
    return row;
  }

  forgetUnused(db: DatabaseSync): void {
    const unused =
      "DELETE FROM memories WHERE id NOT IN (SELECT memory FROM cursors WHERE memory IS NOT NULL) RETURNING parts";
    const forgotten = prepared(db, unused).all();
    prepared(db, "DELETE FROM pieces WHERE memory NOT IN (SELECT id FROM memories)").run();
    // What went had the parts of what came: nearly always.
    const named = this.#named;
    if (named === undefined || forgotten.some(({ parts }) => !named.has(String(parts))))
      prepared(db, "DELETE FROM parts WHERE id NOT IN (SELECT value FROM memories, json_each(memories.parts))").run();
    this.#named = new Set();
  }

  /** A transaction was rolled back: the numbers of its rows are given to others. */
  rolledBack(): void {
    this.#rows = new WeakMap();
    this.#named = undefined;
  }
}
