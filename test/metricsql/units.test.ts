import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { power } from "../../src/metricsql/fold.ts";
import { suggest } from "../../src/metricsql/functions.ts";
import { escapeIdent, quoteIdent, safeIdent, unescapeIdent } from "../../src/metricsql/lexer/idents.ts";
import { tokenize } from "../../src/metricsql/lexer/lexer.ts";
import { durationMs, formatNumber, isDuration, numberValue } from "../../src/metricsql/lexer/numbers.ts";
import { compareValues, fromUtf8, joinValues, quote, toUtf8, unquote } from "../../src/metricsql/lexer/strings.ts";

describe("tokenize()", () => {
  const tokens = (text: string) => tokenize(text).map((t) => (t.kind === "error" ? "error" : t.text));

  test("the first rule that fits takes the text", () => {
    const cases: Record<string, string[]> = {
      "a==b=~c!~d!=e=f": ["a", "==", "b", "=~", "c", "!~", "d", "!=", "e", "=", "f", ""],
      "a>=b>bool c": ["a", ">=", "b", ">", "bool", "c", ""],
      "5m:1m": ["5m", ":1m", ""],
      "1h-5m 1h - 5m": ["1h-5m", "1h", "-", "5m", ""],
      "5m-s": ["5m-s", ""],
      "1m 1M 1mi 1Ms 1.5KiB": ["1m", "1M", "1mi", "1Ms", "1.5KiB", ""],
      "1.e5 .5 5.m .5h": ["1.e5", ".5", "5.m", ".5", "h", ""],
      "a.b:c \\-x # y\n{": ["a.b:c", "\\-x", "{", ""],
      "$__intervals 5m$__interval": ["$__interval", "s", "5m$__interval", ""],
      "'a\\'b' `c\\\\`": ["'a\\'b'", "`c\\\\`", ""],
      "`a\\`": ["error"],
      "a\\": ["a", "error"],
      "\\ufffd": ["error"],
      日本é_1: ["日本é_1", ""],
      "a\u00b2": ["a", "error"],
    };
    for (const [text, want] of Object.entries(cases)) assert.deepEqual(tokens(text), want, text);
  });

  test("tokens have their place in UTF-16 units", () => {
    assert.deepEqual(
      tokenize('"😀" é').map(({ offset, length }) => [offset, length]),
      [
        [0, 4],
        [5, 1],
        [6, 0],
      ],
    );
  });
});

describe("values", () => {
  test("numberValue()", () => {
    const cases: Record<string, number | undefined> = {
      "1_2.3_4": 12.34,
      "1.": 1,
      "017": 15,
      "0o17": 15,
      "0b1_0": 2,
      "0xff": 255,
      "0_1": 1,
      "9223372036854775807": 2 ** 63,
      "0x7fffffffffffffff": 2 ** 63,
      "1.5TiB": 1.5 * 2 ** 40,
      "2gb": 2e9,
      inf: Number.POSITIVE_INFINITY,
      "1e-400": 0,
      "1e400": undefined,
      "0x8000000000000000": undefined,
      "08": undefined,
      "1_": undefined,
      "1__0": undefined,
      "1._5": undefined,
      "1_e5": undefined,
      "017.5": undefined,
    };
    for (const [text, want] of Object.entries(cases)) assert.equal(numberValue(text), want, text);
  });

  test("formatNumber() is Go's shortest %g", () => {
    const cases: [number, string][] = [
      [100_000, "100000"],
      [1_000_000, "1e+06"],
      [1_234_567, "1.234567e+06"],
      [123_456.7, "123456.7"],
      [0.0001, "0.0001"],
      [0.00001, "1e-05"],
      [1e100, "1e+100"],
      [-0, "-0"],
    ];
    for (const [n, want] of cases) assert.equal(formatNumber(n), want);
  });

  test("power() in the corners", () => {
    const cases: [number, number, number][] = [
      [1, Number.NaN, 1],
      [-1, Number.POSITIVE_INFINITY, 1],
      [Number.NaN, 0, Number.NaN],
      [2, 10, 1024],
      [2, -1074, 2 ** -1074],
      [2, -1075, 0],
      [10, 308, 1.0000000000000006e308], // Go says so
      [10, 309, Number.POSITIVE_INFINITY],
      [-8, 1 / 3, Number.NaN],
      [4, 0.5, 2],
      [-2, 3, -8],
      [5e-324, 2, 0],
      [5e-324, -1, Number.POSITIVE_INFINITY],
      [0, -1, Number.POSITIVE_INFINITY],
    ];
    for (const [x, y, want] of cases) assert.ok(Object.is(power(x, y), want), `${x} ^ ${y} = ${power(x, y)}`);
  });

  test("durationMs()", () => {
    const cases: Record<string, number | undefined> = {
      "1h30m": 5_400_000,
      "1h-5m": 3_300_000,
      "1h-5m5m": 3_000_000,
      "1.5": 1500,
      "010": 10_000,
      "1Ms": 1,
      "-1D": -86_400_000,
      "2i": 2000,
      "5m$__interval": 301_000,
      "5m-s": undefined,
      "1Ki": undefined,
      "": undefined,
    };
    for (const [text, want] of Object.entries(cases)) assert.equal(durationMs(text, 1000), want, text);
    assert.ok(isDuration("1h5m") && !isDuration("1M") && !isDuration("-5m"));
  });

  test("unquote() and quote()", () => {
    for (const value of ["", 'a"b', "é😀", "\u00a0\u200b", "\x07\x7f\n", "\udcff\udc80x"])
      assert.deepEqual(unquote(quote(value)), { value }, quote(value));
    assert.deepEqual(unquote("`a\r\\n`"), { value: "a\\n" });
    assert.deepEqual(unquote("'a\"\\''"), { value: "a\"'" });
    for (const token of ['"\\x4"', '"\\8"', '"\\U00110000"', '"\\\'"']) assert.ok("error" in unquote(token), token);
  });

  test("values are bytes", () => {
    assert.equal(joinValues(["\udcc3", "\udca9"]), "é");
    assert.equal(joinValues(["\udced\udca0\udc80"]), "\udced\udca0\udc80"); // half a pair is not a character
    for (const bytes of [[0xff], [0xc3, 0x28], [0xf0, 0x9f, 0x98, 0x80], [0xc0, 0x80], [0x41]])
      assert.deepEqual([...toUtf8(fromUtf8(Uint8Array.from(bytes)))], bytes);
    assert.ok(compareValues("\uffff", "😀") < 0);
    assert.ok(compareValues("a", "ab") < 0);
  });

  test("identifiers", () => {
    assert.equal(unescapeIdent("a\\-\\x41\\u00e9\\1\\n\\"), "a-Aé1n\\");
    assert.equal(unescapeIdent("\\ud800"), "\ufffd");
    assert.equal(escapeIdent("1 a\n\u200b"), "\\1\\ a\\x0a\\u200b");
    assert.equal(quoteIdent('a"\\'), '"a\\"\\\\"');
    for (const name of ["x", "1", "x y", "x-u", "\n", "\ufffd", "日本"])
      assert.equal(unescapeIdent(safeIdent(name)!), name);
    assert.equal(safeIdent("a\u{e0001}"), undefined);
  });
});

describe("suggest()", () => {
  test("finds a slip, and nothing for what is far from all", () => {
    assert.equal(suggest("histogram_quantil"), "histogram_quantile");
    assert.equal(suggest("RATEE"), "rate");
    assert.equal(suggest("smu"), "sum");
    assert.equal(suggest("frobnicate"), undefined);
  });
});
