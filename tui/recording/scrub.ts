// What must not leave the machine in an incident file, should it ever have come into a text: credentials in addresses, in headers and
// in words beside their name. The agent covers its own Secrets before; this is the last door. Works on lines of JSON, and what was
// JSON stays it: a value that has no quotes (a number) is only replaced inside of a text. Pure.

const covered = "(covered)";
const NAMES =
  "[A-Za-z0-9_-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|credentials?|authorization)[A-Za-z0-9_-]*";

const patterns: readonly [pattern: RegExp, by: string][] = [
  // user:password@ of an address
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"\\@]+@/gi, `$1${covered}@`],
  // Authorization: Basic …, Bearer …; not the words "basic authentication"
  [/\b([Bb]asic|[Bb]earer|BASIC|BEARER)(\s+|%20)(?=[^\s"\\]*[0-9A-Z+/=])[A-Za-z0-9+/_.~=-]{6,}/g, `$1 ${covered}`],
  // "password": "…", also where the JSON stands in a text
  [new RegExp(String.raw`("${NAMES}"\s*:\s*")[^"\\]+(?=")`, "gi"), `$1${covered}`],
  [new RegExp(String.raw`(\\"${NAMES}\\"\s*:\s*\\")[^"\\]+(?=\\")`, "gi"), `$1${covered}`],
  // password=…, token: …
  [
    new RegExp(String.raw`(\b${NAMES}\s*[=:]\s*)(?!basic\b|bearer\b|\(covered\))[^\s"'\\,;&{}[\]]{3,}`, "gi"),
    `$1${covered}`,
  ],
];

/** @param line JSON, or plain text */
export const scrubbed = (line: string): string =>
  patterns.reduce((text, [pattern, by]) => text.replace(pattern, by), line);
