// From the labels of an answer to those that are sent: what remote write 1.0 wants (remote-write rules 6 and 7: sorted bytewise, no
// empty value, no name twice, legal names) and what operator and policy add, force, drop and limit. Worked out once a series. Pure.
import { Buffer } from "node:buffer";
import { RE2JS } from "re2js";
import { escapeName, type NameEscaping } from "./names.ts";

export type Label = readonly [name: string, value: string];

/** Plain data, so that two sources with equal rules can share a reader. */
export type LabelRules = {
  /** What becomes of names that remote write 1.0 does not allow. */
  escaping: NameEscaping;
  /** RE2 expressions: labels whose whole name matches one are left out (never the metric's name). */
  drop: readonly string[];
  /** Added to each series that lacks them. */
  external: readonly Label[];
  /** Set on each series, whatever it has. */
  force: readonly Label[];
  /** A series beyond one of these is dropped (`invalid_labels`) instead of a whole batch being refused; 0: no limit. Lengths in UTF-8 bytes. */
  maxLabels: number;
  maxNameBytes: number;
  maxValueBytes: number;
};

export const plainRules: LabelRules = {
  escaping: "underscores",
  drop: [],
  external: [],
  force: [],
  maxLabels: 0,
  maxNameBytes: 0,
  maxValueBytes: 0,
};

/** Labels that are legal, sorted and not empty are sent as they are. */
export const arePlain = (rules: LabelRules): boolean =>
  rules.drop.length + rules.external.length + rules.force.length === 0 &&
  rules.maxLabels + rules.maxNameBytes + rules.maxValueBytes === 0;

/** Why a series cannot be exported. */
export type LabelTrouble = "invalid_name" | "invalid_labels";

/**
 * `fallbackName`: the metric name of a series that has none (expressions, as a recording rule names its result); without it such a
 * series is `invalid_name`, and so is one with a name that is not legal and not to be escaped. Two labels that become equal, or more
 * than the limits allow, are `invalid_labels`.
 */
export type Exportable = (labels: readonly Label[], fallbackName: string | undefined) => Label[] | LabelTrouble;

export function labelRules(rules: LabelRules): Exportable {
  const drops = rules.drop.map((regex) => RE2JS.compile(`^(?:${regex})$`));
  const dropped = (name: string): boolean => name !== "__name__" && drops.some((re) => re.matches(name));
  return (labels, fallbackName) => {
    const out = new Map<string, string>();
    const kept = labels.filter(([name, value]) => value !== "" && !dropped(name));
    const named = kept.some(([name]) => name === "__name__");
    if (!named && fallbackName === undefined) return "invalid_name";
    for (const [name, value] of named ? kept : [...kept, ["__name__", fallbackName!] as const]) {
      const metric = name === "__name__";
      const legal = escapeName(metric ? value : name, metric, rules.escaping);
      if (legal === undefined) return "invalid_name";
      const [key, text] = metric ? [name, legal] : [legal, value];
      if (out.has(key)) return "invalid_labels";
      out.set(key, text);
    }
    for (const [name, value] of rules.external) if (!out.has(name)) out.set(name, value);
    for (const [name, value] of rules.force) out.set(name, value);
    if (!within(out, rules)) return "invalid_labels";
    return [...out].sort(([a], [b]) => byBytes(a, b));
  };
}

function within(labels: ReadonlyMap<string, string>, { maxLabels, maxNameBytes, maxValueBytes }: LabelRules): boolean {
  if (maxLabels > 0 && labels.size > maxLabels) return false;
  if (maxNameBytes === 0 && maxValueBytes === 0) return true;
  for (const [name, value] of labels) {
    if (maxNameBytes > 0 && Buffer.byteLength(name) > maxNameBytes) return false;
    if (maxValueBytes > 0 && value.length * 3 > maxValueBytes && Buffer.byteLength(value) > maxValueBytes) return false;
  }
  return true;
}

/** Order by UTF-8 bytes. Of ASCII that is the order of UTF-16 units. */
function byBytes(a: string, b: string): number {
  if (ASCII.test(a) && ASCII.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ASCII = /^[\x00-\x7f]*$/;
