// Names that are too long lose their middle, where they are equal: what tells them apart stays. Pure.
import { fit, widthOf } from "./width.ts";

const widths = new WeakMap<readonly string[], readonly number[]>();

/** Widths of all names, smallest first; looked up once for each set. */
function widthsOf(names: readonly string[]): readonly number[] {
  let known = widths.get(names);
  if (known === undefined) {
    known = names.map(widthOf).sort((a, b) => a - b);
    widths.set(names, known);
  }
  return known;
}

/** A column for these names: for nine of ten of them if the longest are much longer, and never more than `most`. */
export function nameWidth(names: readonly string[], most: number): number {
  const sorted = widthsOf(names);
  const longest = sorted.at(-1) ?? 4;
  const usual = sorted[Math.floor((sorted.length - 1) * 0.9)] ?? longest;
  return Math.max(4, Math.min(most, longest <= usual * 1.3 ? longest : usual));
}

const shared = new WeakMap<readonly string[], Map<number, number>>();

/** How many characters all names begin with that are wider than `width`. */
function commonStart(names: readonly string[], width: number): number {
  let byWidth = shared.get(names);
  if (byWidth === undefined) shared.set(names, (byWidth = new Map()));
  const known = byWidth.get(width);
  if (known !== undefined) return known;
  const long = names.filter((name) => widthOf(name) > width);
  const [first = ""] = long;
  let common = first.length;
  for (const name of long) {
    let i = 0;
    while (i < common && name[i] === first[i]) i++;
    common = i;
  }
  const start = long.length < 2 ? 0 : common;
  byWidth.set(width, start);
  return start;
}

/** At least this much of the beginning stays. */
const HEAD = 4;

/** At most `width` columns; the piece that is cut is one that all long names of `names` share, where there is one that is enough. */
export function shortened(name: string, names: readonly string[], width: number, more: string): string {
  if (widthOf(name) <= width) return name;
  if (width < 2 * HEAD || widthOf(name) !== name.length) return middleCut(name, width, more);
  const surplus = name.length - width + 1;
  const common = commonStart(names, width);
  if (common < surplus + HEAD) return middleCut(name, width, more);
  // The last part of a name stays whole where it can.
  const slash = name.lastIndexOf("/", common - 1);
  const end = slash >= surplus + HEAD ? slash : common;
  return name.slice(0, end - surplus) + more + name.slice(end);
}

/** A third of the beginning and two thirds of the end. */
function middleCut(name: string, width: number, more: string): string {
  if (width < 2 * HEAD) return fit(name, width, more).trimEnd();
  const letters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name)].map((s) => s.segment);
  const room = width - widthOf(more);
  let head = "";
  let tail = "";
  let at = 0;
  while (at < letters.length && widthOf(head + letters[at]) <= Math.floor(room / 3)) head += letters[at++];
  for (let end = letters.length - 1; end >= at && widthOf(head + letters[end] + tail) <= room; end--)
    tail = letters[end] + tail;
  return head + more + tail;
}
