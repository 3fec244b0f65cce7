// How a server may spell what it was sent, by name: one table for the redactor's own test and for the runs of the binary that search all
// it says for planted secrets.
import { Buffer } from "node:buffer";

const bytesOf = (text: string): number[] => [...Buffer.from(text, "utf8")];
const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const backwards = (text: string): string => [...text].reverse().join("");
const inLines = (text: string, length: number): string =>
  text.replace(new RegExp(`(?<=^(?:.{${length}})+)(?=.)`, "gsu"), "\r\n");

export const spellings: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  "upper case": (text) => text.toUpperCase(),
  "lower case": (text) => text.toLowerCase(),
  "swapped case": (text) => [...text].map((c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join(""),
  backwards,
  "backwards in upper case": (text) => backwards(text).toUpperCase(),
  JSON: (text) => JSON.stringify({ password: text }),
  "JSON with escaped slashes": (text) => JSON.stringify(text).replaceAll("/", "\\/"),
  "JSON in JSON": (text) => JSON.stringify(JSON.stringify(text)),
  "backwards in JSON": (text) => JSON.stringify(backwards(text)),
  "escapes of JSON": (text) => [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  "escapes of C": (text) =>
    bytesOf(text)
      .map((byte) => `\\x${hex(byte)}`)
      .join(""),
  "octal escapes": (text) =>
    bytesOf(text)
      .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`)
      .join(""),
  URL: (text) => `/login?p=${encodeURIComponent(text)}`,
  "URL in a URL": (text) => encodeURIComponent(encodeURIComponent(text)),
  "URL with every byte escaped": (text) =>
    bytesOf(text)
      .map((byte) => `%${hex(byte)}`)
      .join(""),
  "backwards in a URL": (text) => encodeURIComponent(backwards(text)),
  form: (text) => new URLSearchParams({ p: text }).toString(),
  HTML: (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  "numbers of HTML": (text) => [...text].map((c) => `&#${c.codePointAt(0)};`).join(""),
  base64: (text) => `Basic ${base64(text)}`,
  base64url: (text) => Buffer.from(text, "utf8").toString("base64url"),
  "base64 behind one character": (text) => base64(`:${text}`),
  "base64 behind two characters": (text) => base64(`u:${text}`),
  "base64 before something": (text) => base64(`${text} and more`),
  "base64 in a URL": (text) => encodeURIComponent(base64(text)),
  "base64 with line breaks": (text) => inLines(base64(text), 8),
  "base64 backwards": (text) => backwards(base64(text)),
  "base64 in upper case": (text) => base64(text).toUpperCase(),
  hexadecimal: (text) => Buffer.from(text, "utf8").toString("hex"),
  "hexadecimal in upper case": (text) => Buffer.from(text, "utf8").toString("hex").toUpperCase(),
  "hexadecimal with colons": (text) => bytesOf(text).map(hex).join(":"),
  "hexadecimal backwards": (text) => backwards(Buffer.from(text, "utf8").toString("hex")),
  "list of bytes": (text) => `[${bytesOf(text).join(" ")}]`,
  "buffer of Node": (text) => JSON.stringify(Buffer.from(text, "utf8")),
  "bytes of Go": (text) =>
    `[]byte{${bytesOf(text)
      .map((byte) => `0x${byte.toString(16)}`)
      .join(", ")}}`,
  "two lines": (text) => `${text.slice(0, text.length / 2)}\n${text.slice(text.length / 2)}`,
  "in chunks": (text) => inLines(text, 5),
  "letter by letter": (text) => [...text].join(" "),
};
