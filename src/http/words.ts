// The body of a response, for people: a page of HTML is reduced to its words, and everything is on one line. Pure; linear in the text.

const BLANKS = /\s+/g;
const PAGE = /^\s*<(?:!doctype|html|head|body|\?xml)\b/i;
/** What stands in these is not for people. */
const SILENT = /^(script|style|template|svg)\b/i;
const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", amp: "&" };

/** A page of HTML? */
export const isPage = (text: string): boolean => PAGE.test(text.slice(0, 1_000));

export function wordsOf(text: string): string {
  const words = isPage(text) ? pageWords(text) : text;
  return words.replace(BLANKS, " ").trim();
}

/** The texts between the tags; what is said twice (a title and its heading) is said once. */
function pageWords(text: string): string {
  const said: string[] = [];
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf("<", at);
    const words = plain(text.slice(at, open < 0 ? text.length : open));
    if (words !== "" && !said.includes(words)) said.push(words);
    if (open < 0) break;
    at = behind(text, open);
  }
  return said.join(" ");
}

/** Where the tag, comment or silent element that begins at `open` ends. */
function behind(text: string, open: number): number {
  const [, silent] = SILENT.exec(text.slice(open + 1, open + 12)) ?? [];
  const mark = text.startsWith("<!--", open) ? "-->" : silent === undefined ? ">" : `</${silent}`;
  const at = text.indexOf(mark, open + 1);
  if (at < 0) return text.length;
  if (silent === undefined) return at + mark.length;
  const end = text.indexOf(">", at);
  return end < 0 ? text.length : end + 1;
}

const plain = (text: string): string =>
  text
    .replace(
      /&(?:#(\d{1,7})|(lt|gt|quot|apos|nbsp|amp));/g,
      (whole, code: string | undefined, name: string | undefined) =>
        name !== undefined ? ENTITIES[name]! : Number(code) <= 0x10ffff ? String.fromCodePoint(Number(code)) : whole,
    )
    .replace(BLANKS, " ")
    .trim();
