// Numbers: where a literal ends, its value, and how a computed number is printed (Go's `%g`, shortest digits that read back).
import { isDigit, isHex } from "./chars.ts";

const MULTIPLIER = /^(?:[kmgt]i?b?)/i; // also takes `mi` and `mib`; durations are tried before numbers
const FACTORS: Record<string, number> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** True if a number starts at `i`: a digit, or a point and a digit. */
export const isNumberStart = (s: string, i: number): boolean =>
  isDigit(s.charCodeAt(i)) || (s[i] === "." && isDigit(s.charCodeAt(i + 1)));

/** Where the number that starts at `i` ends; -1 if its exponent is missing. */
export function scanNumber(s: string, i: number): number {
  const special = /^0(?:[0-9]|[xX]|[oObB])/.exec(s.slice(i, i + 2))?.[0];
  let at = i;
  if (special !== undefined) {
    at += isDigit(special.charCodeAt(1)) ? 1 : 2;
    if (/[xX]/.test(special)) {
      while (isHex(s.charCodeAt(at))) at++;
      return at;
    }
  }
  at = skipDigits(s, at);
  if (s[at] !== ".") {
    const multiplier = scanMultiplier(s, at);
    if (multiplier > 0) return at + multiplier;
  } else {
    at = skipDigits(s, at + 1);
    const multiplier = scanMultiplier(s, at);
    if (multiplier > 0) return at + multiplier;
  }
  if (s[at] !== "e" && s[at] !== "E") return at;
  at++;
  if (s[at] === "-" || s[at] === "+") at++;
  const digits = at;
  while (isDigit(s.charCodeAt(at))) at++;
  return at === digits ? -1 : at;
}

function skipDigits(s: string, i: number): number {
  let at = i;
  while (isDigit(s.charCodeAt(at)) || s[at] === "_") at++;
  return at;
}

const scanMultiplier = (s: string, i: number): number => MULTIPLIER.exec(s.slice(i, i + 3))?.[0].length ?? 0;

export const isInfOrNaN = (s: string): boolean => s.length === 3 && /^(?:inf|nan)$/i.test(s);

/** The value of a number literal; undefined if it is not one: digits of another base, misplaced `_`, too large. */
export function numberValue(literal: string): number | undefined {
  if (/^0[0-9xXoObB]/.test(literal)) return integerValue(literal.toLowerCase());
  if (isInfOrNaN(literal)) return literal.toLowerCase() === "inf" ? Number.POSITIVE_INFINITY : Number.NaN;
  const split = /^(.*?)([kmgt]i?)?b?$/i.exec(literal);
  if (split === null) return undefined;
  const unit = split[2]?.toLowerCase();
  const value = decimalValue(unit === undefined ? literal : split[1]!);
  return value === undefined || unit === undefined ? value : value * FACTORS[unit]!;
}

/** Go's ParseFloat for decimal texts: `_` only between digits; what overflows is an error. */
export function decimalValue(text: string): number | undefined {
  if (!/^-?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  if (/_(?![0-9])|(?<![0-9])_/.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isFinite(value) ? value : undefined;
}

function integerValue(text: string): number | undefined {
  // `0_1` is decimal and does not come here; an underscore may follow the prefix: `0x_1`, `0_`.
  if (/_(?![0-9a-f])|__/.test(text)) return undefined;
  const plain = text.replaceAll("_", "");
  const octal = /^0o?([0-7]+)$/.exec(plain);
  const form = octal !== null ? `0o${octal[1]}` : /^0x[0-9a-f]+$|^0b[01]+$/.test(plain) ? plain : undefined;
  if (form === undefined) return undefined;
  const value = BigInt(form);
  return value > 0x7fffffffffffffffn ? undefined : Number(value);
}

/** A computed number. */
export function formatNumber(n: number): string {
  if (Number.isNaN(n)) return "NaN";
  if (!Number.isFinite(n)) return n > 0 ? "+Inf" : "-Inf";
  if (n === 0) return Object.is(n, -0) ? "-0" : "0";
  const [digits, exponent] = n.toExponential().split("e") as [string, string];
  const e = Number(exponent);
  if (e >= -4 && e <= 5) return String(n);
  return `${digits}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
}

// -- Durations: `[-]DIGITS[.DIGITS]UNIT` parts without spaces, the first not negative. In: text. Out: where one ends, or milliseconds.

export const INTERVAL = "$__interval";

/** Where the duration that starts at `i` ends; -1 if none does. */
export function scanDuration(s: string, i: number): number {
  let end = scanPart(s, i, false);
  if (end < 0) return -1;
  for (;;) {
    const next = scanPart(s, end, true);
    if (next < 0) return end;
    end = next;
  }
}

/** True if the whole text is one duration token. */
export const isDuration = (s: string): boolean => s === INTERVAL || (s !== "" && scanDuration(s, 0) === s.length);

function scanPart(s: string, i: number, signed: boolean): number {
  let at = i;
  if (signed && s[at] === "-") at++;
  // An upstream oddity: the literal counts as a part only at the very end of the text.
  if (s.length - at === INTERVAL.length && s.endsWith(INTERVAL)) return s.length;
  while (isDigit(s.charCodeAt(at))) at++;
  if (at === i || at >= s.length) return -1;
  if (s[at] === ".") {
    at++;
    while (isDigit(s.charCodeAt(at))) at++;
    if (at >= s.length) return -1;
  }
  switch (s[at]) {
    case "m":
    case "M": {
      const next = s[at + 1]?.toLowerCase();
      if (next === "s") return at + 2;
      if (next === "i" || next === "b") return -1; // a number: 1Mi, 1mb
      return s[at] === "m" ? at + 1 : -1; // 1M is a number
    }
    case "s":
    case "S":
    case "h":
    case "H":
    case "d":
    case "D":
    case "w":
    case "W":
    case "y":
    case "Y":
    case "i":
    case "I":
      return at + 1;
    default:
      return -1;
  }
}

const UNITS: Record<string, number> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86400e3,
  w: 7 * 86400e3,
  y: 365 * 86400e3,
};

/** Milliseconds of a duration or of a plain number of seconds, `stepMs` for the unit `i`. Undefined if the text is neither. */
export function durationMs(text: string, stepMs: number): number | undefined {
  if (/[0-9.]$/.test(text)) {
    const seconds = decimalValue(text);
    if (seconds !== undefined) return Math.trunc(seconds * 1000);
  }
  let sum = 0;
  let minus = false;
  for (let i = 0; i < text.length; ) {
    const end = scanPart(text, i, true);
    if (end < 0) return undefined;
    let part = partMs(text.slice(i, end), stepMs);
    if (part === undefined) return undefined;
    if (minus && part > 0) part = -part;
    minus ||= part < 0;
    sum += part;
    i = end;
  }
  return text === "" ? undefined : Math.trunc(sum);
}

function partMs(text: string, stepMs: number): number | undefined {
  if (text.endsWith(INTERVAL)) return text.length === INTERVAL.length ? stepMs : undefined;
  const unit = /m?[a-z]$/i.exec(text)![0].toLowerCase();
  const count = decimalValue(text.slice(0, -unit.length));
  return count === undefined ? undefined : count * (unit === "i" ? stepMs : UNITS[unit]!);
}
