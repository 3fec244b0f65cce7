// `atan2` on constants, to the last digit as Go computes it: Cephes' rational approximation (Moshier, atan.c). JavaScript's
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
