import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { canonical, check, MetricsQLError, parse, parseSelector } from "../../src/metricsql/mod.ts";

const text = (query: string) => canonical(parse(query));
const refused = (query: string) => {
  const c = check(query);
  return c.ok ? `accepted as ${canonical(c.expr)}` : c.error.code;
};

/** Query and canonical text. */
function prints(cases: Record<string, string>): void {
  for (const [query, want] of Object.entries(cases)) assert.equal(text(query), want, query);
}

function refuses(code: string, queries: string[]): void {
  for (const query of queries) assert.equal(refused(query), code, query);
}

describe("operators", () => {
  test("bind by priority, and to the left but for ^", () => {
    prints({
      "a + b * c": "a + (b * c)",
      "a * b + c": "(a * b) + c",
      "a - b - c": "(a - b) - c",
      "a ^ b ^ c": "a ^ (b ^ c)",
      "a default b if c or d and e == f": "a default (b if (c or (d and (e == f))))",
      "a unless b and c": "(a unless b) and c",
      "a atan2 b * c": "(a atan2 b) * c",
    });
  });

  test("a minus is 0 - x with the priority of a minus; a plus is nothing", () => {
    prints({
      "-a ^ b": "0 - (a ^ b)",
      "a ^ -b": "a ^ (0 - b)",
      "a ^ -b ^ c": "a ^ (0 - (b ^ c))",
      "-a * b": "0 - (a * b)",
      "+a": "a",
      "--a": "0 - (0 - a)",
      "-a[5m][6m]": "(0 - a[5m])[6m]",
    });
  });

  test("take their modifiers in one order", () => {
    prints({
      "a >bool on(x) b": "a >bool on(x) b",
      "a * on (x, y,) group_left (*) prefix 'p_' b": 'a * on(x,y) group_left(*) prefix "p_" b',
      "a + ignoring() group_right b": "a + ignoring() group_right() b",
      "a / fill(0) b": "a / fill(0) b",
      "a / fill_right(1) fill_left(-2) b": "a / fill_left(-2) fill_right(1) b",
      "a / fill(1) fill_left(2) b": "a / fill_left(2) fill_right(1) b",
      "a + group_left": "a + (group_left)",
      "a + (on)": "a + (on)",
      "a - fill": "a - (fill)",
    });
    refuses("syntax", [
      "a + bool b",
      "a and on(x) group_left() b",
      "a or fill(0) b",
      "a and fill",
      "a + on b",
      "a + fill(x) b",
    ]);
  });

  test("keep_metric_names marks the operator read last", () => {
    prints({
      "a + b * c keep_metric_names": "a + ((b * c) keep_metric_names)",
      "(a + b) keep_metric_names": "(a + b) keep_metric_names",
      "a + b keep_metric_names": "(a + b) keep_metric_names",
      "abs(a) keep_metric_names": "abs(a) keep_metric_names",
    });
    refuses("syntax", ["(a) keep_metric_names", "((a + b)) keep_metric_names", "sum(a) keep_metric_names"]);
  });
});

describe("words", () => {
  test("are names wherever the grammar does not take them as keywords", () => {
    prints({
      sum: "sum",
      'sum{a="b"}': 'sum{a="b"}',
      "sum[5m]": "sum[5m]",
      "sum offset 5m": "sum offset 5m",
      "offset offset 5m": "offset offset 5m",
      with: "with",
      "or or or": "or or or",
      '{or="x", or="y"}': '{or="x",or="y"}',
      "SUM(x) BY (y) LIMIT 007": "sum(x) by(y) limit 7",
      "sum without (y,) (x)": "sum(x) without(y)",
      "Rate(x[5m])": "Rate(x[5m])",
      "su\\m(x)": "sum(x)",
      infinity: "infinity",
      "iNf + NAN": "NaN",
    });
    refuses("syntax", [
      "sum or x",
      "sum by",
      'nan{a="b"}',
      "inf(x)",
      "sum(x) limit -1",
      "sum(x) limit 5.5",
      "foo bar",
      "foo{}}",
      "",
    ]);
  });

  test("know the functions of the language", () => {
    refuses("unknown-function", ["foo(x)", "double_exponential_smoothing(x)", "sum(nosuch(x))"]);
    assert.throws(
      () => parse("1 + histogram_quantil(0.9, x)"),
      (e: MetricsQLError) => {
        assert.equal(e.message, 'unknown function "histogram_quantil" (did you mean "histogram_quantile"?)');
        assert.deepEqual([e.offset, e.length, e.expected], [4, 17, ["histogram_quantile"]]);
        return true;
      },
    );
  });
});

describe("rollups", () => {
  test("have one window, one offset and one @", () => {
    prints({
      "a[5m]": "a[5m]",
      "a[ 5m : 1m ] @ 5 offset -1h": "a[5m:1m] offset -1h @ 5",
      "a[5m:]": "a[5m:]",
      "a[:]": "a[:]",
      "a[1h-5m:1.5]": "a[1h-5m:1.5]",
      "a[$__interval]": "a",
      "a[$__interval:$__rate_interval]": "a[:1i]",
      "a @ (b + c)": "a @ (b + c)",
      "a @ -5 offset 5m": "a @ (0 - (5 offset 5m))",
      "(a[5m])[1h]": "(a[5m])[1h]",
      "5[5m]": "5[5m]",
    });
    refuses("syntax", ["a[5m][1h]", "a offset 1h offset 2h", "a @ 1 @ 2", "-a @ 1 @ 2", "a[]", "a[-5m]", "a[(5m)]"]);
    refuses("duration", ["a[1Ki]", "a[0x10]", "a offset 5m-s"]);
    refuses("number", ["a[08]"]);
    refuses("template", ["a[w]", "a offset -w", "a offset w"]);
  });
});

describe("selectors", () => {
  test("have groups of filters, the name first", () => {
    prints({
      "{}": "{}",
      "foo{}": "foo",
      '{__name__="foo"}': "foo",
      '{a="b",__name__="foo",}': 'foo{a="b"}',
      '{"foo", a="b"}': 'foo{a="b"}',
      '{"foo bar"}': "foo\\ bar",
      'foo{a="1" or b="2"}': 'foo{a="1" or b="2"}',
      '{__name__="a" or b="c"}': 'a{b="c"}',
      'foo{a="b",a="b",a="c"}': 'foo{a="b",a="c"}',
      '{__name__="a" or __name__="b"}': '{__name__="a" or __name__="b"}',
      'foo{__name__!="bar"}': 'foo{__name__!="bar"}',
      "{\"\\xff\"='x'}": '{ÿ="x"}',
      "foo{a=\"b\"+'c'+`d`}": 'foo{a="bcd"}',
    });
    refuses("duplicate", ['foo{__name__="bar"}', '{"a","b"}']);
    refuses("syntax", ["foo{,}", 'foo{a="b",,}', 'foo{or a="b"}', 'foo{a=="b"}', "foo{a=1}", 'foo{a="b" or}']);
    refuses("template", ["foo{a}", "foo{a=b}"]);
  });

  test("have regexes of RE2", () => {
    for (const re of [
      "a|b",
      "(?P<n>a)",
      "(?<n>a)",
      "(?i:x)",
      "[[:alpha:]]",
      "\\\\pL",
      "a)(b",
      "x{1000}",
      "\\\\p{Letter}",
      "(?P<n>a)(?P<n>b)",
    ])
      assert.equal(check(`{a=~"${re}"}`).ok, true, re);
    refuses("regex", ['{a=~"("}', '{a!~"(?=x)"}', '{a=~"(x)\\\\1"}', '{a=~"x++"}', '{a=~"x{1001}"}', '{a=~"\\xff"}']);
  });

  test("parseSelector() takes what match[] takes", () => {
    assert.deepEqual(
      parseSelector('(up{a!~"b"})').groups.map((g) => g.map(({ label, op, value }) => label + op + value)),
      [["__name__=up", "a!~b"]],
    );
    for (const query of ["{}", "up[5m]", "up offset 5m", "sum(up)", "1"])
      assert.throws(() => parseSelector(query), MetricsQLError, query);
  });
});

describe("numbers and strings", () => {
  test("constants are folded as Go computes them", () => {
    prints({
      "1 + 2 * 3": "7",
      "-1 ^ 2": "-1",
      "1e6 + 0": "1e+06",
      "0.1 + 0.2": "0.30000000000000004",
      "1 / 0": "+Inf",
      "-1 / 0": "-Inf",
      "0 * -1": "-0",
      "7 % -3": "1",
      "1 > 2": "NaN",
      "1 >bool 2": "0",
      "NaN ==bool NaN": "1",
      "NaN or 3": "3",
      "1 ifnot NaN": "1",
      "1 ^ NaN": "1",
      "2 ^ 0.5": "1.4142135623730951",
      "3 atan2 4": "0.6435011087932844",
      '"a" + "b" == "ab"': "1",
      '"\\xc3" + "\\xa9"': '"é"',
      '"b" >bool "a"': "1",
      "5m + 5m": "5m + 5m",
      "1Ki + 0x10 + 017": "1055",
    });
  });

  test("literals print as written", () => {
    prints({
      "1_000": "1_000",
      "0X1f": "0X1f",
      "1.": "1.",
      "1h-5m": "1h-5m",
      "5.m": "5.m",
      "1mb": "1mb",
      $__interval: "1i",
    });
    refuses("number", ["1_", "1__0", "08", "0b2", "0x", "1e400", "0x8000000000000000"]);
    refuses("lex", ["1e", "$x", "a & b", "a ! b", "5 ; 6", "a\u00a0+ b"]);
  });

  test("strings are Go's", () => {
    prints({
      '"\\a\\u00e9\\U0001F600\\101"': '"\\aé😀A"',
      "'\"\\''": '"\\"\'"',
      "`a\\\\b`": '"a\\\\\\\\b"',
      '"\\xff\\n"': '"\\xff\\n"',
      '"\u200b"': '"\\u200b"',
    });
    refuses("string", ['"\\q"', "'\\\"'", '"\n"', '"\\ud800"', '"\\400"']);
    refuses("lex", ['"a', "'a\\'", "`a\\`"]);
  });
});
