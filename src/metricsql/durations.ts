// Durations: `[-]DIGITS[.DIGITS]UNIT` parts without spaces, the first not negative. In: text. Out: where one ends, or milliseconds.
import { isDigit } from "./chars.ts";
import { decimalValue } from "./numbers.ts";

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
