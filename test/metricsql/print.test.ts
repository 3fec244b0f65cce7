import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { canonical, equal, parse, prettify, toSafeString } from "../../src/metricsql/mod.ts";

describe("toSafeString()", () => {
  test("puts parentheses and escapes where the canonical text reads back as something else", () => {
    const cases: Record<string, [canonical: string, safe: string]> = {
      "(-1) ^ x": ["-1 ^ x", "(-1) ^ x"],
      "(0 - 1)[5m]": ["-1[5m]", "(-1)[5m]"],
      "foo @ (bar[5m])": ["foo @ bar[5m]", "foo @ (bar[5m])"],
      "1/0 + x": ["+Inf + x", "Inf + x"],
      "0 * -1 + x": ["-0 + x", "(0 * -1) + x"],
      '"a" + foo{}': ['"a" + foo', '"a" + (foo)'],
      'x + "a" + foo{}': ['(x + "a") + foo', 'x + "a" + (foo)'],
      "(sum) or x": ["sum or x", '{__name__="sum"} or x'],
      '{__name__="inf"}': ["inf", '{__name__="inf"}'],
      "su\\m(x)": ["sum(x)", "\\x73um(x)"],
      '{""="x"}': ['{="x"}', '{""="x"}'],
      '{__name__="a" or b="c"}': ['a{b="c"}', '{__name__="a" or __name__="a",b="c"}'],
      '{__name__="\\xff"}': ["\\\ufffd", '{__name__="\\xff"}'],
      "with (s = 1h-5m) a[5m:s]": ["a[5m:1h-5m]", "a[5m: 1h-5m]"],
      "sum(x) by (\\*)": ["sum(x) by(*)", "sum(x) by(\\*)"],
      "1 * 2[$__interval]": ["1 * 2", "1 * 2[$__interval]"],
      "a - b + c * d": ["(a - b) + (c * d)", "a - b + (c * d)"],
      "a - (b + c)": ["a - (b + c)", "a - (b + c)"],
    };
    for (const [query, [reference, safe]] of Object.entries(cases)) {
      const e = parse(query);
      assert.equal(canonical(e), reference, query);
      assert.equal(toSafeString(e), safe, query);
      assert.ok(equal(parse(safe), e), query);
    }
  });
});

describe("equal()", () => {
  test("does not mind spellings, and sees every difference that matters", () => {
    const same = (a: string, b: string) => equal(parse(a), parse(b));
    assert.ok(same("a + 1 # c", "( a+1.0 )"));
    assert.ok(same("a[$__interval]", "a"));
    const all = [
      "a",
      "b",
      "{}",
      'a{x="1"}',
      'a{x!="1"}',
      "a[5m]",
      "a[5m:]",
      "a[5m:1m]",
      "a offset 5m",
      "a @ 5",
      "a + b",
      "a - b",
    ];
    all.push(
      "a + on(x) b",
      "a + on(x) group_left() b",
      "a >bool b",
      "a > b",
      "sum(a)",
      "sum(a) by(x)",
      "sum(a) limit 1",
      "abs(a)",
    );
    all.push("abs(a) keep_metric_names", "(a, b)", "1", '"1"', "1m", "a + fill(0) b", "(a + b) keep_metric_names");
    for (const [i, a] of all.entries())
      for (const [j, b] of all.entries()) assert.equal(same(a, b), i === j, `${a} and ${b}`);
  });
});

describe("prettify()", () => {
  test("leaves what fits on a line, and templates as they are", () => {
    const cases: Record<string, string> = {
      "sum( rate (x [5m]) ) by(a , b)": "sum(rate(x[5m])) by(a,b)",
      "with (x=1,) -x": "WITH (x = 1) 0 - x",
      "nosuch('a' + b)": "nosuch('a'+b)",
      '{"3foo", bar="baz"}': '{"3foo", bar="baz"}',
      "m[w:]": "m[w:]",
    };
    for (const [query, want] of Object.entries(cases)) assert.equal(prettify(query), want, query);
    assert.throws(() => prettify("sum("), { code: "syntax" });
  });

  test("splits what does not", () => {
    const query = `WITH (common = {job="a-rather-long-job-name", instance=~"a-rather-long-instance-name.*"}, one = 1) sum(rate(http_requests_total{common, code=~"5.."}[5m])) by (instance) / on(instance) group_left() (sum(rate(http_requests_total{common}[5m] offset 1h)) by (instance) > one) keep_metric_names`;
    assert.equal(
      prettify(query),
      `WITH (
  common = (
    {job="a-rather-long-job-name",instance=~"a-rather-long-instance-name.*"}
  ),
  one = 1,
)
sum(rate(http_requests_total{common,code=~"5.."}[5m])) by(instance)
  / on(instance) group_left()
(
  (
    sum(rate(http_requests_total{common}[5m] offset 1h)) by(instance)
      >
    one
  ) keep_metric_names
)`,
    );
  });

  test("counts bytes, not characters", () => {
    assert.equal(prettify(`f("é", "${"é".repeat(34)}")`).includes("\n"), false); // 79 bytes
    assert.equal(prettify(`f("é", "${"é".repeat(35)}")`).includes("\n"), true); // 81
  });
});
