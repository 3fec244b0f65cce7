// The seed of the hashes by which memories keep series: made with the database, and kept in it.
import { type Seed, systemSeed } from "../platform/random.ts";
import type { Disk } from "./disk.ts";
import type { Memories } from "./memories.ts";
import { readSeed } from "./rows.ts";

/** As saved; else a new one, with which the memories that are there are void: no series would be found in them. */
export function seedOf(disk: Disk, memories: Memories): Seed {
  const [row] = disk.rows("SELECT value FROM meta WHERE key = 'seed'");
  const saved = disk.understood(row, readSeed, {
    what: "the seed of the memories",
    so: "the samples read before this start are not remembered",
    remove: (db) => db.exec("DELETE FROM meta WHERE key = 'seed'"),
  });
  if (saved !== undefined) return saved;
  const seed = systemSeed();
  disk.transaction((db) => {
    db.exec("UPDATE cursors SET memory = NULL");
    memories.forgetUnused(db);
    db.prepare("INSERT OR REPLACE INTO meta VALUES ('seed', ?)").run(JSON.stringify(seed));
  });
  return seed;
}
