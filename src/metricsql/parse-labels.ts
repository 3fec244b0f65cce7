// Lists of labels in parentheses, and the modifiers that have one: by, without, on, ignoring, group_left, group_right.
import { lower } from "./chars.ts";
import type { Cursor } from "./cursor.ts";
import { isIdentPrefix, unescapeIdent } from "./idents.ts";
import type { Modifier } from "./tree.ts";
import { isJoinWord } from "./words.ts";

/** The current word and its labels. `group_left` and `group_right` may go without, or have `*` alone. */
export function parseModifier(c: Cursor, allowStar: boolean): Modifier {
  const word = c.take();
  const op = lower(word.text);
  const labels = isJoinWord(op) && !c.is("(") ? [] : parseLabels(c, allowStar);
  return { op, labels, span: c.spanFrom(word) };
}

/** `(a, "b", c)`, decoded. What is in quotes has to start like an identifier. */
export function parseLabels(c: Cursor, allowStar = false): string[] {
  c.expect("(");
  if (allowStar && c.accept("*")) {
    c.expect(")");
    return ["*"];
  }
  const labels: string[] = [];
  while (!c.accept(")")) {
    const { kind, text } = c.token;
    const name = kind === "string" ? text.slice(1, -1) : text;
    if ((kind !== "ident" && kind !== "string") || !isIdentPrefix(name)) throw c.unexpected("a label name", '")"');
    labels.push(unescapeIdent(name));
    c.take();
    if (!c.accept(",") && !c.is(")")) throw c.unexpected('","', '")"');
  }
  return labels;
}
