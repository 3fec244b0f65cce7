// Secrets in, a function out that covers them in whatever a server says: plain, in base64, and as URLs, forms, JSON and HTML would
// write them. Used before printable(), which would change how they look.
import { Buffer } from "node:buffer";

const COVER = "[redacted]";
/** A cut-off secret shorter than this tells nothing. */
const TELLING = 3;

const html = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** As they are written by those who echo them. */
function spellings(secret: string): string[] {
  const base64 = Buffer.from(secret, "utf8").toString("base64");
  const plain = [secret, base64, base64.replace(/=+$/, ""), Buffer.from(secret, "utf8").toString("base64url")];
  return plain.flatMap((s) => {
    const url = encodeURIComponent(s.toWellFormed());
    return [
      s,
      url,
      url.replace(/%../g, (code) => code.toLowerCase()),
      url.replaceAll("%20", "+"),
      JSON.stringify(s).slice(1, -1),
      JSON.stringify(s).slice(1, -1).replaceAll("/", "\\/"),
      html(s),
      html(s).replaceAll("'", "&#39;").replaceAll("&quot;", "&#34;"),
    ];
  });
}

/** `cut`: the text was broken off, so that its end may be the beginning of a secret. */
export function redactor(secrets: readonly string[]): (text: string, cut?: boolean) => string {
  const covered = [...new Set(secrets.filter((s) => s !== "").flatMap(spellings))].sort((a, b) => b.length - a.length);
  return (text, cut = false) => {
    let safe = text;
    for (const s of covered) safe = safe.replaceAll(s, COVER);
    return cut ? withoutBeginning(safe, covered) : safe;
  };
}

function withoutBeginning(text: string, covered: readonly string[]): string {
  let longest = 0;
  for (const s of covered)
    for (let n = Math.min(s.length - 1, text.length); n >= TELLING && n > longest; n--)
      if (text.endsWith(s.slice(0, n))) longest = n;
  return longest === 0 ? text : text.slice(0, -longest) + COVER;
}
