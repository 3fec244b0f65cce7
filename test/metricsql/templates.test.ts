import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { canonical, check, parse } from "../../src/metricsql/mod.ts";

function prints(cases: Record<string, string>): void {
  for (const [query, want] of Object.entries(cases)) assert.equal(canonical(parse(query)), want, query);
}

function refuses(queries: string[]): void {
  for (const query of queries) {
    const c = check(query);
    assert.equal(c.ok ? `accepted as ${canonical(c.expr)}` : c.error.code, "template", query);
  }
}

describe("WITH templates", () => {
  test("stand for expressions, seen from the end of the scope", () => {
    prints({
      "with (x = a + b) x * x": "(a + b) * (a + b)",
      "with (x = x + y, y = x + x) y": "(x + y) + (x + y)",
      "with (f(a, b) = a - b) f(1, x)": "1 - x",
      "with (a = b) with (a = a + 1) a": "b + 1",
      "with (sum(x) = x) sum(a) by (b) limit 3": "a",
      "1 + with (a = 1) a + x": "1 + (1 + x)",
      "with (unused = nosuch(x)) a": "a",
      "with (f(x) = x) f": "f",
      "with () a": "a",
    });
    refuses(["with (f(x) = x) f()", "with (f = a) f(1)", "with (s = 1) {a=s}"]);
  });

  test("take filters in", () => {
    prints({
      'with (m = foo{a="1"}) m{b="2"}': 'foo{a="1",b="2"}',
      'with (m = foo{a="1"}[5m]) m{a="1",b="2"}': 'foo{a="1",b="2"}[5m]',
      'with (f = {a="1"}) x{f, b="2", f}': 'x{a="1",b="2"}',
      'with (m = foo{a="1" or b="2"}) m{c="3"}': 'foo{a="1",c="3" or b="2",c="3"}',
      'with (m = foo{a="1"}) m{b="2" or c="3"}': 'foo{a="1",b="2" or a="1",c="3"}',
      'with (s = "x") foo{a=s + "y", b=s}': 'foo{a="xy",b="x"}',
    });
    refuses([
      'with (m = foo{a="1" or b="2"}) m{c="3" or d="4"}',
      'with (m = sum(x)) m{a="1"}',
      'with (m = (foo)) m{a="1"}',
      "with (f = foo) x{f}",
      'with (f = {a="1" or b="2"}) x{f}',
    ]);
  });

  test("stand for durations, strings and labels, if they are bare", () => {
    prints({
      "with (w = 5m) a[w]": "a[5m]",
      "with (w = 30) a[w:w] offset w": "a[30:30] offset 30",
      "with (f(w) = a[w]) f(5m)": "a[5m]",
      "with (f(l) = sum(x) by (l)) f(a)": "sum(x) by(a)",
      "with (f(l) = sum(x) by (l, b)) f((a, b))": "sum(x) by(a,b)",
      "with (f(l) = a + on(l) b) f(())": "a + on() b",
      "with (g(x) = x) sum(x) by (g)": "sum(x) by(g)",
    });
    refuses(["with (w = (5m)) a[w]", "with (w = 1Ki) a[w]", 'with (x = ("s")) "p" + x', "with (l = a) sum(x) by (l)"]);
  });

  test("some are built in, and can be redefined", () => {
    prints({
      "range_median(x)": "range_quantile(0.5, x)",
      'alias(x, "y")': 'label_set(x, "__name__", "y")',
      "ru(a, b)": "(clamp_min(b - clamp_min(a, 0), 0) / clamp_min(b, 0)) * 100",
      "with (alias(a) = a) alias(x)": "x",
      "alias + ru": "alias + ru",
    });
    refuses(["ru(1)"]);
  });

  test("an error is at the use in the query, also for what is wrong in a definition", () => {
    const query = "with (f(x) = a[x]) sum(f(b + c))";
    const c = check(query);
    assert.equal(c.ok, false);
    assert.equal(c.ok || query.slice(c.error.offset, c.error.offset + c.error.length), "f(b + c)");
  });

  test("one block defines a name once", () => {
    for (const query of ["with (a = 1, a = 2) a", "with (f(x, x) = x) 1"]) {
      const c = check(query);
      assert.equal(c.ok || c.error.code, "duplicate", query);
    }
  });
});
