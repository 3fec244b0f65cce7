// Rollup suffixes that are empty: those of `m[$__interval]`, where the window means "none".
import type { Syntax } from "./syntax.ts";
import type { Rollup } from "./tree.ts";

export const isEmptySuffix = (e: Rollup<Syntax>): boolean => !(e.window || e.step || e.inheritStep || e.offset || e.at);

/** True if the suffix can be left out. On a constant it has one effect: operations on it are not folded. */
export const saysNothing = (e: Rollup<Syntax>): boolean =>
  isEmptySuffix(e) && e.expr.kind !== "number" && e.expr.kind !== "string";
