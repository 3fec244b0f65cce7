// The state store on a real disk: what survives, who may hold it, and that trouble with the disk never stops the agent.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  openStateStore,
  SAVE_WITHIN_MS,
  StateDirError,
  type StateStore,
  type StateTrouble,
} from "../../src/state/store.ts";
import type { Condition } from "../../src/status/condition.ts";
import { FakeClock } from "../fakes/clock.ts";

const KEY = { policy: "default/p", sink: "s", source: "m" };
const memory = (bytes: number[]) => ({ of: {}, blob: () => ({ pieces: [Uint8Array.from(bytes)], lasting: [] }) });

let parent: string;
let dir: string;
let clock: FakeClock;
let troubles: StateTrouble[];
let stores: StateStore[];

function open(at = dir): StateStore {
  const store = openStateStore(at, clock, (t) => troubles.push(t));
  stores.push(store);
  return store;
}

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "outflow-state-"));
  dir = join(parent, "a", "b");
  clock = new FakeClock();
  troubles = [];
  stores = [];
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe("the state store", () => {
  test("keeps cursors with their memories, and generations, in a folder of its own with mode 0700", () => {
    const first = open();
    assert.equal(first.cursor(KEY), undefined);
    first.saveCursor(KEY, 1_795_000_000_123, memory([1, 2, 3]));
    first.saveCursor({ ...KEY, sink: "t" }, 5);
    assert.equal(first.generation("default/p", "a"), 1);
    assert.equal(first.generation("default/p", "a"), 1);
    assert.equal(first.generation("default/p", "b"), 2);
    first.close();
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    const second = open();
    assert.equal(second.cursor(KEY)?.cursor, 1_795_000_000_123);
    assert.deepEqual([...second.cursor(KEY)!.memory!], [1, 2, 3]);
    assert.deepEqual(second.cursor({ ...KEY, sink: "t" }), { cursor: 5, memory: undefined });
    assert.equal(second.generation("default/p", "b"), 2);
    assert.deepEqual(troubles, []);
    second.close();
  });

  test("the seed of the memories is kept; where it is lost, so are they, and the cursors stay", () => {
    const first = open();
    const { seed } = first;
    first.saveCursor(KEY, 42, memory([1, 2, 3]));
    first.close();
    const second = open();
    assert.deepEqual(second.seed, seed);
    assert.deepEqual([...second.cursor(KEY)!.memory!], [1, 2, 3]);
    second.close();
    for (const [value, said] of [
      [undefined, /^$/],
      ["[1]", /the seed of the memories cannot be read/],
      ["[1,-2]", /the seed of the memories cannot be read/],
      ["[1,4294967296]", /the seed of the memories cannot be read/],
      ["1,2", /the seed of the memories cannot be read/],
    ] as const) {
      const db = new DatabaseSync(join(dir, "state.sqlite"));
      if (value === undefined) db.exec("DELETE FROM meta WHERE key = 'seed'");
      else db.prepare("UPDATE meta SET value = ? WHERE key = 'seed'").run(value);
      db.close();
      troubles = [];
      const other = open();
      assert.match(troubles.map((t) => t.message).join("\n"), said);
      assert.notDeepEqual(other.seed, seed);
      assert.deepEqual(other.cursor(KEY), { cursor: 42, memory: undefined });
      other.saveCursor(KEY, 42, memory([4]));
      other.close();
      const again = open();
      assert.deepEqual([again.seed, [...again.cursor(KEY)!.memory!]], [other.seed, [4]]);
      again.close();
    }
  });

  test("saves at once, what comes after that within SAVE_WITHIN_MS and together, and leaves no sleeper behind", async () => {
    const store = open();
    const wal = () => statSync(join(dir, "state.sqlite-wal")).size;
    const before = wal();
    store.saveCursor(KEY, 0);
    assert.equal(wal(), before, "with what else moves in this turn");
    await clock.advance(0);
    assert.ok(wal() > before);
    assert.equal(clock.sleepers, 0);
    store.saveCursor(KEY, 1);
    store.saveCursor(KEY, 2);
    assert.equal(clock.sleepers, 1);
    await clock.advance(SAVE_WITHIN_MS - 1);
    assert.equal(clock.sleepers, 1);
    await clock.advance(1);
    assert.equal(clock.sleepers, 0);
    store.saveCursor(KEY, 3);
    store.close();
    await clock.advance(0);
    assert.equal(clock.sleepers, 0);
    assert.equal(open().cursor(KEY)?.cursor, 3);
    stores.at(-1)!.close();
  });

  test("a save that is expensive makes the next one wait for a hundred times as long; close() does not wait", async () => {
    let mono = 0;
    const waits: number[] = [];
    const slow = {
      now: () => clock.now(),
      monotonicMs: () => mono,
      sleep: (ms: number) => {
        waits.push(ms);
        return new Promise<boolean>(() => {});
      },
    };
    const store = openStateStore(dir, slow, () => {});
    const expensive = (n: number) => ({
      of: {},
      blob: () => {
        mono += 7;
        return { pieces: [Uint8Array.of(n)], lasting: [] };
      },
    });
    store.saveCursor(KEY, 1, expensive(1));
    await clock.advance(0);
    assert.equal(mono, 7, "it was saved");
    mono += 250;
    store.saveCursor(KEY, 2, expensive(2));
    assert.deepEqual(waits, [700 - 250]);
    store.close();
    const again = open();
    assert.deepEqual([again.cursor(KEY)?.cursor, [...again.cursor(KEY)!.memory!]], [2, [2]]);
    again.close();
  });

  test("sinks that share a memory share its row, and memories that nobody has any more are removed", () => {
    const store = open();
    const shared = memory([7]);
    store.saveCursor(KEY, 1, shared);
    store.saveCursor({ ...KEY, sink: "t" }, 1, shared);
    store.cursor(KEY);
    store.saveCursor(KEY, 2, memory([8]));
    store.saveCursor({ ...KEY, sink: "t" }, 2, memory([9]));
    store.close();
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    assert.deepEqual(db.prepare("SELECT count(*) AS n FROM memories").get()?.n, 2);
    db.close();
  });

  test("knows whether the agent before it ended cleanly: a kill, and an end with something given back, do not", () => {
    assert.equal(open().closedCleanly, false, "the first");
    stores.at(-1)!.close();
    assert.equal(open().closedCleanly, true);
    stores.at(-1)!.close(false);
    assert.equal(open().closedCleanly, false);
    stores.at(-1)!.close();
  });

  test("a second agent on the same directory is refused in clear words; the lock of a crashed one is gone with it", async () => {
    // Another process, as a second agent is.
    const child = spawn(
      process.execPath,
      [
        "-e",
        `const { openStateStore } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/state/store.ts"))});
         globalThis.store = openStateStore(${JSON.stringify(dir)}, { now: () => 0, monotonicMs: () => 0, sleep: () => new Promise(() => {}) }, () => {});
         console.log("held");
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise<void>((held) => child.stdout.on("data", (d) => String(d).includes("held") && held()));
    assert.throws(
      () => open(),
      (error) => error instanceof StateDirError && /another outflow/.test(error.message),
    );
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
    open().close();
  });

  test("a damaged database is set aside under another name, with an event, and everything starts over", () => {
    open().close();
    writeFileSync(join(dir, "state.sqlite"), "this is not a database at all, but long enough to look at".repeat(100));
    const store = open();
    assert.deepEqual(
      troubles.map((t) => t.state),
      ["set-aside"],
    );
    assert.match(troubles[0]!.message, /damaged/);
    assert.equal(store.cursor(KEY), undefined);
    store.saveCursor(KEY, 4);
    store.close();
    assert.equal(readdirSync(dir).filter((f) => f.includes("damaged")).length, 1);
    assert.equal(open().cursor(KEY)?.cursor, 4);
    stores.at(-1)!.close();
  });

  test("a memory in several pieces comes back as one, and goes with the last cursor that has it", () => {
    const store = open();
    const scratch = new Uint8Array(2);
    function* pieces(from: number) {
      for (let i = from; i < from + 6; i += 2) {
        scratch.set([i, i + 1]);
        yield scratch;
      }
    }
    store.saveCursor(KEY, 1, { of: {}, blob: () => ({ pieces: pieces(1), lasting: [] }) });
    assert.deepEqual([...store.cursor(KEY)!.memory!], [1, 2, 3, 4, 5, 6]);
    store.saveCursor(KEY, 2, { of: {}, blob: () => ({ pieces: pieces(11), lasting: [] }) });
    assert.deepEqual([...store.cursor(KEY)!.memory!], [11, 12, 13, 14, 15, 16]);
    store.close();
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    assert.equal(db.prepare("SELECT count(*) AS n FROM pieces").get()?.n, 2);
    db.close();
  });

  const lasting = (...bytes: number[]) => ({
    asked: 0,
    bytes() {
      this.asked++;
      return Uint8Array.from(bytes);
    },
  });
  const counted = (sql: string) => {
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    const rows = db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
    db.close();
    return rows;
  };

  test("what lasts is written once for all memories that have it, and goes with the last of them", async () => {
    const store = open();
    const [a, b, c] = [lasting(1, 1), lasting(2), lasting(3)];
    const save = (key: typeof KEY, byte: number, ...parts: (typeof a)[]) => {
      store.saveCursor(key, byte, { of: {}, blob: () => ({ pieces: [Uint8Array.of(byte)], lasting: parts }) });
      return [...store.cursor(key)!.memory!];
    };
    const other = { ...KEY, sink: "t" };
    assert.deepEqual(save(KEY, 10, a, b), [10, 1, 1, 2]);
    assert.deepEqual(save(other, 11, a), [11, 1, 1]);
    assert.deepEqual(save(KEY, 12, b, a), [12, 2, 1, 1]);
    assert.deepEqual(save(KEY, 13, c, b), [13, 3, 2]);
    assert.deepEqual(save(KEY, 14, c), [14, 3]);
    assert.deepEqual([...store.cursor(other)!.memory!], [11, 1, 1]);
    assert.deepEqual(
      [a, b, c].map(({ asked }) => asked),
      [1, 1, 1],
    );
    store.saveCursor(other, 15);
    store.close();
    assert.deepEqual(counted("SELECT hex(bytes) FROM parts"), ["03"]);
    const again = open();
    assert.deepEqual([...again.cursor(KEY)!.memory!], [14, 3]);
    // Of the process before, and nobody has it now.
    again.saveCursor(KEY, 16, memory([16]));
    again.close();
    assert.deepEqual(counted("SELECT count(*) FROM parts"), [0]);
  });

  test("what lasts and was rolled back is written again", () => {
    const store = open();
    const part = lasting(7);
    const mine = { of: {}, blob: () => ({ pieces: [Uint8Array.of(1)], lasting: [part] }) };
    store.saveCursor(KEY, 1, mine);
    store.saveCursor({ ...KEY, sink: "u" }, 1, { of: {}, blob: () => assert.fail("the disk is full") });
    store.cursor(KEY); // the save fails
    store.saveCursor({ ...KEY, sink: "u" }, 2);
    store.saveCursor({ ...KEY, sink: "t" }, 2, { of: {}, blob: () => ({ pieces: [], lasting: [lasting(8)] }) });
    store.saveCursor(KEY, 2, mine);
    assert.deepEqual([...store.cursor(KEY)!.memory!], [1, 7]);
    assert.deepEqual([...store.cursor({ ...KEY, sink: "t" })!.memory!], [8]);
    store.close();
  });

  test("a memory that lacks a part that lasts is unknown, and the cursor stays", () => {
    for (const damage of [
      "DELETE FROM parts WHERE id = (SELECT max(id) FROM parts)",
      "UPDATE memories SET parts = '[1'",
      "UPDATE memories SET parts = '[0.5]'",
      "UPDATE memories SET parts = '{}'",
      "DROP TABLE parts",
    ]) {
      rmSync(dir, { recursive: true, force: true });
      const store = open();
      store.saveCursor(KEY, 1, { of: {}, blob: () => ({ pieces: [], lasting: [lasting(7), lasting(8)] }) });
      store.close();
      const db = new DatabaseSync(join(dir, "state.sqlite"));
      db.exec(damage);
      db.close();
      const again = open();
      assert.deepEqual(again.cursor(KEY), { cursor: 1, memory: undefined }, damage);
      again.saveCursor(KEY, 2, { of: {}, blob: () => ({ pieces: [], lasting: [lasting(9)] }) });
      assert.deepEqual([...again.cursor(KEY)!.memory!], [9]);
      again.close();
      assert.deepEqual(counted("SELECT hex(bytes) FROM parts"), ["09"], damage);
    }
  });

  test("an upgrade from the schema before keeps the memories", () => {
    const first = open();
    first.saveCursor(KEY, 42, memory([1, 2, 3]));
    first.close();
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    db.exec(
      "ALTER TABLE memories DROP COLUMN parts; DROP TABLE parts; UPDATE meta SET value = '4' WHERE key = 'schema'",
    );
    db.close();
    const store = open();
    assert.deepEqual([...store.cursor(KEY)!.memory!], [1, 2, 3]);
    store.close();
    assert.deepEqual(troubles, []);
  });

  test("a database of an older version is brought to the present one and keeps its cursors", () => {
    mkdirSync(dir, { recursive: true });
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    db.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE cursors (policy TEXT NOT NULL, sink TEXT NOT NULL, source TEXT NOT NULL, cursor_ms INTEGER NOT NULL,
        memory INTEGER, used_ms INTEGER NOT NULL, PRIMARY KEY (policy, sink, source)) STRICT;
      CREATE TABLE memories (id INTEGER PRIMARY KEY AUTOINCREMENT, pairs BLOB NOT NULL) STRICT;
      CREATE TABLE generations (policy TEXT PRIMARY KEY, spec_hash TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
      INSERT INTO meta VALUES ('schema', '1');
      INSERT INTO memories VALUES (7, x'010203');
      INSERT INTO cursors VALUES ('default/p', 's', 'm', 42, 7, 0);`);
    db.close();
    const store = open();
    // What it remembered of series was by hashes without a seed.
    assert.deepEqual(store.cursor(KEY), { cursor: 42, memory: undefined });
    store.saveConditions("default/p", []);
    assert.deepEqual(store.conditions("default/p"), []);
    store.close();
    assert.deepEqual(troubles, []);
    const after = new DatabaseSync(join(dir, "state.sqlite"));
    assert.equal(after.prepare("SELECT value FROM meta WHERE key = 'schema'").get()?.value, "5");
    after.close();
  });

  test("a database of a newer version is refused in clear words and left as it is", () => {
    open().close();
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    db.exec("UPDATE meta SET value = '99' WHERE key = 'schema'");
    db.close();
    assert.throws(
      () => open(),
      (error) => error instanceof StateDirError && /newer version/.test(error.message),
    );
    assert.ok(existsSync(join(dir, "state.sqlite")));
    assert.deepEqual(troubles, []);
  });

  test("a directory that cannot be made is refused: it needs somebody, and a start would lose its place at each restart", () => {
    writeFileSync(join(parent, "file"), "");
    for (const at of [join(parent, "file", "state"), join(parent, "file"), "/proc/nope", `/${"x".repeat(300)}`])
      assert.throws(() => open(at), StateDirError, at);
    assert.deepEqual(troubles, []);
  });

  // A process that may write only files of so many blocks has a disk that becomes full.
  for (const [blocks, said] of [
    [64, /Cannot keep state in/],
    [192, /in memory only until this is fixed/],
  ] as const)
    test(`a disk that is full after ${blocks} blocks: the agent runs on with cursors in memory, and says so once`, async () => {
      mkdirSync(dir, { recursive: true });
      const script = `
      const { openStateStore } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/state/store.ts"))});
      const troubles = [];
      const clock = { now: () => Date.now(), monotonicMs: () => 0, sleep: async () => true };
      const store = openStateStore(${JSON.stringify(dir)}, clock, (t) => troubles.push(t));
      const key = { policy: "default/p", sink: "s", source: "m" };
      for (let i = 1; i <= 10; i++) {
        store.saveCursor(key, i, { of: {}, blob: () => ({ pieces: [new Uint8Array(20_000).fill(i)], lasting: [] }) });
        await new Promise((done) => setTimeout(done));
      }
      console.log(JSON.stringify({ troubles, cursor: store.cursor(key).cursor }));
      process.exit(0);`;
      const child = spawn("sh", [
        "-c",
        `trap "" XFSZ; ulimit -f ${blocks}; exec "$0" -e "$1"`,
        process.execPath,
        script,
      ]);
      let out = "";
      child.stdout.on("data", (d) => {
        out += d;
      });
      child.stderr.on("data", (d) => {
        out += d;
      });
      await new Promise((done) => child.once("close", done));
      const { troubles: told, cursor } = JSON.parse(out) as { troubles: StateTrouble[]; cursor: number };
      assert.deepEqual(
        told.map((t) => t.state),
        ["memory"],
      );
      assert.match(told[0]!.message, said);
      assert.equal(cursor, 10, "what could not be saved is known");
    });

  test("what was rolled back is not remembered by anybody: a cursor gets its own with the next save", () => {
    const store = open();
    const mine = memory([1]);
    const broken = { of: {}, blob: () => assert.fail("the disk is full") };
    store.saveCursor(KEY, 1, mine);
    store.saveCursor({ ...KEY, sink: "u" }, 1, broken);
    store.cursor(KEY); // the save fails
    assert.equal(troubles.length, 1);
    store.saveCursor({ ...KEY, sink: "u" }, 2);
    store.saveCursor(KEY, 2, memory([2]));
    store.saveCursor({ ...KEY, sink: "t" }, 1, mine);
    store.close();
    const again = open();
    assert.deepEqual([...again.cursor({ ...KEY, sink: "t" })!.memory!], [1]);
    assert.deepEqual([...again.cursor(KEY)!.memory!], [2]);
    again.close();
  });

  test("an end that could not save is not a clean end", () => {
    const store = open();
    store.saveCursor(KEY, 1, { of: {}, blob: () => assert.fail("the disk is full") });
    store.close(true);
    const again = open();
    assert.equal(again.closedCleanly, false);
    again.close();
  });

  test("cursors of sinks that are gone are kept a day, then forgotten", () => {
    const store = open();
    store.saveCursor(KEY, 1);
    store.saveCursor({ ...KEY, sink: "gone" }, 1);
    store.cursor(KEY);
    const inUse = (key: { sink: string }) => key.sink === "s";
    clock.jump(86_400_000);
    store.forgetUnused(inUse, 86_400_000);
    assert.equal(store.cursor({ ...KEY, sink: "gone" })?.cursor, 1);
    clock.jump(1);
    store.forgetUnused(inUse, 86_400_000);
    assert.equal(store.cursor({ ...KEY, sink: "gone" }), undefined);
    assert.equal(store.cursor(KEY)?.cursor, 1);
    store.close();
  });
});

describe("a damaged row or table", () => {
  /** Changes the database behind the agent's back. */
  const damage = (sql: string) => {
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    db.exec(sql);
    db.close();
  };
  const CONDITION: Condition = {
    type: "Ready",
    status: "False",
    reason: "Timeout",
    message: "no response",
    lastTransitionTime: 5,
    observedGeneration: 1,
  };
  const filled = () => {
    const store = open();
    store.saveCursor(KEY, 42, memory([1, 2, 3]));
    store.saveCursor({ ...KEY, sink: "t" }, 43);
    store.generation("default/p", "a");
    store.saveConditions("default/p/s", [CONDITION]);
    store.close();
  };
  const contents = (store: StateStore) => ({
    s: store.cursor(KEY)?.cursor,
    t: store.cursor({ ...KEY, sink: "t" })?.cursor,
    conditions: store.conditions("default/p/s"),
    generation: store.generation("default/p", "a"),
  });
  const whole = { s: 42, t: 43, conditions: [CONDITION], generation: 1 };

  const rows: [name: string, sql: string, said: RegExp, after: object][] = [
    [
      "a lost character in conditions",
      `UPDATE conditions SET conditions = substr(conditions, 1, length(conditions) - 1)`,
      /conditions of default\/p\/s cannot be read/,
      { conditions: [] },
    ],
    [
      "conditions that are something else",
      `UPDATE conditions SET conditions = '[{"type":"Ready","status":7}]'`,
      /conditions of default\/p\/s/,
      { conditions: [] },
    ],
    [
      "a huge cursor",
      `UPDATE cursors SET cursor_ms = 9000000000000000000 WHERE sink = 's'`,
      /cursor of default\/p\/s, source m cannot be read \(cursor_ms is 9000000000000000000\)/,
      { s: undefined },
    ],
    ["a negative cursor", `UPDATE cursors SET cursor_ms = -1 WHERE sink = 's'`, /cursor_ms is -1/, { s: undefined }],
    ["a huge generation", `UPDATE generations SET generation = 9000000000000000000`, /generation of default\/p/, {}],
    ["no conditions", `DROP TABLE conditions`, /table conditions is missing/, { conditions: [] }],
    ["no generations", `DROP TABLE generations`, /table generations is missing/, {}],
    ["no memories", `DROP TABLE memories`, /table memories is missing/, {}],
    ["no pieces", `DROP TABLE pieces`, /table pieces is missing/, {}],
    ["no parts", `DROP TABLE parts`, /table parts is missing/, {}],
    ["no cursors", `DROP TABLE cursors`, /table cursors is missing.*begins at --start/, { s: undefined, t: undefined }],
    ["no meta", `DROP TABLE meta`, /table meta is missing/, {}],
    [
      "another table of that name",
      `DROP TABLE conditions; CREATE TABLE conditions (x TEXT)`,
      /conditions has other columns/,
      { conditions: [] },
    ],
    ["a version that is not valid", `UPDATE meta SET value = 'x3' WHERE key = 'schema'`, /^$/, {}],
    ["a time of use that is huge", `UPDATE cursors SET used_ms = 9000000000000000000`, /^$/, {}],
    ["a memory of another number", `UPDATE cursors SET memory = 77 WHERE sink = 's'`, /^$/, {}],
  ];
  for (const [name, sql, said, after] of rows)
    test(`${name}: set aside and said once, everything else stays`, () => {
      filled();
      damage(sql);
      const store = open();
      store.forgetUnused(() => false, 86_400_000);
      assert.deepEqual(contents(store), { ...whole, ...after });
      assert.match(troubles.map((t) => t.message).join("\n"), said);
      assert.ok(troubles.every((t) => t.state === "set-aside") && troubles.length <= 1, JSON.stringify(troubles));
      store.saveCursor(KEY, 50, memory([9]));
      store.saveConditions("default/p/s", [CONDITION]);
      store.close();
      troubles = [];
      const again = open();
      assert.deepEqual([again.cursor(KEY)?.cursor, again.conditions("default/p/s")], [50, [CONDITION]]);
      assert.deepEqual(troubles, []);
      again.close();
    });

  test("what was set aside is kept in the database", () => {
    filled();
    damage(`UPDATE cursors SET cursor_ms = 9000000000000000000 WHERE sink = 's'`);
    const store = open();
    store.cursor(KEY);
    store.close();
    const db = new DatabaseSync(join(dir, "state.sqlite"));
    assert.match(String(db.prepare("SELECT content FROM set_aside").get()?.content), /9000000000000000000/);
    db.close();
  });

  test("whatever bytes of the file change: it opens, and reading everything never throws", () => {
    filled();
    const file = join(dir, "state.sqlite");
    const good = readFileSync(file);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        (changes) => {
          const bad = Uint8Array.from(good);
          for (const [at, byte] of changes) bad[at] = byte;
          rmSync(dir, { recursive: true });
          mkdirSync(dir);
          writeFileSync(file, bad);
          let store: StateStore;
          try {
            store = open();
          } catch (error) {
            assert.ok(error instanceof StateDirError && /newer version/.test(error.message), String(error));
            return;
          }
          contents(store);
          store.forgetUnused(() => true, 1);
          store.saveCursor(KEY, 50, memory([9]));
          store.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the files", () => {
  const modes = () => readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]);

  test("are 0600 whatever the directory and the umask, also those that were there before", () => {
    mkdirSync(dir, { recursive: true, mode: 0o777 });
    chmodSync(dir, 0o777);
    const umask = process.umask(0);
    try {
      const store = open();
      store.saveCursor(KEY, 1);
      store.cursor(KEY);
      assert.ok(modes().length > 1, "the write-ahead log is there");
      for (const [name, mode] of modes()) assert.equal(mode, "600", String(name));
      store.close();
      chmodSync(join(dir, "state.sqlite"), 0o666);
      const again = open();
      again.saveCursor(KEY, 2);
      again.cursor(KEY);
      for (const [name, mode] of modes()) assert.equal(mode, "600", String(name));
      again.close();
    } finally {
      process.umask(umask);
    }
  });

  for (const [what, remove] of [
    ["the directory", () => rmSync(dir, { recursive: true })],
    ["the database", () => rmSync(join(dir, "state.sqlite"))],
  ] as const)
    test(`${what} is deleted while outflow runs: it is made again with all cursors, and said`, () => {
      const store = open();
      store.saveCursor(KEY, 42, memory([1, 2]));
      store.saveCursor({ ...KEY, sink: "t" }, 43);
      store.cursor(KEY);
      remove();
      store.look();
      assert.deepEqual(
        troubles.map((t) => [t.state, /was deleted while outflow runs/.test(t.message)]),
        [["ok", true]],
      );
      store.look();
      assert.equal(troubles.length, 1, "once");
      store.saveCursor(KEY, 44, memory([3]));
      store.close();
      const again = open();
      assert.deepEqual([again.cursor(KEY)?.cursor, [...again.cursor(KEY)!.memory!]], [44, [3]]);
      assert.equal(again.cursor({ ...KEY, sink: "t" })?.cursor, 43);
      again.close();
    });

  test("where it cannot be made again, that is said once, and the cursors are saved when it can", () => {
    const store = open();
    store.saveCursor(KEY, 42);
    store.cursor(KEY);
    rmSync(join(parent, "a"), { recursive: true });
    writeFileSync(join(parent, "a"), "in the way");
    store.look();
    store.saveCursor(KEY, 43);
    store.cursor(KEY);
    store.look();
    assert.deepEqual(
      troubles.map((t) => t.state),
      ["memory"],
    );
    rmSync(join(parent, "a"));
    store.look();
    store.close();
    const again = open();
    assert.equal(again.cursor(KEY)?.cursor, 43);
    again.close();
  });
});
