// Secrets in, a function out that covers them in whatever a server says. A secret is found as it is, in base64 (at any alignment) and in
// hexadecimal; each of these under up to three layers of escapes of URLs, JSON, C and HTML (readings.ts). docs/security.md says what is
// not found. The work for one text is bounded, whatever the text and the secrets are (bench/redact.ts). Used before printable(), which would
// change how they look.
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
/** Shorter ones would be found in texts that have nothing to do with them. */
const LEAST_ENCODED = 6;
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
    distinct.flatMap((secret) => patternsOf(Buffer.from(secret, "utf8"), known)),
    ENOUGH,
  );
  return (whole, cut = false) => {
    const text = whole.slice(0, MAX_CHARACTERS);
    const broken = cut || text.length < whole.length;
    /** +1 where a covered stretch begins, -1 where one ends. */
    const edges = new Int32Array(text.length + 1);
    for (const reading of readings(text, broken)) cover(reading, automaton, edges, broken);
    return covered(text, edges) + (text.length < whole.length ? "…" : "");
  };
}

/** Forms write a space as `+`. */
const folded = (byte: number): number => (byte === 0x2b ? 0x20 : byte);

/** What a secret may look like. */
function patternsOf(secret: Buffer, known: number): Pattern[] {
  const open = secret.length > known;
  const head = secret.subarray(0, known);
  const base64s = [
    // The last character of all depends on nothing that follows.
    ...(open ? [] : [secret.toString("base64").replace(/=+$/, "")]),
    ...[0, 1, 2].map((before) => base64(head, before)).filter((text, i) => i === 0 || text.length >= LEAST_ENCODED),
  ];
  const hex = head.length * 2 >= LEAST_ENCODED ? head.toString("hex") : "";
  return [
    head.toString("latin1"),
    ...base64s,
    ...base64s.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    hex,
    hex.toUpperCase(),
  ]
    .filter((bytes) => bytes !== "")
    .map((bytes) => ({ bytes: bytes.replaceAll("+", " "), open }));
}

/** All patterns of a secret together, for each of its bytes. */
const PATTERN_BYTES = 16;

/** Of a secret that stands behind so many bytes (modulo 3) of something else: the characters that do not depend on its neighbours. */
function base64(secret: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));
}

function cover({ bytes, places }: Reading, automaton: Automaton, edges: Int32Array, cut: boolean): void {
  const end = edges.length - 1;
  const mark = (from: number, to: number) => {
    edges[from]!++;
    edges[to]!--;
  };
  let node = 0;
  for (let i = 0; i < bytes.length; i++) {
    node = automaton.step(node, folded(bytes.charCodeAt(i)));
    const matched = automaton.matched(node);
    if (matched === 0) continue;
    const from = places[i + 1 - matched]!;
    if (automaton.isOpen(node)) return mark(from, end);
    mark(from, places[i + 1]!);
  }
  const begun = automaton.begun(node);
  if (cut && begun >= TELLING) mark(places[bytes.length - begun]!, end);
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
