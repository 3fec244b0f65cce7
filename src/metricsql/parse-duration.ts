// A duration where only one may stand: in a window, after `offset`, or by itself. A name there is a template's.
import type { Cursor } from "./cursor.ts";
import { durationMs, INTERVAL, isDuration } from "./durations.ts";
import { isIdentPrefix } from "./idents.ts";
import { isNumberStart, numberValue } from "./numbers.ts";
import type { Duration } from "./tree.ts";

/** Without a sign. A name is cut at its first colon, which stays for the caller. */
export function parseDuration(c: Cursor): Duration {
  const { token } = c;
  const { text } = token;
  if (token.kind !== "string" && isIdentPrefix(text)) {
    const colon = text.indexOf(":");
    if (colon < 0) {
      c.take();
      return { text, template: true, span: c.spanOf(token) };
    }
    c.replace({ kind: "ident", text: text.slice(colon), offset: token.offset + colon, length: token.length - colon });
    return { text: text.slice(0, colon), template: true, span: c.spanOf({ offset: token.offset, length: colon }) };
  }
  if (!isDuration(text)) {
    if (!isNumberStart(text, 0)) throw c.unexpected("a duration such as 5m");
    if (numberValue(text) === undefined) throw c.error("number", `${JSON.stringify(text)} is no number`, token);
  }
  const value = text === INTERVAL ? "1i" : text;
  if (durationMs(value, 0) === undefined)
    throw c.error(
      "duration",
      `${JSON.stringify(text)} is no duration: write one such as 1h30m, or a plain number of seconds`,
      token,
    );
  c.take();
  return { text: value, span: c.spanOf(token) };
}

/** With an optional `-`; a template behind one never resolves. */
export function parseSignedDuration(c: Cursor): Duration {
  const start = c.token;
  if (!c.accept("-")) return parseDuration(c);
  const duration = parseDuration(c);
  return { ...duration, text: `-${duration.text}`, span: c.spanFrom(start) };
}
