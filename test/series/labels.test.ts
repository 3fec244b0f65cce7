// Rules 6 and 7, and what operator and policy may do to labels on the way.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { INVALID_NAME, Keyspace, NAME_COLLISION } from "../../src/series/keyspace.ts";
import { type Label, type LabelRules, labelRules, plainRules } from "../../src/series/labels.ts";
import { escapeName } from "../../src/series/names.ts";
import { SeriesTable } from "../../src/series/table.ts";

const made = (labels: Record<string, string>, rules: Partial<LabelRules> = {}, fallback?: string) =>
  labelRules({ ...plainRules, ...rules })(Object.entries(labels), fallback);

describe("rule 6: sorted bytewise, no empty value, no name twice", () => {
  test("sorted by bytes: upper case before _, before lower case", () => {
    assert.deepEqual(made({ b: "1", a: "2", B: "3", _x: "4", __name__: "up" }), [
      ["B", "3"],
      ["__name__", "up"],
      ["_x", "4"],
      ["a", "2"],
      ["b", "1"],
    ]);
  });

  test("empty values are left out, also of the name", () => {
    assert.deepEqual(made({ __name__: "up", a: "" }), [["__name__", "up"]]);
    assert.equal(made({ __name__: "", a: "1" }), "invalid_name");
  });

  test("two labels that become equal are refused, never merged", () => {
    assert.equal(made({ __name__: "up", "a.b": "1", a_b: "2" }), "invalid_labels");
  });

  test("property: whatever comes, what goes out is sorted, legal and has no name twice", () => {
    const any = fc.string({ unit: "grapheme", maxLength: 8 });
    fc.assert(
      fc.property(
        fc.dictionary(any, any, { maxKeys: 8 }),
        fc.constantFrom("underscores" as const, "values" as const, "drop" as const),
        (labels, escaping) => {
          const out = made({ ...labels, __name__: "up" }, { escaping });
          const list: Label[] = typeof out === "string" ? [] : out;
          list.forEach(([name, value], i) => {
            assert.ok(/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && value !== "", name);
            assert.ok(i === 0 || list[i - 1]![0] < name);
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("rule 7: names", () => {
  const cases: [string, boolean, string, string | undefined, string][] = [
    // name, metric, underscores, drop, values
    ["up", true, "up", "up", "up"],
    ["node:cpu:rate5m", true, "node:cpu:rate5m", "node:cpu:rate5m", "node:cpu:rate5m"],
    ["a:b", false, "a_b", undefined, "U__a_3a_b"],
    ["http.requests", true, "http_requests", undefined, "U__http_2e_requests"],
    ["my_http.requests", true, "my_http_requests", undefined, "U__my__http_2e_requests"],
    ["9lives", true, "_9lives", undefined, "U___39_lives"],
    ["größe", false, "gr__e", undefined, "U__gr_f6__df_e"],
    ["🚀", true, "_", undefined, "U___1f680_"],
    ["", true, "_", undefined, "U__"],
  ];
  for (const [name, metric, underscores, drop, values] of cases) {
    test(`${metric ? "metric" : "label"} "${name}"`, () => {
      assert.equal(escapeName(name, metric, "underscores"), underscores);
      assert.equal(escapeName(name, metric, "drop"), drop);
      assert.equal(escapeName(name, metric, "values"), values);
    });
  }

  test("no name: dropped, or the source's name for expressions", () => {
    assert.equal(made({ job: "x" }), "invalid_name");
    assert.deepEqual(made({ job: "x" }, {}, "my-source"), [
      ["__name__", "my_source"],
      ["job", "x"],
    ]);
  });

  test("with `drop` a series with an illegal name is dropped as invalid_name", () => {
    assert.equal(made({ __name__: "a.b" }, { escaping: "drop" }), "invalid_name");
    assert.equal(made({ __name__: "up", "a.b": "1" }, { escaping: "drop" }), "invalid_name");
  });
});

describe("labels on the way", () => {
  test("an external label does not override, a forced one does", () => {
    const rules = {
      external: [
        ["region", "eu"],
        ["site", "a"],
      ] as Label[],
      force: [["tenant", "t1"]] as Label[],
    };
    assert.deepEqual(made({ __name__: "up", region: "us", tenant: "evil" }, rules), [
      ["__name__", "up"],
      ["region", "us"],
      ["site", "a"],
      ["tenant", "t1"],
    ]);
  });

  test("dropped labels match as a whole, by RE2, and never the metric's name", () => {
    assert.deepEqual(made({ __name__: "up", pod: "p", pod_ip: "i", uid: "u" }, { drop: ["pod|u.d", ".*name.*"] }), [
      ["__name__", "up"],
      ["pod_ip", "i"],
    ]);
  });

  test("a label that was dropped can be forced", () => {
    assert.deepEqual(made({ __name__: "up", tenant: "x" }, { drop: ["tenant"], force: [["tenant", "t1"]] }), [
      ["__name__", "up"],
      ["tenant", "t1"],
    ]);
  });

  test("limits: at the limit passes, one beyond is invalid_labels; lengths count bytes", () => {
    const labels = { __name__: "up", a: "é".repeat(5), long_name: "1" };
    assert.equal(typeof made(labels, { maxLabels: 3, maxNameBytes: 9, maxValueBytes: 10 }), "object");
    assert.equal(made(labels, { maxLabels: 2 }), "invalid_labels");
    assert.equal(made(labels, { maxNameBytes: 8 }), "invalid_labels");
    assert.equal(made(labels, { maxValueBytes: 9 }), "invalid_labels");
  });
});

describe("collisions of series", () => {
  const lookup = (keyspace: Keyspace, labels: Record<string, string>): number => {
    const bytes = new TextEncoder().encode(JSON.stringify(labels));
    return keyspace.lookup(bytes, 0, bytes.length);
  };

  test("a series that is sent as it is never loses to an escaped one, whatever comes first", () => {
    for (const order of [
      ["a_b", "a.b", "a b"],
      ["a.b", "a_b", "a b"],
      ["a.b", "a b", "a_b"],
    ]) {
      const keyspace = new Keyspace(new SeriesTable(), undefined);
      for (const name of order) lookup(keyspace, { __name__: name, job: "x" });
      assert.ok(lookup(keyspace, { __name__: "a_b", job: "x" }) >= 0, order.join());
      assert.ok(
        lookup(keyspace, { job: "x", __name__: "a_b" }) >= 0,
        "the same labels in another order are not a collision",
      );
      assert.equal(lookup(keyspace, { __name__: "a.b", job: "x" }), NAME_COLLISION, order.join());
      assert.equal(lookup(keyspace, { __name__: "a b", job: "x" }), NAME_COLLISION, order.join());
    }
  });

  test("among escaped ones the winner does not depend on what comes first, nor on the process", () => {
    const winner = (order: string[], seed: [number, number]): string[] => {
      const keyspace = new Keyspace(new SeriesTable(seed), undefined);
      for (const name of order) lookup(keyspace, { __name__: name, job: "x" });
      return order.filter((name) => lookup(keyspace, { __name__: name, job: "x" }) >= 0);
    };
    const first = winner(["日本", "中国"], [1, 2]);
    assert.equal(first.length, 1, "both are __");
    assert.deepEqual(winner(["中国", "日本"], [3, 4]), first);
  });

  test("each loser is named, with what it would become; a takeover is told", () => {
    const keyspace = new Keyspace(new SeriesTable(), undefined);
    const escaped = lookup(keyspace, { __name__: "http.requests", job: "x" });
    assert.equal(keyspace.takeovers, 0);
    assert.equal(lookup(keyspace, { __name__: "http_requests", job: "x" }), escaped);
    assert.equal(keyspace.takeovers, 1, "what was read of the other one is void");
    const lost = Array.from({ length: 3 }, () => {
      lookup(keyspace, { __name__: "http.requests", job: "x" });
      return keyspace.lost;
    });
    assert.deepEqual(lost[0], { lost: 'http.requests{job="x"}', kept: 'http_requests{job="x"}' });
    assert.equal(new Set(lost).size, 1, "the same object each time");
  });

  test("by dropped labels", () => {
    const keyspace = new Keyspace(new SeriesTable(), undefined, { ...plainRules, drop: ["pod"] });
    const ids = ["1", "2"].map((pod) => lookup(keyspace, { __name__: "up", pod }));
    const again = ["1", "2"].map((pod) => lookup(keyspace, { __name__: "up", pod }));
    assert.equal(again.filter((id) => id >= 0).length, 1, `${ids} ${again}`);
    assert.equal(again.filter((id) => id === NAME_COLLISION).length, 1);
  });

  test("with utf8 names stay as they are, sorted by bytes, and nothing collides", () => {
    const rules = { ...plainRules, escaping: "utf8" as const };
    const keyspace = new Keyspace(new SeriesTable(), undefined, rules);
    const ids = ["http.requests", "http_requests", "日本", "中国"].map((name) => lookup(keyspace, { __name__: name }));
    assert.equal(new Set(ids).size, 4);
    assert.deepEqual(made({ __name__: "日本", "\u{1f680}": "1", "\uff5e": "2", a: "3" }, { escaping: "utf8" }), [
      ["__name__", "日本"],
      ["a", "3"],
      ["\uff5e", "2"],
      ["\u{1f680}", "1"],
    ]);
  });

  test("two sinks with other labels are not a collision: each has a keyspace", () => {
    const table = new SeriesTable();
    const a = new Keyspace(table, undefined, { ...plainRules, drop: ["pod"] });
    const b = new Keyspace(table, undefined);
    assert.equal(lookup(a, { __name__: "up", pod: "1" }), lookup(b, { __name__: "up" }));
    assert.equal(lookup(b, { job: "x" }), INVALID_NAME);
  });
});
