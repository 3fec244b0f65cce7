// The memories that belong to cursors, in pieces. Sinks that share a memory object share its row.
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "./disk.ts";
import { concatenated } from "./rows.ts";

/** `of`: which memory it is. A piece is valid until the next is asked for. */
export type SavedMemory = { of: object; pieces(): Iterable<Uint8Array> };

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
    if (known !== undefined && db.prepare("SELECT 1 FROM memories WHERE id = ?").get(known) !== undefined) return known;
    let row: number | undefined;
    let pieces = 0;
    // A statement keeps a copy of what it wrote last until it is collected: of a piece, not of a whole memory.
    const first = db.prepare("INSERT INTO memories (pairs) VALUES (?)");
    const next = db.prepare("INSERT INTO pieces (memory, piece, pairs) VALUES (?, ?, ?)");
    for (const piece of memory.pieces()) {
      if (row === undefined) row = Number(first.run(piece).lastInsertRowid);
      else next.run(row, ++pieces, piece);
    }
    row ??= Number(first.run(new Uint8Array()).lastInsertRowid);
    this.#rows.set(memory.of, row);
    return row;
  }

  forgetUnused(db: DatabaseSync): void {
    db.exec(
      "DELETE FROM memories WHERE id NOT IN (SELECT memory FROM cursors WHERE memory IS NOT NULL); DELETE FROM pieces WHERE memory NOT IN (SELECT id FROM memories);",
    );
  }

  /** A transaction was rolled back: the numbers of its rows are given to others. */
  rolledBack(): void {
    this.#rows = new WeakMap();
  }
}
