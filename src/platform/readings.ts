// The ways a text may be read: as it stands, and with the escapes of URLs, of JSON and C, and of HTML undone, up to three times over
// (`%2541`, a URL in JSON in HTML). Each reading is a string of bytes (UTF-8), each byte with its place in the text. Pure.
import { Buffer } from "node:buffer";

export type Reading = {
  /** One character a byte (latin1). */
  bytes: string;
  /** Where in the text each byte comes from; the last one is where the reading ends. */
  places: Int32Array;
};

const LAYERS = 3;

/** At most 40 readings, none twice. `cut`: the text was broken off, perhaps in the middle of an escape or a character. */
export function readings(text: string, cut: boolean): Reading[] {
  const plain = plainReading(cut ? text.replace(/\ufffd+$/, "") : text);
  const all = [plain];
  const seen = new Set([plain.bytes]);
  let layer = [plain];
  for (let n = 0; n < LAYERS; n++) {
    layer = layer
      .flatMap((reading) => ESCAPES.flatMap((escapes) => undone(reading, escapes, cut) ?? []))
      .filter(({ bytes }) => !seen.has(bytes) && seen.add(bytes));
    all.push(...layer);
  }
  return all;
}

function plainReading(text: string): Reading {
  const bytes = Buffer.from(text, "utf8");
  const places = new Int32Array(bytes.length + 1);
  let at = 0;
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i)!;
    const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    places.fill(i, at, at + length);
    at += length;
    i += code > 0xffff ? 2 : 1;
  }
  places[at] = text.length;
  return { bytes: bytes.toString("latin1"), places };
}

type Escapes = {
  first: string;
  /** A whole escape, sticky. */
  whole: RegExp;
  /** One that is broken off at the end of the text, sticky. */
  begun: RegExp;
  /** What a whole one stands for, as bytes. */
  meaning(match: RegExpExecArray): string;
};

const ofCode = (digits: string, base: number): string => {
  const code = Number.parseInt(digits, base);
  return code > 0x10ffff ? "" : utf8(String.fromCodePoint(code));
};
const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const LETTERS: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", a: "\x07", v: "\v", e: "\x1b" };
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

const ESCAPES: readonly Escapes[] = [
  {
    first: "%",
    whole: /%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/y,
    begun: /%(?:u?[0-9a-fA-F]{0,3})$/y,
    meaning: ([, unit, byte]) => (unit ? ofCode(unit, 16) : String.fromCharCode(Number.parseInt(byte!, 16))),
  },
  {
    first: "\\",
    whole:
      /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-3][0-7]{2}|[0-7]{1,2})|([\s\S]))/y,
    begun:
      /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\?u?[0-9a-fA-F]{0,3}|u\{?[0-9a-fA-F]{0,6}|U[0-9a-fA-F]{0,7}|x[0-9a-fA-F]?|[0-7]{1,2})?$/y,
    meaning: ([, high, low, unit, braced, long, byte, octal, letter]) => {
      if (high !== undefined) return utf8(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low!, 16)));
      const code = unit ?? braced ?? long;
      if (code !== undefined) return ofCode(code, 16);
      if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return LETTERS[letter!] ?? letter!;
    },
  },
  {
    first: "&",
    whole: /&(?:#0{0,6}([0-9]{1,7})|#[xX]0{0,6}([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp));?/y,
    begun: /&(?:#[xX]?[0-9a-fA-F]{0,12}|[a-z]{0,4})$/y,
    meaning: ([, decimal, hex, name]) =>
      name !== undefined ? ENTITIES[name]! : decimal !== undefined ? ofCode(decimal, 10) : ofCode(hex!, 16),
  },
];

/** Undefined: it has no such escape. */
function undone(reading: Reading, { first, whole, begun, meaning }: Escapes, cut: boolean): Reading | undefined {
  const { bytes, places } = reading;
  let at = bytes.indexOf(first);
  if (at < 0) return undefined;
  let result = bytes.slice(0, at);
  // No escape stands for more bytes than it has.
  const from = new Int32Array(bytes.length + 1);
  from.set(places.subarray(0, at));
  let length = at;
  let changed = false;
  while (at < bytes.length) {
    if (bytes[at] !== first) {
      const next = bytes.indexOf(first, at);
      const to = next < 0 ? bytes.length : next;
      result += bytes.slice(at, to);
      from.set(places.subarray(at, to), length);
      length += to - at;
      at = to;
      continue;
    }
    begun.lastIndex = at;
    if (cut && begun.test(bytes)) {
      changed = true;
      break;
    }
    whole.lastIndex = at;
    const match = whole.exec(bytes);
    const stands = match === null ? first : meaning(match);
    from.fill(places[at]!, length, length + stands.length);
    length += stands.length;
    result += stands;
    at += match === null ? 1 : match[0].length;
    changed ||= match !== null;
  }
  if (!changed) return undefined;
  from[length] = places[at]!;
  return { bytes: result, places: from.subarray(0, length + 1) };
}
