// Secrets in, a function out that covers them in whatever a server says. A secret is found as it is, in base64 (at any alignment), in
// hexadecimal and as a list of bytes; each of these in any case, written backwards, in pieces with line breaks or punctuation between
// them, and under up to three layers of escapes of URLs, JSON, C and HTML (readings.ts). docs/security.md says what is not found. The work
// for one text is bounded, whatever the text and the secrets are (bench/redact.ts). Used before printable(), which would change how they
// look.
import { Buffer } from "node:buffer";
import { Automaton, type Pattern } from "./automaton.ts";
import { type Reading, readings } from "./readings.ts";

const COVER = "[redacted]";
/** A cut-off secret shorter than this tells nothing. */
const TELLING = 3;
/** So much of a secret is covered wherever it breaks off. */
const ENOUGH = 64;
/** A longer secret is known by its first bytes: where they are found, all that follows in the text is covered. */
const KNOWN_BYTES = 256;
/** Of all secrets together: the more there are, the shorter the beginnings that are known. */
const MAX_PATTERN_BYTES = 1 << 15;
/** What is shorter would be found in texts that have nothing to do with it: encodings, and what is written backwards. */
const LEAST_ENCODED = 6;
/** The same for pieces: between them a text may have anything but letters and digits. */
const LEAST_IN_PIECES = 8;
/** Characters of a text that are looked at; what follows is not shown. */
const MAX_CHARACTERS = 4_096;

/** `cut`: the text was broken off, so that its end may be the beginning of a secret. */
export function redactor(secrets: readonly string[]): (text: string, cut?: boolean) => string {
  const distinct = [...new Set(secrets)].filter((secret) => secret !== "");
  if (distinct.length === 0) return (text) => text;
  const known = Math.min(KNOWN_BYTES, Math.floor(MAX_PATTERN_BYTES / (PATTERN_BYTES * distinct.length)));
  // So many that hardly anything of each could be known: nothing is shown.
  if (known < LEAST_ENCODED) return () => COVER;
  const automaton = new Automaton(
    distinct.flatMap((secret) => patternsOf(secret, known)),
    ENOUGH,
  );
  return (whole, cut = false) => {
    const text = whole.slice(0, MAX_CHARACTERS);
    const broken = cut || text.length < whole.length;
    /** +1 where a covered stretch begins, -1 where one ends. */
    const edges = new Int32Array(text.length + 1);
    for (const reading of readings(text, broken)) {
      cover(reading, automaton, edges, broken);
      coverPieces(reading, automaton, edges, broken);
    }
    return covered(text, edges) + (text.length < whole.length ? "…" : "");
  };
}

/** What must not be shown of a header's value: all of it, without the name of a scheme; of basic authentication also user and password. */
export function secretsInHeader(value: string): string[] {
  const [, scheme = "", rest = value] = /^(basic|bearer|token|apikey|digest|negotiate) +(.+)$/i.exec(value) ?? [];
  if (scheme.toLowerCase() !== "basic") return [rest];
  const plain = Buffer.from(rest, "base64").toString("utf8");
  return [plain, plain.slice(plain.indexOf(":") + 1), rest];
}

/** Bytes that are taken for one: both cases of a letter, the two alphabets of base64, and a space as forms write it. */
const FOLDED = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  if (byte === 0x2b || byte === 0x2d) return 0x20;
  return byte === 0x5f ? 0x2f : byte;
});
/** 1: a letter, a digit, or a byte of a character that is not ASCII. The others may stand between pieces. */
const IN_PIECE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[A-Za-z0-9]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** What a secret may look like, folded. */
function patternsOf(secret: string, known: number): Pattern[] {
  const bytes = Buffer.from(secret, "utf8");
  const open = bytes.length > known;
  const head = bytes.subarray(0, known);
  const tail = bytes.subarray(-known);
  const list = (prefix: string, base: number) => [...head].map((byte) => prefix + byte.toString(base)).join("");
  // A change of case that is more than one of ASCII. A long one would be cut off elsewhere.
  const cases = open ? [] : [secret.toLowerCase(), secret.toUpperCase()];
  const forwards = [
    ...[head.toString("latin1"), ...cases.map(latin1)],
    ...[...encodings(head, open), list("", 10), list("0x", 16)].filter(isLong),
  ];
  const backwards = [
    // Whole characters are turned round where somebody writes a text backwards.
    ...[tail.toString("utf8").replace(/^\ufffd+/, ""), ...cases].map((text) => latin1(reversed(text))),
    ...encodings(tail, open).map(reversed),
  ];
  const texts = [...forwards, ...backwards.filter(isLong)].map(folded);
  const pieces = texts.map(inPiece).filter((text) => text.length >= LEAST_IN_PIECES);
  return [...new Set([...texts, ...pieces])].filter((text) => text !== "").map((text) => ({ bytes: text, open }));
}

const isLong = (text: string): boolean => text.length >= LEAST_ENCODED;
const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const reversed = (text: string): string => [...text].reverse().join("");
const folded = (bytes: string): string =>
  bytes.replace(/[A-Z+_-]/g, (c) => String.fromCharCode(FOLDED[c.charCodeAt(0)]!));
const inPiece = (bytes: string): string => bytes.replace(/[^A-Za-z0-9\x80-\xff]/g, "");

/** Of a part of a secret; `open`: there is more of it than this. */
const encodings = (part: Buffer, open: boolean): string[] => [
  // The last character of all depends on nothing that follows.
  ...(open ? [] : [part.toString("base64").replace(/=+$/, "")]),
  ...[0, 1, 2].map((before) => base64(part, before)),
  part.toString("hex"),
];

/** All patterns of a secret together, for each of its bytes: 1 as it is, 4 times 4/3 in base64, 2 in hexadecimal, backwards and in
 * pieces again as many, and 7 in the two lists. */
const PATTERN_BYTES = 41;

/** Of a secret that stands behind so many bytes (modulo 3) of something else: the characters that do not depend on its neighbours. */
function base64(secret: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));
}

type Marks = (from: number, to: number) => void;

const marksIn =
  (edges: Int32Array): Marks =>
  (from, to) => {
    edges[from]!++;
    edges[to]!--;
  };

function cover({ bytes, places }: Reading, automaton: Automaton, edges: Int32Array, cut: boolean): void {
  const end = edges.length - 1;
  const mark = marksIn(edges);
  let node = 0;
  for (let i = 0; i < bytes.length; i++) {
    node = automaton.step(node, FOLDED[bytes.charCodeAt(i)]!);
    const matched = automaton.matched(node);
    if (matched === 0) continue;
    const from = places[i + 1 - matched]!;
    if (automaton.isOpen(node)) return mark(from, end);
    mark(from, places[i + 1]!);
  }
  const begun = automaton.begun(node);
  if (cut && begun >= TELLING) mark(places[bytes.length - begun]!, end);
}

/** As cover(), of the letters and digits alone: base64 with line breaks, `68:75:6e`, `[104, 117, 110]`, a word in two lines. */
function coverPieces({ bytes, places }: Reading, automaton: Automaton, edges: Int32Array, cut: boolean): void {
  const end = edges.length - 1;
  const mark = marksIn(edges);
  /** Where those bytes are. */
  const at = new Int32Array(bytes.length);
  let count = 0;
  let node = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.charCodeAt(i);
    if (IN_PIECE[byte] === 0) continue;
    at[count++] = i;
    node = automaton.step(node, FOLDED[byte]!);
    const matched = automaton.matched(node);
    if (matched < LEAST_IN_PIECES) continue;
    const from = places[at[count - matched]!]!;
    if (automaton.isOpen(node)) return mark(from, end);
    mark(from, places[i + 1]!);
  }
  const begun = automaton.begun(node);
  if (cut && begun >= LEAST_IN_PIECES) mark(places[at[count - begun]!]!, end);
}

/** The text with each stretch covered; stretches that touch are one. */
function covered(text: string, edges: Int32Array): string {
  let safe = "";
  let depth = 0;
  let from = 0;
  edges.forEach((edge, at) => {
    if (depth === 0 && edge > 0) safe += text.slice(from, at) + COVER;
    depth += edge;
    if (depth === 0 && edge < 0) from = at;
  });
  return safe + text.slice(from);
}
