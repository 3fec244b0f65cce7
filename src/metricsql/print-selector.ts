// Selectors to text.
import { disguise, escapeIdent, needsEscape, quoteIdent, safeIdent } from "./idents.ts";
import { isAggregate } from "./names.ts";
import { isInfOrNaN } from "./numbers.ts";
import { safeLabel } from "./print-parts.ts";
import { isName, isOnlyName, metricName } from "./selectors.ts";
import { quote, unquote } from "./strings.ts";
import type { RawFilter } from "./syntax.ts";
import type { LabelFilter } from "./tree.ts";
import { isModifierWord } from "./words.ts";

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

/** The name as a token that can only be a metric's; undefined if it has to be written as a filter. */
function bareName(name: string): string | undefined {
  const ident = safeIdent(name);
  if (ident === undefined) return undefined;
  return isAggregate(ident) || isInfOrNaN(ident) || isModifierWord(ident) ? disguise(name) : ident;
}

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

/** Names that are no plain identifiers are in quotes in a syntax tree's text. */
export const rawLabel = (name: string): string => (needsEscape(name) ? quoteIdent(name) : name);

export function rawSelector(groups: readonly RawFilter[][]): string {
  if (groups.length === 0) return "{}";
  const name = rawName(groups);
  const quoted = needsEscape(name);
  const start = quoted ? `{${quoteIdent(name)}` : name;
  if (rawIsOnlyName(groups)) return quoted ? `${start}}` : start;
  return `${start}${quoted ? ", " : "{"}${joinGroups(groups, name === "" ? 0 : 1, rawFilterText)}}`;
}
