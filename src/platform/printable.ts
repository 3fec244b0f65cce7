// The one door for outside text: queries, label values, file names, answers of servers. Nothing else reaches a terminal, a log or
// a status.
import stringWidth from "string-width";

/** C0, DEL and C1, bidi controls, zero-width and invisible characters, line separators, lone surrogates. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;
const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` with everything unsafe escaped (\n, \u{1b}), cut to `maxWidth` columns with an ellipsis. */
export function printable(text: string, maxWidth = Number.POSITIVE_INFINITY): string {
  const safe = text.replace(UNSAFE, (c) => NAMED[c] ?? `\\u{${c.codePointAt(0)!.toString(16)}}`);
  return safe.length <= maxWidth / 2 ? safe : cut(safe, maxWidth);
}

/** JSON that keeps outside text exact and is safe on a terminal: what printable() escapes is written as \\uXXXX. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(UNSAFE, (c) =>
    [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function cut(text: string, maxWidth: number): string {
  if (maxWidth === Number.POSITIVE_INFINITY || stringWidth(text) <= maxWidth) return text;
  let width = 0;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > maxWidth - 1) break;
    kept += segment;
  }
  return maxWidth < 1 ? "" : `${kept}…`;
}
