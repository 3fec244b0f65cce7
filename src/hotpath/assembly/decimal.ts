// Decimal texts to doubles, correctly rounded: bit-equal to Number(text). Up to 2^53 and 22 decimals one division is exact; more digits
// go through the algorithm of Eisel and Lemire (Number Parsing at a Gigabyte per Second, 2021); what that leaves open JavaScript decides.
import { POWERS_OF_FIVE } from "../generated/powers";
import { numberOf } from "./host";

/** Set by parse(): the text was a number. */
export let isNumber: bool = true;

const POWERS_OF_TEN = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);
const WHOLE_POWERS = memory.data<u64>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000]);

/** Whole numbers below this are doubles. */
const EXACT: u64 = 9007199254740992;

/** Eight digits, as a word of text: are they all digits? */
// @ts-ignore: decorator
@inline
export function eightDigits(x: u64): bool {
  return ((x & 0xf0f0f0f0f0f0f0f0) | (((x + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) === 0x3333333333333333;
}

/** The value of eight digits, the first of them in the lowest byte. */
// @ts-ignore: decorator
@inline
export function valueOfEight(word: u64): u64 {
  let x = ((word & 0x0f0f0f0f0f0f0f0f) * 2561) >> 8;
  x = ((x & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  return ((x & 0x0000ffff0000ffff) * 42949672960001) >> 32;
}

let digitsOnly: bool = true;

/** The value of `n` digits, 1 to 8. */
// @ts-ignore: decorator
@inline
function part(p: usize, n: u32): u64 {
  let x = load<u64>(p) << ((64 - 8 * n) as u64);
  if (n < 8) x |= (0x3030303030303030 as u64) >> ((8 * n) as u64);
  if (!eightDigits(x)) digitsOnly = false;
  return valueOfEight(x);
}

/** The number in [p, end), where up to sixteen bytes may be read. `point`: where its point is, or `end`. */
// @ts-ignore: decorator
@inline
export function parseShort(text: usize, end: usize, point: usize): f64 {
  const negative = load<u8>(text) === 0x2d;
  const p = text + (negative ? 1 : 0);
  const length = (end - p) as u32;
  digitsOnly = true;
  let value: f64;
  if (point === end) {
    if (length === 0) return parse(text, end);
    let m: u64;
    if (length <= 8) m = part(p, length);
    else m = part(p, length - 8) * 100000000 + part(end - 8, 8);
    if (!digitsOnly || m >= EXACT) return parse(text, end);
    value = m as f64;
  } else {
    const whole = (point - p) as u32;
    const decimals = (end - point - 1) as u32;
    if (whole - 1 > 7 || decimals - 1 > 7) return parse(text, end);
    const m = part(p, whole) * load<u64>(WHOLE_POWERS + ((decimals << 3) as usize)) + part(point + 1, decimals);
    if (!digitsOnly || m >= EXACT) return parse(text, end);
    value = (m as f64) / load<f64>(POWERS_OF_TEN + ((decimals << 3) as usize));
  }
  isNumber = true;
  return negative ? -value : value;
}

/** Any number of the usual forms; isNumber says whether it was one. */
export function parse(text: usize, end: usize): f64 {
  isNumber = true;
  let p = text;
  const negative = load<u8>(p) === 0x2d;
  if (negative) p++;
  let m: u64 = 0;
  let digits: i32 = 0;
  let significant: i32 = 0;
  let point: i32 = -1;
  for (; p < end; p++) {
    const c = load<u8>(p);
    const d = (c - 0x30) as u8;
    if (d <= 9) {
      if (significant > 0 || d !== 0) significant++;
      if (significant <= 19) m = m * 10 + d;
      digits++;
    } else if (c === 0x2e && point < 0) point = digits;
    else break;
  }
  if (digits === 0 || point === 0 || point === digits) return byHost(text, end);
  let power: i32 = point < 0 ? 0 : point - digits;
  if (p < end) {
    // e+06: the servers' own form, no more than four digits
    if ((load<u8>(p) | 0x20) !== 0x65) return byHost(text, end);
    p++;
    const sign = p < end ? load<u8>(p) : 0;
    if (sign === 0x2d || sign === 0x2b) p++;
    if (p >= end || end - p > 4) return byHost(text, end);
    let e: i32 = 0;
    for (; p < end; p++) {
      const d = (load<u8>(p) - 0x30) as u8;
      if (d > 9) return byHost(text, end);
      e = e * 10 + d;
    }
    power += sign === 0x2d ? -e : e;
  }
  if (significant > 19) return byHost(text, end);
  if (m < EXACT) {
    let value = m as f64;
    if (m === 0) return negative ? -value : value;
    if (power >= -22 && power <= 22) {
      if (power < 0) value /= load<f64>(POWERS_OF_TEN + ((-power << 3) as usize));
      else value *= load<f64>(POWERS_OF_TEN + ((power << 3) as usize));
      return negative ? -value : value;
    }
  }
  const bits = eiselLemire(m, power);
  if (bits === 0) return byHost(text, end);
  return reinterpret<f64>(bits | (negative ? (1 as u64) << 63 : 0));
}

function byHost(text: usize, end: usize): f64 {
  const value = numberOf(text, (end - text) as u32);
  if (value !== value) isNumber = false;
  return value;
}

let high: u64 = 0;
let low: u64 = 0;

function multiply(a: u64, b: u64): void {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const p00 = a0 * b0;
  const p01 = a0 * b1;
  const p10 = a1 * b0;
  const middle = (p00 >> 32) + (p01 & 0xffffffff) + (p10 & 0xffffffff);
  low = (p00 & 0xffffffff) | (middle << 32);
  high = a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

/** The bits of m * 10^power, m > 0; 0 where it is not certain (and for subnormal and infinite ones). */
function eiselLemire(m: u64, power: i32): u64 {
  if (power < -342 || power > 308) return 0;
  const zeros = clz<u64>(m);
  const w = m << zeros;
  const table = POWERS_OF_FIVE + (((power + 342) << 4) as usize);
  multiply(w, load<u64>(table));
  let upper = high;
  let lower = low;
  if ((upper & 0x1ff) === 0x1ff) {
    multiply(w, load<u64>(table, 8));
    lower += high;
    if (high > lower) upper++;
  }
  if (lower === 0xffffffffffffffff && (power < -27 || power > 55)) return 0;
  const top = upper >> 63;
  const shift = top + 9;
  let mantissa = upper >> shift;
  let exponent: i32 = ((217706 * power) >> 16) + 63 + (top as i32) - (zeros as i32) + 1023;
  if (exponent <= 0) return 0;
  if (lower <= 1 && power >= -4 && power <= 23 && (mantissa & 3) === 1 && mantissa << shift === upper)
    mantissa &= ~(1 as u64);
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= (2 as u64) << 52) {
    mantissa = (1 as u64) << 52;
    exponent++;
  }
  if (exponent >= 2047) return 0;
  return (mantissa & ~((1 as u64) << 52)) | ((exponent as u64) << 52);
}
