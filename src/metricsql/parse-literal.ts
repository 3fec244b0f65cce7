// Numbers and runs of strings.
import type { Cursor } from "./cursor.ts";
import { isInfOrNaN, isNumberStart, numberValue } from "./numbers.ts";
import type { RawString } from "./syntax.ts";
import type { NumberNode } from "./tree.ts";

export const atNumber = (c: Cursor): boolean => {
  const { kind, text } = c.token;
  return kind === "number" || (kind === "ident" && isInfOrNaN(text)) || (kind === "duration" && isNumberStart(text, 0));
};

/** Where only a number may stand, `1m` is a million. */
export function parseNumber(c: Cursor): NumberNode {
  if (!atNumber(c)) throw c.unexpected("a number");
  const { token } = c;
  const value = numberValue(token.text);
  if (value === undefined) throw c.error("number", `${JSON.stringify(token.text)} is no number`, token);
  c.take();
  return { kind: "number", value, text: token.text, span: c.spanOf(token) };
}

/**
 * `"a" + 'b' + template`. The first piece may be a template only where the caller's grammar has a string anyway. A `+` before
 * `f(`, `m{` or anything else that is no string is left to the caller: there it is an operator.
 */
export function parseString(c: Cursor): RawString {
  const first = c.token;
  const pieces: RawString["pieces"] = [];
  for (;;) {
    const { token } = c;
    if (token.kind !== "string" && token.kind !== "ident") throw c.unexpected("a string");
    c.take();
    pieces.push({ text: token.text, span: c.spanOf(token) });
    if (!c.is("+")) break;
    const after = c.next;
    if (after.kind !== "string" && after.kind !== "ident") break;
    if (after.kind === "ident" && ["(", "{"].includes(c.afterNext.text)) break;
    c.take();
  }
  return { kind: "raw-string", pieces, span: c.spanFrom(first) };
}
