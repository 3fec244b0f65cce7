// WITH blocks and their definitions.

import type { Cursor } from "./cursor.ts";
import { unescapeIdent } from "./idents.ts";
import { parseExpr } from "./parse-expr.ts";
import { parseLabels } from "./parse-labels.ts";
import type { Definition, With } from "./syntax.ts";

/** `with` is a block only in front of a parenthesis. */
export const atWith = (c: Cursor): boolean => c.isWord("with") && c.next.text === "(";

/** Takes everything to its right as the expression it is for. */
export function parseWith(c: Cursor): With {
  const start = c.take();
  c.expect("(");
  const defs: Definition[] = [];
  const names = new Set<string>();
  while (!c.is(")")) {
    const def = c.nested(parseDefinition);
    if (names.has(def.name)) throw c.error("duplicate", `"${def.name}" is defined twice in one WITH block`, def.span);
    names.add(def.name);
    defs.push(def);
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"', "an operator");
  }
  c.take();
  const expr = parseExpr(c);
  return { kind: "with", defs, expr, span: c.spanFrom(start) };
}

export function parseDefinition(c: Cursor): Definition {
  const { token } = c;
  if (token.kind !== "ident") throw c.unexpected("the name of a template", '")"');
  c.take();
  const params = c.is("(") ? parseLabels(c) : [];
  if (new Set(params).size < params.length)
    throw c.error("duplicate", "two parameters have one name", c.spanFrom(token));
  c.expect("=");
  return { name: unescapeIdent(token.text), params, expr: parseExpr(c), span: c.spanOf(token) };
}
