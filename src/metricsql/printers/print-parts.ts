// Pieces of printed expressions that hold no expressions: names, lists of labels, windows and offsets.

import { isAggregate } from "../functions.ts";
import { lower } from "../lexer/chars.ts";
import { disguise, escapeIdent, needsEscape, quoteIdent, safeIdent } from "../lexer/idents.ts";
import { isInfOrNaN } from "../lexer/numbers.ts";
import { quote, unquote } from "../lexer/strings.ts";
import { isReserved } from "../lexer/words.ts";
import {
  isEmptySuffix,
  isName,
  isOnlyName,
  type LabelFilter,
  type Modifier,
  metricName,
  type RawFilter,
  type Rollup,
  type Syntax,
} from "../tree.ts";

/** A label where only a label can stand. */
export const safeLabel = (name: string): string => safeIdent(name) ?? quoteIdent(name);

/**
 * A function that is named like an aggregate was written with an escape, and is not an aggregate. Lower case: VictoriaMetrics 1.79
 * panics on AGGR_OVER_TIME.
 */
export const safeFunctionName = (name: string): string =>
  name === ""
    ? ""
    : isAggregate(name)
      ? disguise(name)
      : lower(name) === "aggr_over_time"
        ? lower(name)
        : safeLabel(name);

/** ` by(a,b) limit 5`, ` on(a)`, ` group_left(*)`; empty if there is none. */
export function printModifiers(
  e: { modifier?: Modifier | undefined; limit?: string | undefined },
  safe: boolean,
): string {
  const limit = e.limit === undefined ? "" : ` limit ${e.limit}`;
  if (e.modifier === undefined) return limit;
  const { op, labels } = e.modifier;
  const star = labels.length === 1 && op.startsWith("group_");
  const label = (l: string) => (l === "*" && (star || !safe) ? "*" : safe ? safeLabel(l) : escapeIdent(l));
  return ` ${op}(${labels.map(label).join(",")})${limit}`;
}

/** `[w:s] offset o`. */
export function printWindow(e: Rollup<Syntax>, safe: boolean): string {
  const text = (t: string) => (safe ? t.replaceAll("$__interval", "1i") : t);
  let out = "";
  if (e.window !== undefined || e.step !== undefined || e.inheritStep) {
    const window = e.window === undefined ? "" : text(e.window.text);
    const step = e.step === undefined ? "" : text(e.step.text);
    // A step that is more than one token when it follows the colon needs a space.
    const gap = safe && /[^0-9A-Za-z_.]/.test(step) ? " " : "";
    out = e.step === undefined && !e.inheritStep ? `[${window}]` : `[${window}:${gap}${step}]`;
  }
  if (safe && isEmptySuffix(e)) return "[$__interval]";
  return e.offset === undefined ? out : `${out} offset ${text(e.offset.text)}`;
}

// -- Selectors to text.

const filterText = (f: LabelFilter): string => `${escapeIdent(f.label)}${f.op}${quote(f.value)}`;

/** As the reference prints it: a group that has nothing but the common name is left out. */
export function selector(groups: readonly LabelFilter[][]): string {
  if (groups.length === 0) return "{}";
  const name = metricName(groups);
  if (isOnlyName(groups)) return escapeIdent(name);
  return `${escapeIdent(name)}{${joinGroups(groups, name === "" ? 0 : 1, filterText)}}`;
}

function joinGroups<F>(groups: readonly F[][], skip: number, text: (f: F) => string): string {
  let out = "";
  groups.forEach((g, i) => {
    if (g.length <= skip) return;
    out += g.slice(skip).map(text).join(",");
    if ((groups[i + 1]?.length ?? 0) > skip) out += " or ";
  });
  return out;
}

/** As text that reads back to the same groups. A group without filters selects everything, and so do all groups together. */
export function safeSelector(groups: readonly LabelFilter[][]): string {
  if (groups.some((g) => g.length === 0)) return "{}";
  const name = bareName(metricName(groups));
  if (name !== undefined && groups.length === 1 && groups[0]!.length === 1) return name;
  const skip = name !== undefined && groups.every((g) => g.length > 1 && !isName(g[1]!)) ? 1 : 0;
  const text = (f: LabelFilter) => `${safeLabel(f.label)}${f.op}${quote(f.value)}`;
  const all = groups.map((g) => asWritten(g.slice(skip)).map(text).join(",")).join(" or ");
  return `${skip === 1 ? name : ""}{${all}}`;
}

/** Of several names, one of them empty, the one written last comes first in the tree. */
function asWritten(group: LabelFilter[]): LabelFilter[] {
  const names = group.filter(isName);
  return names.length < 2 ? group : [...names.reverse(), ...group.filter((f) => !isName(f))];
}

/**
 * The name as a token that every server reads as a metric's; undefined if it has to be written as a filter, which all of them take:
 * Prometheus knows no escapes in names, and VictoriaMetrics before v1.80 no names in quotes.
 */
const bareName = (name: string): string | undefined =>
  PLAIN_NAME.test(name) && !isAggregate(name) && !isInfOrNaN(name) && !isReserved(name) ? name : undefined;

const PLAIN_NAME = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

/** The name and the filters of a selector that is not expanded: a quoted name counts if it comes first in every group. */
export function rawName(groups: readonly RawFilter[][]): string {
  const [name, ...others] = groups.map(nameOfGroup);
  return name !== undefined && others.every((o) => o === name) ? name : "";
}

function nameOfGroup(group: RawFilter[]): string {
  const first = group[0];
  if (first?.value === undefined) return first?.quoted === true ? first.label : "";
  const only = first.value.pieces[0]!;
  if (first.label !== "__name__" || first.op !== "=" || first.value.pieces.length !== 1) return "";
  const read = unquote(only.text);
  return /^["'`]/.test(only.text) && "value" in read ? read.value : "";
}

export const rawIsOnlyName = (groups: readonly RawFilter[][]): boolean =>
  rawName(groups) !== "" && groups.every((g) => g.length <= 1);

export function rawFilterText(f: RawFilter): string {
  const label = rawLabel(f.label);
  return f.value === undefined ? label : `${label}${f.op}${f.value.pieces.map((p) => p.text).join("+")}`;
}

/** Names that are not plain identifiers are in quotes in a syntax tree's text. */
export const rawLabel = (name: string): string => (needsEscape(name) ? quoteIdent(name) : name);

export function rawSelector(groups: readonly RawFilter[][]): string {
  if (groups.length === 0) return "{}";
  const name = rawName(groups);
  const quoted = needsEscape(name);
  const start = quoted ? `{${quoteIdent(name)}` : name;
  if (rawIsOnlyName(groups)) return quoted ? `${start}}` : start;
  return `${start}${quoted ? ", " : "{"}${joinGroups(groups, name === "" ? 0 : 1, rawFilterText)}}`;
}
