// The memories that belong to cursors, in pieces. Sinks that share a memory object share its row.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Disk } from "./disk.ts";
import { concatenated } from "./rows.ts";
import { prepared } from "./statements.ts";

/** `of`: which memory it is. A piece is valid until the next is asked for. */
export type SavedMemory = { of: object; pieces(): Iterable<Uint8Array> };

const FIRST = "INSERT INTO memories (pairs) VALUES (?)";
const NEXT = "INSERT INTO pieces (memory, piece, pairs) VALUES (?, ?, ?)";

/** A statement keeps a copy of what it wrote last until it is collected: one that is kept writes small pieces only. */
const SMALL_BYTES = 64 * 1024;
const statementFor = (piece: Uint8Array, db: DatabaseSync, sql: string): StatementSync =>
  piece.length <= SMALL_BYTES ? prepared(db, sql) : db.prepare(sql);

export class Memories {
  /** Rows of memories that were saved by this process. */
  #rows = new WeakMap<object, number>();

  /** Undefined: it is damaged, or not there. */
  read(disk: Disk, id: number): Uint8Array | undefined {
    const pieces = [
      ...disk.rows("SELECT pairs FROM memories WHERE id = ?", id),
      ...disk.rows("SELECT pairs FROM pieces WHERE memory = ? ORDER BY piece", id),
    ].map(({ pairs }) => pairs);
    return pieces.length > 0 && pieces.every((p): p is Uint8Array => p instanceof Uint8Array)
      ? concatenated(pieces)
      : undefined;
  }

  /** Its row, written if it is not there yet. */
  write(db: DatabaseSync, memory: SavedMemory): number {
    const known = this.#rows.get(memory.of);
    if (known !== undefined && prepared(db, "SELECT 1 FROM memories WHERE id = ?").get(known) !== undefined)
      return known;
    let row: number | undefined;
    let pieces = 0;
    const first = (piece: Uint8Array) => Number(statementFor(piece, db, FIRST).run(piece).lastInsertRowid);
    for (const piece of memory.pieces()) {
      if (row === undefined) row = first(piece);
      else statementFor(piece, db, NEXT).run(row, ++pieces, piece);
    }
    row ??= first(new Uint8Array());
    this.#rows.set(memory.of, row);
    return row;
  }

  forgetUnused(db: DatabaseSync): void {
    prepared(db, "DELETE FROM memories WHERE id NOT IN (SELECT memory FROM cursors WHERE memory IS NOT NULL)").run();
    prepared(db, "DELETE FROM pieces WHERE memory NOT IN (SELECT id FROM memories)").run();
  }

  /** A transaction was rolled back: the numbers of its rows are given to others. */
  rolledBack(): void {
    this.#rows = new WeakMap();
  }
}
