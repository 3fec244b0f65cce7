// The labels of a series straight from the bytes of its JSON, where they are in the servers' own layout and sent as they are. With a
// million new series in one answer an object for each label would cost more than all the rest.
import { add, begin, end } from "./series";

const QUOTE: u8 = 0x22;

/** The id of the series with the labels in the JSON object [from, from + length). -1: it takes a closer look (no metric name, a name that is not legal, not sorted, escapes, anything but ASCII, another layout, no JSON at all). */
export function learnPlain(from: usize, length: u32): i32 {
  const to = from + length;
  begin();
  let named = false;
  let lastFrom: usize = 0;
  let lastTo: usize = 0;
  for (let p = from + 1; ; p++) {
    if (load<u8>(p) !== QUOTE) return -1;
    const name = p + 1;
    const nameEnd = endOfName(name, to, false);
    if (nameEnd === name || nameEnd >= to || load<u8>(nameEnd) !== QUOTE) return -1;
    if (load<u8>(nameEnd, 1) !== 0x3a || load<u8>(nameEnd, 2) !== QUOTE) return -1;
    if (lastTo !== 0 && !isBefore(lastFrom, lastTo, name, nameEnd)) return -1;
    const value = nameEnd + 3;
    const valueEnd = endOfText(value, to);
    if (valueEnd >= to || load<u8>(valueEnd) !== QUOTE) return -1;
    const isName = nameEnd - name === 8 && load<u64>(name) === 0x5f5f656d616e5f5f;
    if (isName && endOfName(value, valueEnd, true) !== valueEnd) return -1;
    if (valueEnd > value) {
      add(name, (nameEnd - name) as u32, value, (valueEnd - value) as u32);
      named = named || isName;
    }
    lastFrom = name;
    lastTo = nameEnd;
    p = valueEnd + 1;
    if (p >= to) return -1;
    if (load<u8>(p) === 0x2c) continue;
    return named && load<u8>(p) === 0x7d && p === to - 1 ? (end() as i32) : -1;
  }
}

/** Past the longest legal name of a label (or of a metric, which may have colons) that begins here; `from` if there is none. */
function endOfName(from: usize, to: usize, metric: bool): usize {
  let p = from;
  for (; p < to; p++) {
    const c = load<u8>(p);
    const lower = c | 0x20;
    const letter = (lower >= 0x61 && lower <= 0x7a) || c === 0x5f || (metric && c === 0x3a);
    if (!letter && (p === from || c < 0x30 || c > 0x39)) break;
  }
  return p;
}

/** Past the printable ASCII without escapes that begins here. */
function endOfText(from: usize, to: usize): usize {
  let p = from;
  while (p < to && load<u8>(p) >= 0x20 && load<u8>(p) < 0x80 && load<u8>(p) !== QUOTE && load<u8>(p) !== 0x5c) p++;
  return p;
}

function isBefore(a: usize, aEnd: usize, b: usize, bEnd: usize): bool {
  for (let i: usize = 0; ; i++) {
    if (b + i === bEnd) return false;
    if (a + i === aEnd) return true;
    const x = load<u8>(a + i);
    const y = load<u8>(b + i);
    if (x !== y) return x < y;
  }
  return unreachable();
}
