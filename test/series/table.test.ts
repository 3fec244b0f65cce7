// Series are told apart by their encoded labels alone: one id for one label set, forever, whatever the JSON looked like.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeBlock, encodeBlock } from "../../src/series/block.ts";
import { INVALID_LABELS, INVALID_NAME, Keyspace } from "../../src/series/keyspace.ts";
import { plainRules } from "../../src/series/labels.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { usedTables } from "../fakes/tables.ts";

const utf8 = new TextEncoder();

function idOf(keyspace: Keyspace, json: string): number {
  const padded = utf8.encode(`..${json}..`);
  return keyspace.lookup(padded, 2, padded.length - 2);
}

const space = (table = new SeriesTable(), fallback?: string): Keyspace => new Keyspace(table, fallback);

describe("encodeBlock()", () => {
  test("property: decodes to what was encoded, bytes of any length", () => {
    const labels = fc.array(
      fc.tuple(
        fc.string({ minLength: 1, maxLength: 300 }),
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(labels, (list) => assert.deepEqual(decodeBlock(encodeBlock(list)), list)),
      { numRuns: 300 },
    );
  });

  test("is the wire form of the labels of a TimeSeries", () => {
    assert.deepEqual([...encodeBlock([["a", "é"]])], [0x0a, 7, 0x0a, 1, 0x61, 0x12, 2, 0xc3, 0xa9]);
  });
});

describe("Keyspace", () => {
  test("a label set over 64 KiB is dropped as invalid_labels before any work is done for it; a shorter one is a series", () => {
    const table = new SeriesTable();
    const keyspace = space(table);
    const ofBytes = (length: number) => `{"__name__":"m","a":"${"x".repeat(length - 23)}"}`;
    assert.equal(idOf(keyspace, ofBytes(64 * 1024)), 0);
    assert.equal(idOf(keyspace, ofBytes(64 * 1024 + 1)), INVALID_LABELS);
    const many = Array.from({ length: 100_000 }, (_, i) => `"l${i}":"v"`).join(",");
    assert.equal(idOf(keyspace, `{"__name__":"m",${many}}`), INVALID_LABELS);
    assert.deepEqual([table.size, keyspace.size], [1, 1]);
  });

  test("the same labels in any order and spelling are one series; others are not", () => {
    const keyspace = space();
    const id = idOf(keyspace, '{"__name__":"up","job":"é","a":""}');
    assert.equal(idOf(keyspace, '{"job":"\\u00e9","__name__":"up"}'), id);
    assert.equal(idOf(keyspace, '{ "job" : "é" , "__name__" : "up" }'), id);
    assert.notEqual(idOf(keyspace, '{"__name__":"up","job":"e"}'), id);
    assert.deepEqual(keyspace.table.labels(id), [
      ["__name__", "up"],
      ["job", "é"],
    ]);
  });

  test("without a name: no series, but the source's name for expressions", () => {
    assert.equal(idOf(space(), '{"job":"x"}'), INVALID_NAME);
    const named = space(new SeriesTable(), "my_source");
    assert.deepEqual(named.table.labels(idOf(named, '{"job":"x"}')), [
      ["__name__", "my_source"],
      ["job", "x"],
    ]);
  });

  test("property: labels straight from the bytes are those that JSON.parse() and the rules give, one series for one label set", () => {
    const word = fc.constantFrom(
      "__name__",
      "a",
      "b",
      "job",
      "Zone",
      "é",
      "9",
      "a b",
      "",
      'q"',
      "x\\y",
      "up:sum",
      "toString",
    );
    const layout = fc.constantFrom(undefined, " ");
    const [fastTable, thoroughTable] = [usedTables(), usedTables()];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(fc.tuple(word, word), { maxLength: 5 }), layout)), (sets) => {
        const fast = space(fastTable());
        const thorough = new Keyspace(thoroughTable(), undefined, { ...plainRules, maxLabels: 1_000 });
        for (const [pairs, indent] of sets) {
          const json = JSON.stringify({ __name__: "m", ...Object.fromEntries(pairs) }, undefined, indent);
          const id = idOf(fast, json);
          assert.equal(id, idOf(thorough, json), json);
          if (id >= 0) assert.deepEqual(fast.table.labels(id), thorough.table.labels(id));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("what only begins like a label set is not one", () => {
    for (const json of [
      '{"__name__":"a"',
      '{"__name__":"a",}',
      '{"__name__":"a"}}',
      '{"__name__":"a","b":"c" "d":"e"}',
    ])
      assert.throws(() => idOf(space(), json), SyntaxError);
  });

  test("property: ids are dense, stay, and name their labels, through all growth", () => {
    const table = new SeriesTable();
    const keyspace = space(table);
    const ids = new Map<string, number>();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20_000; i++) {
        const json = JSON.stringify({
          __name__: `m${i % 40}`,
          pod: `pod-${Math.floor(i / 40)}`,
          pad: "x".repeat(i % 50),
        });
        const id = idOf(keyspace, json);
        assert.equal(ids.get(json) ?? id, id);
        ids.set(json, id);
      }
    }
    assert.equal(table.size, 20_000);
    assert.equal(Math.max(...ids.values()), 19_999);
    for (const [json, id] of [...ids].filter((_, i) => i % 997 === 0)) {
      const { pad, ...rest } = JSON.parse(json) as Record<string, string>;
      const want = Object.entries({ ...rest, ...(pad === "" ? {} : { pad }) }).sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(table.labels(id), want);
    }
  });

  test("what is not a label set is a SyntaxError", () => {
    for (const json of ["{", '{"a":1}', '{"a":null}', '{"a":["b"]}'])
      assert.throws(() => idOf(space(), json), SyntaxError);
  });
});

describe("SeriesTable", () => {
  test("the sending order puts the series of one entity next to each other, and is a permutation", () => {
    const keyspace = space();
    for (const name of ["a", "b", "c"])
      for (const pod of ["1", "2", "3"]) idOf(keyspace, JSON.stringify({ __name__: name, pod }));
    const order = [...keyspace.table.positions()]
      .map((place, id) => ({ place, pod: keyspace.table.labels(id)[1]![1] }))
      .sort((a, b) => a.place - b.place);
    assert.deepEqual(
      order.map((o) => o.place),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.deepEqual(
      order.map((o) => o.pod),
      ["1", "1", "1", "2", "2", "2", "3", "3", "3"],
    );
  });

  const label = fc.tuple(
    fc.stringMatching(/^(__name__|[A-Z_a-z][a-z_]{0,6})$/),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
  );
  /** Few names and values, so that series share labels, and long values at times. */
  const labelSet = fc
    .uniqueArray(
      fc.oneof(
        label,
        fc.tuple(fc.constantFrom("__name__", "job", "Zone", "a"), fc.constantFrom("x", "yy", "z".repeat(200))),
      ),
      { maxLength: 8, selector: ([name]) => name },
    )
    .map((list) => list.sort(([a], [b]) => (a < b ? -1 : 1)));
  const labelSets = fc.array(labelSet, { minLength: 1, maxLength: 30 });

  test("property: gives back exactly the bytes of encodeBlock(), also from another table", () => {
    const [aTable, another] = [usedTables(), usedTables()];
    const met = new WeakMap<SeriesTable, Set<string>>();
    fc.assert(
      fc.property(labelSets, (sets) => {
        const table = aTable();
        const other = another();
        const ids = sets.map((labels) => table.intern(labels));
        const adopted = ids.map((id) => other.adopt(table, id));
        sets.forEach((labels, i) => {
          const block = encodeBlock(labels);
          const id = ids[i]!;
          assert.equal(table.intern(labels), id);
          assert.equal(table.blockBytes(id), block.length);
          assert.deepEqual(table.block(id), block);
          assert.deepEqual(table.labels(id), labels);
          assert.deepEqual(other.block(adopted[i]!), block);
        });
        const all = met.get(table) ?? new Set();
        met.set(table, all);
        for (const labels of sets) all.add(JSON.stringify(labels));
        assert.equal(table.size, all.size);
      }),
      { numRuns: 300 },
    );
  });

  for (const [what, labelsOf] of [
    ["share all labels but the name", (i: number) => ({ __name__: `m${i}`, job: "x", pod: "y" })],
    ["have a label that no other has", (i: number) => ({ __name__: "m", job: "x", uid: `uid-${i}` })],
  ] as const)
    test(`100,000 series that ${what}: each keeps its bytes through all growth`, () => {
      const table = new SeriesTable();
      const labels = (i: number) => Object.entries(labelsOf(i));
      for (let i = 0; i < 100_000; i++) table.intern(labels(i));
      for (let i = 0; i < 100_000; i++) if (table.intern(labels(i)) !== i) assert.fail(`series ${i}`);
      for (let i = 0; i < 100_000; i += 97) assert.deepEqual(table.block(i), encodeBlock(labels(i)));
      assert.equal(table.size, 100_000);
    });

  test("adopt() gives the same labels another table's id, once", () => {
    const old = space();
    const young = space();
    idOf(young, '{"__name__":"first"}');
    const id = idOf(old, '{"__name__":"up","job":"x"}');
    const adopted = young.table.adopt(old.table, id);
    assert.deepEqual(young.table.labels(adopted), old.table.labels(id));
    assert.equal(young.table.adopt(old.table, id), adopted);
    assert.equal(idOf(young, '{"job":"x","__name__":"up"}'), adopted);
  });
});
