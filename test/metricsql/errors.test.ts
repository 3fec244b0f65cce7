import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { check, type MetricsQLError, parse, prettify } from "../../src/metricsql/mod.ts";

function errorOf(query: string): MetricsQLError {
  const c = check(query);
  assert.equal(c.ok, false, query);
  return (c as { error: MetricsQLError }).error;
}

describe("errors", () => {
  test("typographic quotes say what to write", () => {
    const error = errorOf("up{job=“node”}");
    assert.equal(error.message, 'typographic quotes “ ”: write "');
    assert.deepEqual([error.code, error.offset, error.length], ["lex", 7, 1]);
    for (const query of ["up{job=‘node’}", "”"])
      assert.equal(errorOf(query).message, 'typographic quotes “ ”: write "', query);
    assert.equal(check('up{job="“node”"}').ok, true);
  });

  test("are at the token that does not fit, with what would", () => {
    const error = errorOf('sum(\n  up{job="a"} foo\n)');
    assert.deepEqual([error.code, error.offset, error.length, error.line, error.column], ["syntax", 19, 3, 2, 15]);
    assert.equal(error.message, 'unexpected "foo": expected ",", ")" or an operator');
    assert.deepEqual(error.expected, ['","', '")"', "an operator"]);
  });

  test("at the end of the text have no length", () => {
    const error = errorOf("sum(up");
    assert.deepEqual([error.offset, error.length], [6, 0]);
    assert.equal(error.message, 'unexpected end of the query: expected ",", ")" or an operator');
  });

  test("an open string is at its quote, a regex at its string, a function at its name", () => {
    const places: Record<string, [string, string]> = {
      'up{a="b': ["lex", '"'],
      "up{é=~'('}": ["regex", "'('"],
      "1 + nosuch(up)": ["unknown-function", "nosuch"],
      "up[5m] offset 5m-s": ["duration", "5m-s"],
      'up{a="\\q"}': ["string", '"\\q"'],
      'up{__name__="down"}': ["duplicate", '__name__="down"'],
      "up[w]": ["template", "w"],
      "1 + 08": ["number", "08"],
    };
    for (const [query, [code, place]] of Object.entries(places)) {
      const e = errorOf(query);
      assert.deepEqual([e.code, query.slice(e.offset, e.offset + e.length)], [code, place], query);
    }
  });

  test("name characters that cannot be seen", () => {
    assert.equal(errorOf("up\u00a0+ 1").message, "the invisible character U+00A0: write a plain space");
    assert.equal(errorOf("\ufeffup").message, "the invisible character U+FEFF: write a plain space");
  });
});

describe("limits", () => {
  const limited = (f: () => unknown) => assert.throws(f, { name: "MetricsQLError", code: "limit" });

  test("a query of 64 KiB is read, a byte more is not; from 16 KiB there is a warning", () => {
    const of = (bytes: number) => `{a="${"é".repeat((bytes - 6) / 2)}"}`;
    assert.equal(check(of(65_536)).ok, true);
    limited(() => parse(`${of(65_536)} `));
    limited(() => prettify(`${of(65_536)} `));
    const codes = (bytes: number) => {
      const c = check(of(bytes));
      return c.ok && c.warnings.map((w) => w.code);
    };
    assert.deepEqual(codes(16_384), []);
    assert.deepEqual(codes(16_386), ["length"]);
    limited(() => parse("abc", { maxLength: 2 }));
  });

  test("nesting of 500 is read, a level more is not", () => {
    const nested = (n: number) => `${"(".repeat(n)}1${")".repeat(n)}`;
    assert.equal(check(nested(499)).ok, true);
    limited(() => parse(nested(500)));
    limited(() => parse("-".repeat(60_000)));
    limited(() => parse(`1${" ^ x".repeat(600)}`));
    limited(() => parse(`with (x0 = 1${Array.from({ length: 600 }, (_, i) => `, x${i + 1} = x${i}`).join("")}) x600`));
  });

  test("chains of operators do not nest", () => {
    assert.equal(check(`a${" or a".repeat(10_000)}`).ok, true);
    assert.equal(check(`1${"+1".repeat(30_000)}`).ok, true);
  });

  test("templates cannot grow without end", () => {
    const doubling = (n: number, x: string) =>
      `with (x0 = ${x}${Array.from({ length: n }, (_, i) => `, x${i + 1} = x${i} + x${i}`).join("")}) x${n}`;
    assert.equal(check(doubling(8, "a")).ok, true);
    limited(() => parse(doubling(40, "a")));
    limited(() => parse(doubling(40, '"a"')));
    limited(() => parse(doubling(8, "a"), { maxNodes: 100 }));
  });
});
