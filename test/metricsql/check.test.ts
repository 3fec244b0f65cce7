import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Checked, check, type Expr, selectionsBy, visit } from "../../src/metricsql/mod.ts";

function checked(query: string): Checked {
  const c = check(query);
  assert.equal(c.ok, true, c.ok ? "" : c.error.message);
  return c as Checked;
}

const cut = (query: string, { offset, length }: { offset: number; length: number }) =>
  query.slice(offset, offset + length);

describe("check()", () => {
  test("tells a selector from everything else", () => {
    for (const query of ["up", 'up{a="b"} # all', "(up)", "+up", "{}", 'with (x = up) x{a="b"}', '{"up"}'])
      assert.equal(checked(query).isSelector, true, query);
    const kinds: Record<string, string> = {
      "up[5m]": "rollup",
      "up offset 1h": "rollup",
      "-up": "binaryop",
      "sum(up)": "aggrfunc",
      "rate(up)": "func",
      "(up, up)": "func",
      "1 + 1": "number",
      '"a" + "b"': "string",
      "5m": "duration",
    };
    for (const [query, kind] of Object.entries(kinds)) {
      const c = checked(query);
      assert.deepEqual([c.kind, c.isSelector], [kind, false], query);
    }
  });

  test("a selector with a suffix of its own: what it has, and where", () => {
    const query = 'up{a="b"}[5m:1m] offset -1h @ (end() - 5)';
    const rolled = checked(query).rolledSelector!;
    assert.equal(cut(query, rolled.selector.span), 'up{a="b"}');
    const parts = [rolled.window!, rolled.step!, rolled.offset!, rolled.at!].map((p) => [p.text, cut(query, p.span)]);
    assert.deepEqual(parts, [
      ["5m", "[5m:1m]"],
      ["1m", "[5m:1m]"],
      ["-1h", "offset -1h"],
      ["end() - 5", "@ (end() - 5)"],
    ]);
    assert.deepEqual(Object.keys(checked("up offset 5m").rolledSelector!), ["selector", "offset"]);
    assert.deepEqual(Object.keys(checked("up[$__interval]").rolledSelector!), ["selector"]);
    for (const other of ["up", "(up + 1)[5m:]", "rate(up[5m])"])
      assert.equal(checked(other).rolledSelector, undefined, other);
  });

  test("lists all selectors and functions", () => {
    const query = 'Rate(a[5m] @ (b)) + on(x) SUM(c{d="e"} or {f=~"g"}) / vector(time())';
    const c = checked(query);
    assert.deepEqual(
      c.selectors.map((s) => cut(query, s.span)),
      ["a", "b", 'c{d="e"}', '{f=~"g"}'],
    );
    assert.deepEqual(c.functions, ["rate", "sum", "time", "vector"]);
  });

  test("filters have their place, also those of templates", () => {
    const query = 'with (f = {secret="1"}) sum(up{a="b", f}) + {"down", secret!="2"}';
    const { expr } = checked(query);
    assert.deepEqual(
      selectionsBy(expr, "secret").map((f) => cut(query, f.span!)),
      ['secret="1"', 'secret!="2"'],
    );
    assert.deepEqual(
      selectionsBy(expr, "__name__").map((f) => cut(query, f.span!)),
      ["up", '"down"'],
    );
  });
});

describe("selectionsBy()", () => {
  const uses = (query: string) => selectionsBy(checked(query).expr, "t").map((u) => `${u.how}: ${cut(query, u.span!)}`);

  for (const [query, use] of [
    ['sum(up{t="1"})', 'filters on t: t="1"'],
    ['label_match(up, "t", "x.*")', 'reads t in label_match(): "t"'],
    ['Label_Mismatch(up, "t", "x")', 'reads t in label_mismatch(): "t"'],
    ['label_replace(up, "a", "$1", "t", "(.*)")', 'reads t in label_replace(): "t"'],
    ['label_copy(up, "a", "b", "t", "c")', 'reads t in label_copy(): "t"'],
    ['label_move(up, "t", "c")', 'reads t in label_move(): "t"'],
    ['label_join(up, "a", "-", "b", "t")', 'reads t in label_join(): "t"'],
    ['labels_equal(up, "a", "t")', 'reads t in labels_equal(): "t"'],
    ["a and on(b, t) c", "matches on(t): on(b, t)"],
    ["a + ignoring(t) group_left() c", "matches ignoring(t): ignoring(t)"],
  ] as const)
    test(query, () => assert.deepEqual(uses(query), [use]));

  for (const query of ["sum(up) by (t)", "sum(up) without (t)", 'label_set(up, "t", "1")', 'label_copy(up, "a", "t")'])
    test(`selects nothing: ${query}`, () => assert.deepEqual(uses(query), []));
});

describe("hazards: what ends a VictoriaMetrics 1.79", () => {
  const hazards = (query: string) => checked(query).hazards.map((h) => h.message);
  for (const query of [
    "a + (on)",
    "1 - (bool)",
    "-(ignoring offset 5m)",
    "-su\\m(x) keep_metric_names",
    "(a + b) @ (c[5m])",
    "1 @ Inf",
    "(a + b) @ (0 / 0)",
    "rate(a[5m:1m] @ (time() * 1e9))",
    "1 @ {}",
  ])
    test(`refused: ${query}`, () => assert.notEqual(hazards(query).length, 0));

  for (const query of [
    "on",
    "a + on(x) b",
    "sum(a) + b @ end()",
    "a @ Inf",
    "max_over_time((a + b)[5m:1m] @ (end() - 3600))",
    "(a + b) @ 1700000000",
    'AGGR_OVER_TIME("sum", a[5m])',
  ])
    test(`taken: ${query}`, () => assert.deepEqual(hazards(query), []));
});

describe("warnings", () => {
  const warned = (query: string) => checked(query).warnings.map((w) => `${w.code}: ${cut(query, w.span)}`);

  test("arity: what servers refuse", () => {
    assert.deepEqual(warned("sum(abs())"), ["arity: abs()"]);
    assert.equal(checked("clamp(x, 1)").warnings[0]!.message, "clamp() takes 3 arguments, not 2");
    assert.equal(checked("label_join(x, 1)").warnings[0]!.message, "label_join() takes at least 3 arguments, not 2");
    assert.equal(checked("round(x, 1, 2)").warnings[0]!.message, "round() takes 1 to 2 arguments, not 3");
    assert.equal(
      checked('label_set(x, "a")').warnings[0]!.message,
      "label_set() takes a series and then pairs, not 2 arguments",
    );
    for (const query of [
      "time()",
      "hour()",
      "hour(x)",
      "topk(3, x)",
      "sum(a, b)",
      'label_set(x, "a", "b")',
      "(a, b)",
      "union()",
    ])
      assert.deepEqual(warned(query), [], query);
  });

  test("implicit conversions: a rollup of neither a selector nor a window", () => {
    assert.deepEqual(warned("sum(rate(sum(x)))"), ["implicit-conversion: rate(sum(x))"]);
    assert.deepEqual(warned("rate(x offset 5m + y)"), ["implicit-conversion: rate(x offset 5m + y)"]);
    for (const query of [
      "rate(x)",
      "rate(sum(x)[5m:])",
      "rate(x offset 5m)",
      "timestamp(sum(x))",
      "quantile_over_time(sum(q), x[5m])",
    ])
      assert.deepEqual(warned(query), [], query);
  });
});

describe("visit()", () => {
  test("goes through every node, down and up, and skips what it is told to", () => {
    const seen: string[] = [];
    visit(checked("sum(a[5m] @ b) + abs(c)").expr, {
      enter(e: Expr) {
        seen.push(e.kind);
        return e.kind === "func" ? "skip" : undefined;
      },
      leave: (e: Expr) => void seen.push(`/${e.kind}`),
    });
    assert.equal(
      seen.join(" "),
      "binaryop aggrfunc rollup metric /metric metric /metric /rollup /aggrfunc func /func /binaryop",
    );
  });
});
