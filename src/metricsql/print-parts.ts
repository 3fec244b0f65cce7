// Pieces of printed expressions that hold no expressions: names, lists of labels, windows and offsets.
import { disguise, escapeIdent, quoteIdent, safeIdent } from "./idents.ts";
import { isAggregate } from "./names.ts";
import { isEmptySuffix } from "./suffix.ts";
import type { Syntax } from "./syntax.ts";
import type { Modifier, Rollup } from "./tree.ts";

/** A label where only a label can stand. */
export const safeLabel = (name: string): string => safeIdent(name) ?? quoteIdent(name);

/** A function that is named like an aggregate was written with an escape, and is no aggregate. */
export const safeFunctionName = (name: string): string =>
  name === "" ? "" : isAggregate(name) ? disguise(name) : safeLabel(name);

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
