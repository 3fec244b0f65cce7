// Numbers of an answer are bit-equal to what Number() reads, fast path or slow.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseNumber, parseSeconds } from "../../src/hotpath/numbers.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const number = (text: string): number => parseNumber(bytes(text), 0, text.length);
const seconds = (text: string): number => parseSeconds(bytes(text), 0, text.length);

function same(got: number, want: number, text: string): void {
  assert.ok(Object.is(got, want), `${text}: ${got}, not ${want}`);
}

describe("parseNumber()", () => {
  const hard = [
    "0",
    "-0",
    "0.1",
    "-0.1",
    "0.30000000000000004",
    "9007199254740993",
    "9007199254740992",
    "999999999999999",
    "1e-320",
    "5e-324",
    "1.7976931348623157e+308",
    "123456789012345678901234567890",
    "0.000000000000000000000001",
    "1e22",
    "1e23",
    "4.35",
    "2.675",
    "1.005",
    "0.000012345678901234",
    "100000.5",
    "1.",
    "007",
  ];
  for (const text of hard) test(text, () => same(number(text), Number(text), text));

  test("infinities and NaN by their names", () => {
    for (const [text, want] of [
      ["+Inf", Infinity],
      ["Inf", Infinity],
      ["-Inf", -Infinity],
      ["NaN", NaN],
    ] as const)
      same(number(text), want, text);
  });

  test("what is not a number is NaN, never a wrong number", () => {
    for (const text of [
      "",
      "-",
      ".",
      "1e",
      "0x10",
      "1_000",
      " 1",
      "1 ",
      "--1",
      "1.2.3",
      "Infinity",
      "1,5",
      "+-1",
      "e5",
    ])
      same(number(text), NaN, text);
  });

  test("property: every double, in any usual spelling", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20), (value, digits) => {
        for (const text of [
          String(value),
          value.toExponential(),
          value.toFixed(Math.min(digits, 20)),
          value.toPrecision(17),
        ])
          same(number(text), Number(text), text);
      }),
      { numRuns: 2000 },
    );
  });

  test("property: decimals of up to 20 digits", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?[0-9]{1,12}\.[0-9]{1,12}$/), (text) => same(number(text), Number(text), text)),
      { numRuns: 2000 },
    );
  });
});

describe("parseSeconds()", () => {
  test("to the millisecond, whatever the spelling", () => {
    const cases: [string, number][] = [
      ["1795349450", 1795349450000],
      ["1795349450.1", 1795349450100],
      ["1795349450.12", 1795349450120],
      ["1795349450.123", 1795349450123],
      ["1795349450.1239", 1795349450124],
      ["1.795349450123e9", 1795349450123],
      ["1.79534945e+09", 1795349450000],
      ["0", 0],
      ["0.001", 1],
    ];
    for (const [text, want] of cases) same(seconds(text), want, text);
  });

  test("what is not a time is NaN", () => {
    for (const text of ["", "x", "1.2.3", "NaN", "-"]) same(seconds(text), NaN, text);
  });

  test("property: every millisecond of 200 years comes back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6_311_433_600_000 }), (ms) => {
        same(seconds((ms / 1000).toFixed(3)), ms, String(ms));
        same(seconds(String(ms / 1000)), ms, String(ms));
      }),
      { numRuns: 2000 },
    );
  });
});
