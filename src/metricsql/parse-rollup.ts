// The suffix of an operand: `[window:step]`, then at most one `@` and one `offset`, in either order.
import type { Cursor } from "./cursor.ts";
import { INTERVAL } from "./durations.ts";
import { parseDuration, parseSignedDuration } from "./parse-duration.ts";
import { parseBase } from "./parse-expr.ts";
import type { Syntax } from "./syntax.ts";
import type { Rollup } from "./tree.ts";

export const atRollup = (c: Cursor): boolean => c.is("[") || c.is("@") || c.isWord("offset");

export function parseRollup(c: Cursor, expr: Syntax): Rollup<Syntax> {
  const rollup: Rollup<Syntax> = { kind: "rollup", expr, inheritStep: false, span: expr.span };
  if (c.is("[")) parseWindow(c, rollup);
  if (c.is("@")) parseAt(c, rollup);
  if (c.isWord("offset")) parseOffset(c, rollup);
  if (c.is("@")) {
    // A sign in front could take a second suffix, but the reference refuses this one.
    if (rollup.at !== undefined) throw c.error("syntax", "a second @: one operand can have one", c.token);
    parseAt(c, rollup);
  }
  rollup.span = c.spanFrom(expr.span);
  return rollup;
}

function parseAt(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.expect("@");
  rollup.at = c.nested(parseBase);
  rollup.atSpan = c.spanFrom(start);
}

function parseOffset(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.take();
  rollup.offset = parseSignedDuration(c);
  rollup.offsetSpan = c.spanFrom(start);
}

/** `[w]`, `[w:s]`, `[w:]`, `[:s]`, `[:]`. The window `$__interval` means none. */
function parseWindow(c: Cursor, rollup: Rollup<Syntax>): void {
  const start = c.expect("[");
  if (c.is(INTERVAL)) c.take();
  else if (!atColon(c)) rollup.window = parseDuration(c);
  if (atColon(c)) parseStep(c, rollup);
  if (!c.is("]")) throw c.unexpected('"]"');
  c.take();
  rollup.bracketSpan = c.spanFrom(start);
}

// A colon is an identifier's character: it stands alone or in front of the step, in one token.
const atColon = (c: Cursor): boolean => c.token.kind === "ident" && c.token.text.startsWith(":");

function parseStep(c: Cursor, rollup: Rollup<Syntax>): void {
  const { token } = c;
  if (token.text === ":") {
    c.take();
    if (c.is("]")) {
      rollup.inheritStep = true;
      return;
    }
  } else c.replace({ ...token, text: token.text.slice(1), offset: token.offset + 1, length: token.length - 1 });
  rollup.step = parseDuration(c);
}
