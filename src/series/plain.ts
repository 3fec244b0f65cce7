// The labels of a series straight from the bytes of its JSON, where they are in the servers' own layout and sent as they are: with a
// million new series in one answer an object for each label would cost more than all the rest.
import type { SeriesTable } from "./table.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const CLOSE = 0x7d;
const NAME = new TextEncoder().encode("__name__");

/**
 * Begins a series in `table` and adds the labels of the JSON object `bytes[from, to)`. False: it takes a closer look (no metric name,
 * a name that is not legal, not sorted, escapes, anything but ASCII, another layout, no JSON at all).
 */
export function addPlain(table: SeriesTable, bytes: Uint8Array, from: number, to: number): boolean {
  table.begin();
  let named = false;
  let lastFrom = 0;
  let lastTo = 0;
  for (let at = from + 1; ; at++) {
    if (bytes[at] !== QUOTE) return false;
    const nameFrom = at + 1;
    const nameTo = endOfName(bytes, nameFrom, to, false);
    if (nameTo === nameFrom || bytes[nameTo] !== QUOTE) return false;
    if (bytes[nameTo + 1] !== COLON || bytes[nameTo + 2] !== QUOTE) return false;
    if (lastTo > 0 && !isBefore(bytes, lastFrom, lastTo, nameFrom, nameTo)) return false;
    const valueFrom = nameTo + 3;
    const valueTo = endOfText(bytes, valueFrom, to);
    if (bytes[valueTo] !== QUOTE) return false;
    const isName = isMetricName(bytes, nameFrom, nameTo);
    if (isName && endOfName(bytes, valueFrom, valueTo, true) !== valueTo) return false;
    if (valueTo > valueFrom) {
      table.add(bytes, nameFrom, nameTo, valueFrom, valueTo, isName);
      named ||= isName;
    }
    lastFrom = nameFrom;
    lastTo = nameTo;
    at = valueTo + 1;
    if (bytes[at] === COMMA) continue;
    return named && bytes[at] === CLOSE && at === to - 1;
  }
}

/** Past the longest legal name of a label (or of a metric, which may have colons) that begins here; `from` if there is none. */
function endOfName(bytes: Uint8Array, from: number, to: number, metric: boolean): number {
  let at = from;
  for (; at < to; at++) {
    const c = bytes[at]!;
    const letter = (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f || (metric && c === COLON);
    if (!letter && (at === from || c < 0x30 || c > 0x39)) break;
  }
  return at;
}

/** Past the printable ASCII without escapes that begins here. */
function endOfText(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at]! >= 0x20 && bytes[at]! < 0x80 && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
  return at;
}

function isBefore(bytes: Uint8Array, aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
  for (let i = 0; ; i++) {
    if (bFrom + i === bTo) return false;
    if (aFrom + i === aTo) return true;
    const difference = bytes[aFrom + i]! - bytes[bFrom + i]!;
    if (difference !== 0) return difference < 0;
  }
}

function isMetricName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== NAME.length) return false;
  for (let i = 0; i < NAME.length; i++) if (bytes[from + i] !== NAME[i]) return false;
  return true;
}
