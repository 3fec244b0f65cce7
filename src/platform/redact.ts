// Secrets in, a function out that covers them in whatever a server says: plain or in base64, and each of their characters as URLs,
// forms, JSON or HTML may write it. Used before printable(), which would change how they look.
import { Buffer } from "node:buffer";

const COVER = "[redacted]";
/** A cut-off secret shorter than this tells nothing. */
const TELLING = 3;
/** So much of a secret is covered wherever it ends: texts that nearly are secrets cost little. */
const ENOUGH = 64;

/** `cut`: the text was broken off, so that its end may be the beginning of a secret. */
export function redactor(secrets: readonly string[]): (text: string, cut?: boolean) => string {
  const covered = [...new Set(secrets.flatMap(carriers))].filter((s) => s !== "").map((s) => [...s].map(spellings));
  return (text, cut = false) => {
    let safe = "";
    for (let at = 0; at < text.length; ) {
      const end = Math.max(...covered.map((units) => endOf(text, at, units, cut)), at);
      safe += end > at ? COVER : text[at];
      at = Math.max(end, at + 1);
    }
    return safe;
  };
}

function carriers(secret: string): string[] {
  const base64 = Buffer.from(secret, "utf8").toString("base64").replace(/=+$/, "");
  return [secret, base64, base64.replaceAll("+", "-").replaceAll("/", "_")];
}

const ENTITIES: Record<string, string[]> = {
  "&": ["&amp;"],
  "<": ["&lt;"],
  ">": ["&gt;"],
  '"': ["&quot;"],
  "'": ["&apos;"],
};

/** How a character may be written, in lower case but for itself. */
function spellings(c: string): string[] {
  const code = c.codePointAt(0)!;
  const units = [...Array(c.length).keys()].map((i) => c.charCodeAt(i).toString(16).padStart(4, "0"));
  return [
    c,
    [...Buffer.from(c, "utf8")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
    units.map((unit) => `\\u${unit}`).join(""),
    `&#${code};`,
    `&#0${code};`,
    `&#x${code.toString(16)};`,
    ...(ENTITIES[c] ?? []),
    ...(/[^a-zA-Z0-9]/.test(c) ? [`\\${c}`] : []),
    ...(c === " " ? ["+"] : []),
  ];
}

/** Where the secret that begins at `from` ends; `from` if none does. All ways to read the text are followed. */
function endOf(text: string, from: number, secret: readonly string[][], cut: boolean): number {
  let ends = new Set([from]);
  for (let n = 0; n < secret.length; n++) {
    const next = new Set<number>();
    for (const at of ends) {
      // The last spelling may be cut off in its middle.
      if (cut && n >= TELLING && (at === text.length || isBegun(text.slice(at), secret[n]!))) return text.length;
      for (const s of secret[n]!)
        if (text.startsWith(s, at) || (s.length > 1 && text.slice(at, at + s.length).toLowerCase() === s))
          next.add(at + s.length);
    }
    if (next.size === 0) return n >= ENOUGH ? Math.max(...ends) : from;
    ends = next;
  }
  return Math.max(...ends);
}

const isBegun = (rest: string, ways: readonly string[]): boolean =>
  rest.length < 9 && ways.some((s) => s.startsWith(rest.toLowerCase()));
