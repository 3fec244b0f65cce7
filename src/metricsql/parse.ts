// From text to tree: tokens, syntax, expansion, parentheses dropped, constants folded, function names checked.
// Argument counts and types are not checked, as in the reference; see check().

import { expandQuery } from "./expand.ts";
import { dropParens, foldConstants } from "./fold.ts";
import { isKnownFunction, suggest } from "./functions.ts";
import { parseExpr } from "./grammar.ts";
import { Cursor } from "./lexer/cursor.ts";
import { MetricsQLError } from "./lexer/errors.ts";
import { admit, bounded, type ParseOptions, withDefaults } from "./limits.ts";
import type { Expr, Metric, Syntax } from "./tree.ts";
import { assertDepth, visit } from "./walk.ts";

/** Throws MetricsQLError, and nothing else. */
export function parse(query: string, options?: ParseOptions): Expr {
  const limits = withDefaults(options);
  const text = admit(query, limits);
  return bounded(text, () => {
    const bare = dropParens(expandQuery(readSyntax(text, limits.maxDepth), text, limits)) as Expr;
    const e = limits.fold ? foldConstants(bare) : bare;
    checkNames(e, text);
    return e;
  });
}

/** The tree as written, parentheses included. */
export function readSyntax(text: string, maxDepth: number): Syntax {
  const c = new Cursor(text, maxDepth);
  const e = parseExpr(c);
  if (c.token.kind !== "eof") throw c.unexpected("an operator", "the end of the query");
  assertDepth(e, c);
  return e;
}

/** What `match[]` takes: one selector with at least one group of filters. Throws MetricsQLError. */
export function parseSelector(query: string, options?: ParseOptions): Metric {
  const e = parse(query, options);
  if (e.kind !== "metric")
    throw new MetricsQLError("syntax", 'not a plain selector such as metric{label="value"}', query, e.span, [
      "a selector",
    ]);
  if (e.groups.length === 0)
    throw new MetricsQLError("syntax", "{} selects everything: write at least one filter", query, e.span, ["a filter"]);
  return e;
}

function checkNames(root: Expr, text: string): void {
  visit(root, {
    leave(e) {
      if (e.kind !== "func" || isKnownFunction(e.name)) return;
      const close = suggest(e.name);
      const hint = close === undefined ? "" : ` (did you mean "${close}"?)`;
      const name = e.name.length > 80 ? `${e.name.slice(0, 79)}…` : e.name;
      throw new MetricsQLError(
        "unknown-function",
        `unknown function "${name}"${hint}`,
        text,
        e.nameSpan,
        close === undefined ? undefined : [close],
      );
    },
  });
}
