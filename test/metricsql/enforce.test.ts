import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { enforce, type LabelFilter, parse } from "../../src/metricsql/mod.ts";

const T: LabelFilter[] = [{ label: "p", op: "=", value: "1" }];
const of = (query: string, filters: LabelFilter[] | LabelFilter[][] = T) => enforce(query, filters).query;

describe("enforce()", () => {
  test("adds to every group of every selector, wherever it is", () => {
    const cases: Record<string, string> = {
      up: 'up{p="1"}',
      "{}": '{p="1"}',
      'up{a="b" or c="d"}': 'up{a="b",p="1" or c="d",p="1"}',
      "a @ b + c": '(a{p="1"} @ b{p="1"}) + c{p="1"}',
      "rate(a[5m]) / on(x) max_over_time(sum(b)[1h:])": 'rate(a{p="1"}[5m]) / on(x) max_over_time(sum(b{p="1"})[1h:])',
      "with (w = 5m, m = up) w + m[w] + m": '5m + up{p="1"}[5m] + up{p="1"}',
      "with (f(l) = sum(l) by (l)) f(x)": 'sum(x{p="1"}) by(x)',
      '{__name__="a" or __name__="b"}': '{__name__="a",p="1" or __name__="b",p="1"}',
      "time() > 5": "time() > 5",
    };
    for (const [query, want] of Object.entries(cases)) assert.equal(of(query), want, query);
    assert.equal(enforce("time()", T).selectors, 0);
    assert.equal(enforce("a @ b + c", T).selectors, 3);
  });

  test("keeps the user's own filter on the label: both apply", () => {
    assert.equal(of('up{p="2"}'), 'up{p="2",p="1"}');
    assert.equal(of('up{p=~".*"}'), 'up{p=~".*",p="1"}');
  });

  test("a group that has the filter already stays as it is", () => {
    assert.equal(of('up{p="1",a="b"}'), 'up{p="1",a="b"}');
    assert.equal(of(of("a + b")), of("a + b"));
  });

  test("a template used twice gets it once each", () => {
    assert.equal(of("with (m = up) m + m"), 'up{p="1"} + up{p="1"}');
  });

  test("alternatives multiply the groups", () => {
    const either: LabelFilter[][] = [T, [{ label: "q", op: "=~", value: "2|3" }]];
    assert.equal(of('up{a="b" or p="1"}', either), 'up{a="b",p="1" or a="b",q=~"2|3" or p="1"}');
    assert.equal(of(of("up", either), either), of("up", either));
  });

  test("labels and values of any kind", () => {
    const odd: LabelFilter[] = [{ label: "x y-\u00fc", op: "!=", value: 'a"b\\c\n' }];
    assert.equal(of("up", odd), 'up{x\\ y\\-ü!="a\\"b\\\\c\\n"}');
  });

  test("refuses what it cannot promise", () => {
    const bad: (LabelFilter[] | LabelFilter[][])[] = [
      [],
      [[]],
      [T, []],
      [{ label: "", op: "=", value: "1" }],
      [{ label: "__name__", op: "=", value: "up" }],
      [{ label: "p", op: "=~", value: "(" }],
    ];
    for (const filters of bad)
      assert.throws(() => of("up", filters), { name: "MetricsQLError", code: "enforce" }, JSON.stringify(filters));
    assert.throws(() => of("up{"), { code: "syntax" });
  });

  test("long chains are enforced too", () => {
    const { selectors } = enforce(`a${" or a".repeat(5000)}`, T);
    assert.equal(selectors, 5001);
  });

  test("constants stay as they are written", () => {
    assert.equal(of("-1 ^ up + 2 * (3 and NaN)"), '0 - (1 ^ up{p="1"}) + (2 * (3 and NaN))');
  });

  test("comments and strings cannot smuggle anything out", () => {
    const query = 'up{a="}"} # {\n or label_set(down, "p", "2")';
    assert.equal(of(query), 'up{a="}",p="1"} or label_set(down{p="1"}, "p", "2")');
    assert.equal(parse(of("up + ({} )")).kind, "binaryop");
  });
});
