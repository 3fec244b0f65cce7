// The two texts of a tree.
import { print } from "./print.ts";
import { saysNothing } from "./suffix.ts";
import type { Syntax } from "./syntax.ts";
import type { Expr } from "./tree.ts";
import { mapUp } from "./walk.ts";

/**
 * The reference library's own text, byte by byte, for comparison. It does not always read back to the same query; bytes of names
 * that are not UTF-8 are U+FFFD in it.
 */
export const canonical = (e: Expr): string => print(e, false)!;

/** A text that reads back to the same tree, for everything that is sent. */
export const toSafeString = (e: Expr): string => print(mapUp(e, dropEmptySuffix), true)!;

const dropEmptySuffix = (e: Syntax): Syntax => (e.kind === "rollup" && saysNothing(e) ? e.expr : e);
