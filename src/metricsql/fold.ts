// The last steps to a finished tree: parentheses are dropped, operations on constants become their result.
import { compareValues, joinValues } from "./lexer/strings.ts";
import { isComparison } from "./lexer/words.ts";
import type { Expr, Syntax } from "./tree.ts";
import { mapUp } from "./walk.ts";

/** `(a)` becomes `a`; `()` and `(a, b)` become calls of the function without a name. */
export function dropParens(e: Syntax): Syntax {
  return mapUp(e, (n) => {
    if (n.kind !== "parens") return n;
    if (n.items.length === 1) return n.items[0]!;
    return { kind: "func", name: "", args: n.items, keepMetricNames: false, span: n.span, nameSpan: n.span };
  });
}

/** For an expanded tree without parentheses. Durations are not numbers. Modifiers are ignored. */
export function foldConstants(e: Syntax): Expr {
  return mapUp(e, foldNode) as Expr;
}

function foldNode(e: Syntax): Syntax {
  if (e.kind !== "binaryop") return e;
  const { left, right, op, bool, span } = e;
  if (left.kind === "number" && right.kind === "number")
    return { kind: "number", value: evaluate(op, left.value, right.value, bool), span };
  if (left.kind !== "string" || right.kind !== "string") return e;
  if (op === "+") return { kind: "string", value: joinValues([left.value, right.value]), span };
  if (!isComparison(op)) return e;
  const holds = evaluate(op, compareValues(left.value, right.value), 0, true) === 1;
  return { kind: "number", value: holds ? 1 : bool ? 0 : Number.NaN, span };
}

// -- What an operator makes of two numbers. NaN stands for "no value": the set operators treat it as absent, and NaN == NaN holds.

export function evaluate(op: string, a: number, b: number, bool: boolean): number {
  const holds = compare(op, a, b);
  if (holds !== undefined) return bool ? Number(holds) : holds ? a : Number.NaN;
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "atan2":
      return arctangent2(a, b);
    case "^":
      return power(a, b);
    case "and":
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a;
    case "or":
    case "default":
      return Number.isNaN(a) ? b : a;
    case "if":
      return Number.isNaN(b) ? Number.NaN : a;
    case "ifnot":
      return Number.isNaN(b) ? a : Number.NaN;
    default: // unless
      return Number.NaN;
  }
}

/** Undefined if `op` compares nothing. */
function compare(op: string, a: number, b: number): boolean | undefined {
  const equal = Number.isNaN(a) ? Number.isNaN(b) : a === b;
  switch (op) {
    case "==":
      return equal;
    case "!=":
      return !equal;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    default:
      return undefined;
  }
}

// -- `^` on constants, to the last digit as Go's math.Pow computes it: by squaring a fraction and its exponent apart. JavaScript's
// `**` rounds differently in some last places, and says NaN for 1 ** NaN and (-1) ** Infinity.

export function power(x: number, y: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (Number.isNaN(y)) return Number.NaN;
  if (x === -1 && !Number.isFinite(y)) return 1;
  if (x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  return ofFinite(x, y);
}

function ofFinite(x: number, y: number): number {
  let whole = Math.trunc(Math.abs(y));
  let part = Math.abs(y) - whole;
  if (part !== 0 && x < 0) return Number.NaN;
  if (whole >= 2 ** 63) return x === -1 ? 1 : Math.abs(x) < 1 === y > 0 ? 0 : Number.POSITIVE_INFINITY;
  let fraction = 1;
  let exponent = 0;
  if (part !== 0) {
    if (part > 0.5) {
      part--;
      whole++;
    }
    fraction = Math.exp(part * Math.log(x));
  }
  let [base, shift] = split(x);
  for (let n = BigInt(whole); n !== 0n; n >>= 1n) {
    if (shift < -4096 || shift > 4096) {
      exponent += shift; // overflow or underflow for certain
      break;
    }
    if ((n & 1n) === 1n) {
      fraction *= base;
      exponent += shift;
    }
    base *= base;
    shift *= 2;
    if (base < 0.5) {
      base += base;
      shift--;
    }
  }
  return y < 0 ? scale(1 / fraction, -exponent) : scale(fraction, exponent);
}

/** x = fraction * 2 ** exponent, with 0.5 <= |fraction| < 1. */
function split(x: number): [fraction: number, exponent: number] {
  const small = Math.abs(x) < 2 ** -1022;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, small ? x * 2 ** 52 : x);
  const high = view.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1022 - (small ? 52 : 0);
  view.setUint32(0, ((high & 0x800fffff) | (1022 << 20)) >>> 0);
  return [view.getFloat64(0), exponent];
}

/** fraction * 2 ** exponent, rounded once. */
function scale(fraction: number, exponent: number): number {
  const [base, own] = fraction === 0 || !Number.isFinite(fraction) ? [fraction, 0] : split(fraction);
  const e = Math.max(-5000, Math.min(5000, exponent + own));
  if (e > 1023) return e > 1024 ? base * Number.POSITIVE_INFINITY : base * 2 * 2 ** 1023;
  return e >= -1021 ? base * 2 ** e : base * 2 ** -1021 * 2 ** Math.max(-1074, e + 1021);
}

// -- `atan2` on constants, to the last digit as Go computes it: Cephes' rational approximation (Moshier, atan.c). JavaScript's
// differs in some last places.

export function arctangent2(y: number, x: number): number {
  // JavaScript agrees wherever an argument is 0, infinite or NaN.
  if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0 || y === 0) return Math.atan2(y, x);
  const q = arctangent(y / x);
  if (x > 0) return q;
  return q <= 0 ? q + Math.PI : q - Math.PI;
}

const arctangent = (x: number): number => (x === 0 ? x : x > 0 ? ofPositive(x) : -ofPositive(-x));

/** What is lost of pi/2 in a double. */
const MORE_BITS = 6.123233995736766e-17;

function ofPositive(x: number): number {
  if (x <= 0.66) return ofSmall(x);
  if (x > 1 + Math.SQRT2) return Math.PI / 2 - ofSmall(1 / x) + MORE_BITS;
  return Math.PI / 4 + ofSmall((x - 1) / (x + 1)) + 0.5 * MORE_BITS;
}

const P = [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025];
const Q = [1, 24.858464901423062, 165.0270098316989, 432.88106049129027, 485.3903996359137, 194.5506571482614];

function ofSmall(x: number): number {
  const z = x * x;
  return x * ((z * horner(P, z)) / horner(Q, z)) + x;
}

const horner = (coefficients: number[], z: number): number => coefficients.reduce((sum, c) => sum * z + c, 0);
