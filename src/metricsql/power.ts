// `^` on constants, to the last digit as Go's math.Pow computes it: by squaring a fraction and its exponent apart. JavaScript's
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
