import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Checked, check, type Expr, filtersOn, visit } from "../../src/metricsql/mod.ts";

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
      filtersOn(expr, "secret").map((f) => [f.op, f.value, cut(query, f.span!)]),
      [
        ["=", "1", 'secret="1"'],
        ["!=", "2", 'secret!="2"'],
      ],
    );
    assert.deepEqual(
      filtersOn(expr, "__name__").map((f) => cut(query, f.span!)),
      ["up", '"down"'],
    );
  });
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
