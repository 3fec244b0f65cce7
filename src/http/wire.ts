// HTTP/1.1 as bytes, for a client (RFC 9112): the head of a request out; an answer in, cut anywhere, its body handed on as views of
// what came, never copied. Strict: a response that two readers could understand differently is malformed. Pure.
import { Buffer } from "node:buffer";

export type Head = {
  status: number;
  /** Lower-case names; repeated headers joined with ", ". */
  headers: Readonly<Record<string, string>>;
};

/** What came is not an HTTP/1.x response, or what was to be sent is not a legal request. */
export class NotHttp extends Error {
  readonly code = "NOT_HTTP";
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Heads of requests, without their last line, by their headers: whoever sends the same again and again freezes them. */
const written = new WeakMap<Readonly<Record<string, string>>, { line: string; head: string }>();

/** `target`: path and query, or the whole URL for a proxy. Throws NotHttp where a header cannot be sent. */
export function requestHead(
  method: string,
  target: string,
  host: string,
  headers: Readonly<Record<string, string>>,
  bodyBytes: number | undefined,
): string {
  const line = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  const known = written.get(headers);
  let head = known?.line === line ? known.head : "";
  if (head === "") {
    head = line + headerLines(headers);
    if (Object.isFrozen(headers)) written.set(headers, { line, head });
  }
  return `${head}${bodyBytes === undefined ? "" : `content-length: ${bodyBytes}\r\n`}\r\n`;
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  let lines = "";
  for (const name in headers) {
    const value = headers[name]!;
    if (!TOKEN.test(name) || !TEXT.test(value)) throw new NotHttp(`the header ${JSON.stringify(name)} cannot be sent`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_INFORMATIONAL = 16;
const MAX_LINE_BYTES = 4096;
const CR = 0x0d;
const LF = 0x0a;
const STATUS = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;

type State = "head" | "length" | "close" | "size" | "chunk" | "chunk-end" | "trailer" | "done";

/** One answer to one request (not HEAD). */
export class AnswerParser {
  readonly #onHead: (head: Head) => void;
  readonly #onData: (piece: Uint8Array) => void;
  #state: State = "head";
  /** A line, or the head, that is not complete yet. */
  #text = "";
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #informational = 0;
  #trailerBytes = 0;
  #reusable = true;
  /** How long the server says that it keeps the connection, ms. */
  keepAliveMs = Number.POSITIVE_INFINITY;

  constructor(onHead: (head: Head) => void, onData: (piece: Uint8Array) => void) {
    this.#onHead = onHead;
    this.#onData = onData;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** The next answer of the same connection. */
  begin(): void {
    this.#state = "head";
    this.#text = "";
    this.#left = 0;
    this.#informational = 0;
    this.#trailerBytes = 0;
    this.#reusable = true;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
  }

  /** May the connection carry another request? */
  get reusable(): boolean {
    return this.done && this.#reusable;
  }

  /** Takes what came. Throws NotHttp. */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "head":
          at = this.#headBytes(bytes, at);
          break;
        case "length":
        case "chunk":
          at = this.#body(bytes, at);
          break;
        case "close":
          this.#onData(at === 0 ? bytes : bytes.subarray(at));
          return;
        case "size":
          at = this.#size(bytes, at);
          break;
        case "chunk-end":
          at = this.#chunkEnd(bytes, at);
          break;
        case "trailer":
          at = this.#line(bytes, at);
          break;
        case "done":
          this.#reusable = false; // more than was asked for
          return;
      }
    }
  }

  /** The other side has closed. True: that is how this answer ends. */
  end(): boolean {
    if (this.#state === "close") this.#state = "done";
    return this.done;
  }

  #headBytes(bytes: Uint8Array, from: number): number {
    const before = this.#text.length;
    if (before === 0 && last !== undefined && isAt(last.bytes, bytes, from)) {
      this.#take(last.head);
      return from + last.bytes.length;
    }
    const to = Math.min(bytes.length, from + MAX_HEAD_BYTES + 4 - before);
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
    const start = "HTTP/1.".slice(0, this.#text.length);
    if (!this.#text.startsWith(start)) throw new NotHttp("the response does not begin with HTTP/1");
    const end = this.#text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (end < 0) {
      if (this.#text.length >= MAX_HEAD_BYTES)
        throw new NotHttp(`the head of the response has no end within ${MAX_HEAD_BYTES} bytes`);
      return to;
    }
    const head = parsed(this.#text.slice(0, end));
    this.#text = "";
    const behind = from + end + 4 - before;
    // A copy: the memory of what came is given back.
    if (before === 0) last = { bytes: new Uint8Array(bytes.subarray(from, behind)), head };
    this.#take(head);
    return behind;
  }

  #take(parsed: ParsedHead): void {
    const { head } = parsed;
    if (head.status === 101) throw new NotHttp("the server switches to another protocol (101)");
    if (head.status < 200) {
      if (++this.#informational > MAX_INFORMATIONAL) throw new NotHttp(`the server sends ${head.status} without end`);
      return;
    }
    parsed.framing ??= framingOf(parsed);
    const { begins, length, reusable, keepAliveMs } = parsed.framing;
    this.#state = begins;
    this.#left = length;
    this.#reusable = reusable;
    this.keepAliveMs = keepAliveMs;
    this.#onHead(head);
  }

  #body(bytes: Uint8Array, at: number): number {
    const to = Math.min(bytes.length, at + this.#left);
    this.#left -= to - at;
    if (this.#left === 0) this.#state = this.#state === "length" ? "done" : "chunk-end";
    this.#onData(at === 0 && to === bytes.length ? bytes : bytes.subarray(at, to));
    return to;
  }

  /** Nearly always the line is whole, and nothing but a few digits. */
  #size(bytes: Uint8Array, from: number): number {
    let at = from;
    let size = 0;
    for (let digit = hexDigit(bytes[at]); digit >= 0 && at < from + FEW_DIGITS; digit = hexDigit(bytes[++at]))
      size = 16 * size + digit;
    if (this.#text !== "" || at === from || bytes[at] !== CR || bytes[at + 1] !== LF) return this.#line(bytes, from);
    this.#sized(size);
    return at + 2;
  }

  #chunkEnd(bytes: Uint8Array, from: number): number {
    if (this.#text !== "" || bytes[from] !== CR || bytes[from + 1] !== LF) return this.#line(bytes, from);
    this.#state = "size";
    return from + 2;
  }

  /** A line between chunks, up to its CR LF. */
  #line(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const c = bytes[at]!;
      if (c !== LF) {
        if (this.#text.length > MAX_LINE_BYTES) throw new NotHttp("a line between chunks has no end");
        this.#text += String.fromCharCode(c);
        continue;
      }
      if (this.#text.charCodeAt(this.#text.length - 1) !== CR)
        throw new NotHttp("a line between chunks ends without CR");
      const line = this.#text.slice(0, -1);
      this.#text = "";
      this.#ended(line);
      return at + 1;
    }
    return bytes.length;
  }

  #sized(size: number): void {
    this.#left = size;
    this.#state = size === 0 ? "trailer" : "chunk";
  }

  #ended(line: string): void {
    if (this.#state === "chunk-end") {
      if (line !== "") throw new NotHttp("a chunk is longer than it says");
      this.#state = "size";
    } else if (this.#state === "size") {
      const digits = /^([0-9a-fA-F]{1,12})[ \t]*(?:;|$)/.exec(line)?.[1];
      if (digits === undefined) throw new NotHttp("the size of a chunk is not a number");
      this.#sized(Number.parseInt(digits, 16));
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_HEAD_BYTES) throw new NotHttp("the trailer of the response has no end");
      if (line === "") this.#state = "done";
    }
  }
}

const FEW_DIGITS = 7;

/** -1: it is none. */
function hexDigit(c: number | undefined): number {
  if (c === undefined) return -1;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** How its body is delimited, and whether its connection can be used again. */
type Framing = { begins: State; length: number; reusable: boolean; keepAliveMs: number };
/** `framing`: where it was asked for. */
type ParsedHead = { head: Head; minor: string; framing?: Framing };

/** The head that was read last: responses to one sender differ in nothing but their date. */
let last: { bytes: Uint8Array; head: ParsedHead } | undefined;

/** Are `expected` the bytes from `from` on? */
function isAt(expected: Uint8Array, bytes: Uint8Array, from: number): boolean {
  if (bytes.length - from < expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false;
  return true;
}

function parsed(text: string): ParsedHead {
  const lines = text.split("\r\n");
  const [, minor, digits] = STATUS.exec(lines[0]!) ?? [];
  if (digits === undefined || minor === undefined) throw new NotHttp("the response has no status");
  return { head: { status: Number(digits), headers: Object.freeze(headersOf(lines)) }, minor };
}

/** How long the body is (RFC 9112, section 6.3), and whether the connection carries another request. Throws NotHttp. */
function framingOf({ head: { status, headers }, minor }: ParsedHead): Framing {
  const connection = (headers.connection ?? "").toLowerCase();
  const reusable = minor === "1" ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection);
  const timeout = /\btimeout=(\d{1,6})/.exec(headers["keep-alive"] ?? "")?.[1];
  const keepAliveMs = timeout === undefined ? Number.POSITIVE_INFINITY : Number(timeout) * 1000;
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding !== undefined && length !== undefined) throw new NotHttp("the response has both chunks and a length");
  if (status === 204 || status === 304) return { begins: "done", length: 0, reusable, keepAliveMs };
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked")
      throw new NotHttp("the response has a transfer coding that was not requested");
    return { begins: "size", length: 0, reusable, keepAliveMs };
  }
  if (length === undefined) return { begins: "close", length: 0, reusable: false, keepAliveMs };
  const each = new Set(length.split(", "));
  const [text = ""] = each;
  if (each.size > 1 || !/^\d{1,15}$/.test(text)) throw new NotHttp("the length of the response is not a number");
  return { begins: Number(text) === 0 ? "done" : "length", length: Number(text), reusable, keepAliveMs };
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !TOKEN.test(name) || !TEXT.test(value)) throw new NotHttp("malformed response header");
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}
