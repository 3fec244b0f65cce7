// An answer's bytes in, cut anywhere; samples out, into a FrameBuilder, with no object per sample. The servers' own layout goes
// through as it streams; an answer of any other legal layout is collected (bounded) and read by JSON.parse.
// Nothing counts before end() says ok: a truncated answer is a failure, never "fewer series".
import { Buffer } from "node:buffer";
import type { EpochMs } from "../platform/clock.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";
import { INVALID_NAME, type Keyspace } from "../series/keyspace.ts";
import { parseNumber, parseSeconds } from "./numbers.ts";

export type ScanOptions = {
  keyspace: Keyspace;
  builder: FrameBuilder;
  /** Only samples newer than this pass, by series id. */
  newerThan(id: number): EpochMs;
  /** The window: later samples do not pass; those of series that cannot be exported count as dropped if newer than `from`. */
  from: EpochMs;
  to: EpochMs;
  /** VictoriaMetrics stores no NaN but stale markers; of another server a NaN stays a NaN. */
  nanIsStale: boolean;
  maxSamples: number;
  /** Where to look for late samples: those that became visible after newer ones of their series had been taken. */
  late?: LateOptions;
  /** Told of a series whose samples are all at or before its floor: the newest of them. Where the answer has the servers' layout. */
  passedOver?(id: number, newest: EpochMs): void;
};

export type LateOptions = {
  /** Collects what may be late: of series that have more samples up to newerThan() than expected. */
  builder: FrameBuilder;
  /** Samples up to here are never late. */
  from: EpochMs;
  /** How many samples of the answer were taken before; -1: not known, all are collected. */
  expected(id: number): number;
};

export type ResultType = "matrix" | "vector" | "scalar" | "string";

export type ScanResult =
  | {
      ok: true;
      resultType: ResultType;
      isPartial: boolean;
      warnings: string[];
      dropped: Record<string, number>;
      series: number;
    }
  | { ok: false; kind: "malformed" | "error" | "too-large"; message: string };

/** Longest piece that must be held together: head, tail, one label set, one unusual series. */
const MAX_HELD = 32 * 1024 * 1024;
const HEAD =
  /^\s*\{\s*"status"\s*:\s*"success"\s*,\s*(?:"isPartial"\s*:\s*(?:true|false)\s*,\s*)?"data"\s*:\s*\{\s*"resultType"\s*:\s*"(matrix|vector)"\s*,\s*"result"\s*:\s*\[/;
const HEAD_MAX = 512;
const METRIC = Buffer.from('{"metric":{');
const VALUES = Buffer.from(',"values":[');
const VALUE = Buffer.from(',"value":');
const KEY_VALUE = Buffer.from(',"value');
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BRACE = 0x7d;

/** What stands around the result. */
type Envelope = { isPartial?: unknown; warnings?: unknown; infos?: unknown };

type State = "head" | "series" | "samples" | "tail" | "any";

export class Scanner {
  readonly #o: ScanOptions;
  /** Bytes that wait for the rest of what they belong to: the first `#held` of a buffer that is used again and again. */
  #buffer: Buffer = Buffer.allocUnsafe(256 * 1024);
  #view = viewOf(this.#buffer);
  #held = 0;
  #state: State = "head";
  /** Pieces of an answer of another layout, read as a whole at the end. */
  readonly #whole: Buffer[] = [];
  #wholeBytes = 0;
  #head = "";
  #resultType: ResultType = "matrix";
  #first = true;
  #series = 0;
  #seen = 0;
  #floor: EpochMs = 0;
  /** This series' taken samples were skipped already, or are collected as late ones. */
  #skipped = false;
  #lateRun = false;
  #failure: Extract<ScanResult, { ok: false }> | undefined;
  readonly #dropped: Record<string, number> = {};
  #histograms = false;

  constructor(options: ScanOptions) {
    this.#o = options;
  }

  /** Takes the next piece; false when the rest is of no use (too large, malformed): stop reading, then end(). */
  push(piece: Uint8Array): boolean {
    if (this.#failure !== undefined) return false;
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    if (this.#state === "any") return this.#collect(chunk);
    const bytes = this.#append(chunk);
    let used = 0;
    try {
      used = this.#scan(bytes, this.#view);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#fail("malformed", `a part of the answer is no JSON (${error.message})`);
    }
    if (this.#failure !== undefined) return false;
    if (this.#o.builder.samples > this.#o.maxSamples)
      return this.#fail("too-large", `the answer has more than ${this.#o.maxSamples} samples`);
    if (this.#is("any")) return this.#collect(bytes);
    const left = bytes.length - used;
    if (left > MAX_HELD) return this.#fail("too-large", "a piece of the answer is larger than 32 MiB");
    bytes.copyWithin(0, used);
    this.#held = left;
    return true;
  }

  /** What waits and the new piece, together. */
  #append(chunk: Buffer): Buffer {
    const length = this.#held + chunk.length;
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(length * 2);
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
      this.#view = viewOf(grown);
    }
    this.#buffer.set(chunk, this.#held);
    return this.#buffer.subarray(0, length);
  }

  #is(state: State): boolean {
    return this.#state === state;
  }

  #collect(chunk: Buffer): boolean {
    this.#held = 0;
    this.#whole.push(Buffer.from(chunk));
    this.#wholeBytes += chunk.length;
    return (
      this.#wholeBytes <= MAX_HELD || this.#fail("too-large", "an answer in an unusual layout is larger than 32 MiB")
    );
  }

  end(): ScanResult {
    if (this.#failure !== undefined) return this.#failure;
    const text = Buffer.concat([...this.#whole, this.#buffer.subarray(0, this.#held)]).toString("utf8");
    if (this.#state === "any" || this.#state === "head") return this.#readAny(text);
    if (this.#state !== "tail") return { ok: false, kind: "malformed", message: "the answer was broken off" };
    try {
      // The answer without its series: proves head and tail, and that nothing follows.
      const envelope = JSON.parse(`${this.#head}]${text}`) as Envelope;
      return this.#ok(envelope);
    } catch {
      return { ok: false, kind: "malformed", message: "the answer was broken off or is followed by something else" };
    }
  }

  #ok(envelope: Envelope): ScanResult {
    const warnings = [envelope.warnings, envelope.infos]
      .flatMap((list) => (Array.isArray(list) ? list : []))
      .filter((w): w is string => typeof w === "string");
    if (this.#histograms) warnings.push("native histograms are not exported");
    return {
      ok: true,
      resultType: this.#resultType,
      isPartial: envelope.isPartial === true,
      warnings,
      dropped: this.#dropped,
      series: this.#seen,
    };
  }

  #fail(kind: "malformed" | "too-large", message: string): false {
    this.#failure = { ok: false, kind, message };
    return false;
  }

  /** Returns how many bytes are done with. */
  #scan(bytes: Buffer, view: DataView): number {
    let at = 0;
    if (this.#state === "head") {
      const text = bytes.toString("latin1", 0, HEAD_MAX);
      const match = HEAD.exec(text);
      if (match === null) {
        if (bytes.length >= HEAD_MAX) this.#state = "any";
        return 0;
      }
      this.#head = match[0];
      this.#resultType = match[1] as ResultType;
      this.#state = "series";
      at = match[0].length;
    }
    for (;;) {
      const before = at;
      if (this.#state === "series") at = this.#seriesHead(bytes, view, at);
      if (this.#state === "samples") at = this.#samples(bytes, at);
      if (this.#state === "tail" || this.#state === "any" || at === before || this.#failure !== undefined) return at;
    }
  }

  /** From `{"metric":{…}` to the first sample. Stays where it is while that is not complete. */
  #seriesHead(bytes: Buffer, view: DataView, start: number): number {
    let at = skipSpace(bytes, start);
    if (at >= bytes.length) return start;
    if (bytes[at] === CLOSE) {
      this.#state = "tail";
      return at + 1;
    }
    if (!this.#first) {
      if (bytes[at] !== COMMA) return this.#bad(start, "a comma between series is missing");
      at = skipSpace(bytes, at + 1);
      if (at >= bytes.length) return start;
    }
    if (bytes.length - at < METRIC.length) return start;
    const metric = at + METRIC.length - 1;
    const close = equals(bytes, at, METRIC) ? endOfMetric(bytes, metric) : -1;
    if (close < 0) return this.#unusualSeries(bytes, start, at);
    const after = close + 1;
    if (bytes.length - after < VALUES.length) return start;
    const matrix = equals(bytes, after, VALUES);
    if (!matrix && !equals(bytes, after, VALUE)) return this.#unusualSeries(bytes, start, at);
    this.#begin(bytes, view, metric, close + 1);
    this.#first = false;
    this.#skipped = !matrix;
    this.#state = "samples";
    return after + (matrix ? VALUES.length : VALUE.length);
  }

  #begin(bytes: Buffer, view: DataView, from: number, to: number): void {
    this.#series = this.#o.keyspace.lookup(bytes, view, from, to);
    this.#lateRun = false;
    this.#seen++;
    if (this.#series >= 0) {
      this.#floor = this.#o.newerThan(this.#series);
      this.#o.builder.startRun(this.#series);
    } else this.#floor = this.#o.from;
  }

  /** Samples as far as they are complete, then the end of the series. */
  #samples(bytes: Buffer, start: number): number {
    const { builder, maxSamples } = this.#o;
    const n = bytes.length;
    let at = this.#skipTaken(bytes, start);
    for (;;) {
      // [1795349450.123,"60.5"]
      let i = at;
      if (i < n && bytes[i]! <= 0x20) i = skipSpace(bytes, i);
      if (i < n && bytes[i] === COMMA) i = skipSpace(bytes, i + 1);
      if (i >= n) return at;
      if (bytes[i] !== OPEN) return this.#seriesEnd(bytes, i, at);
      const seconds = skipSpace(bytes, i + 1);
      let end = seconds;
      while (end < n && bytes[end]! > COMMA && bytes[end] !== CLOSE) end++; // digits, ".", "e"; "+" stops it and is found below
      if (end < n && bytes[end] !== COMMA) {
        end = bytes.indexOf(",", end);
        if (end < 0) return n - at > 4096 ? this.#bad(at, "a sample has no value") : at;
      }
      const quote = skipSpace(bytes, end + 1);
      if (quote >= n) return at;
      if (bytes[quote] !== QUOTE) return this.#bad(at, "a sample's value is no string");
      let close = quote + 1;
      while (close < n && bytes[close] !== QUOTE) close++;
      const after = skipSpace(bytes, close + 1);
      if (after >= n) return n - at > 4096 ? this.#bad(at, "a sample is too long") : at;
      if (bytes[after] !== CLOSE) return this.#bad(at, "a sample has more than a timestamp and a value");
      let stop = end;
      while (bytes[stop - 1]! <= 0x20) stop--;
      this.#sample(bytes, seconds, stop, quote + 1, close);
      if (this.#failure !== undefined) return at;
      at = after + 1;
      if (builder.samples > maxSamples) return at;
    }
  }

  /**
   * Most samples of a read that reaches back were taken before, and servers answer in order: from the end of the series, where it
   * is here already, goes back to the first sample that is newer than the floor. A series that is not in order comes out the
   * same: only samples newer than the floor pass, and those before an older one would be late ones of a source out of order.
   */
  #skipTaken(bytes: Buffer, start: number): number {
    if (this.#skipped) return start;
    // No brace can stand in the values: the first one ends this series, if it is here already.
    const brace = bytes.indexOf(BRACE, start);
    if (brace < 0) {
      if (this.#o.late !== undefined) this.#skipped = true; // its samples go one by one: none of them must be missed
      return start;
    }
    this.#skipped = true;
    const close = brace - 2;
    if (bytes[close] !== CLOSE || bytes[close + 1] !== CLOSE) return start; // not the usual layout
    for (let at = close + 1; ; ) {
      let open = at - 1;
      while (open >= start && bytes[open] !== OPEN) open--;
      if (open < start) return start;
      let comma = open + 1;
      while (bytes[comma] !== COMMA && comma < at) comma++;
      const ts = parseSeconds(bytes, open + 1, comma);
      if (ts <= this.#floor) {
        if (at > close && this.#series >= 0) this.#o.passedOver?.(this.#series, ts);
        return this.#isLate(countSamples(bytes, start, at)) ? start : at;
      }
      at = open;
    }
  }

  /** Has the answer more samples of this series than were taken? */
  #isLate(samples: number): boolean {
    const { late } = this.#o;
    if (late === undefined || this.#series < 0 || this.#floor <= late.from) return false;
    const expected = late.expected(this.#series);
    return expected < 0 || samples > expected;
  }

  #addLate(ts: EpochMs, bytes: Buffer, valueFrom: number, valueTo: number): void {
    const { late } = this.#o;
    if (late === undefined || ts <= late.from || this.#series < 0) return;
    if (late.builder.samples >= this.#o.maxSamples) return; // too many to look through: what is late of the rest, the audit finds
    if (!this.#lateRun) late.builder.startRun(this.#series);
    this.#lateRun = true;
    const value = parseNumber(bytes, valueFrom, valueTo);
    late.builder.add(ts, value, Number.isNaN(value) && this.#o.nanIsStale);
  }

  #sample(bytes: Buffer, secondsFrom: number, secondsTo: number, valueFrom: number, valueTo: number): void {
    const ts = parseSeconds(bytes, secondsFrom, secondsTo);
    if (Number.isNaN(ts)) return void this.#bad(0, "a timestamp is no number");
    if (ts <= this.#floor) return this.#addLate(ts, bytes, valueFrom, valueTo);
    if (ts > this.#o.to) return;
    if (this.#series < 0) return this.#drop();
    const value = parseNumber(bytes, valueFrom, valueTo);
    const nan = Number.isNaN(value);
    if (nan && !isNaNText(bytes, valueFrom, valueTo)) return void this.#bad(0, "a value is no number");
    this.#o.builder.add(ts, value, nan && this.#o.nanIsStale);
  }

  #drop(): void {
    const reason = this.#series === INVALID_NAME ? "invalid_name" : "invalid_labels";
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  /** `]}` of a matrix, `}` of a vector; anything else in a series is skipped here (histograms) or waits for more bytes. */
  #seriesEnd(bytes: Buffer, at: number, waiting: number): number {
    let i = at;
    if (bytes[i] === CLOSE) i = skipSpace(bytes, i + 1);
    if (i >= bytes.length) return waiting;
    if (bytes[i] === BRACE) {
      this.#state = "series";
      return i + 1;
    }
    if (bytes[i] !== COMMA && bytes[i] !== QUOTE) return this.#bad(waiting, "a series ends with something else than }");
    const end = endOfObject(bytes, i, 1);
    if (end < 0) return waiting;
    if (bytes.subarray(i, end).includes('"histogram')) this.#histograms = true;
    this.#state = "series";
    return end;
  }

  /** A series of another layout (other order of keys, spaces, histograms alone): as a whole, by JSON.parse. */
  #unusualSeries(bytes: Buffer, start: number, at: number): number {
    const end = endOfObject(bytes, at, 0);
    if (end < 0) return start;
    this.#addParsed(JSON.parse(bytes.toString("utf8", at, end)));
    this.#first = false;
    return end;
  }

  /** One series as JSON.parse gives it. Throws SyntaxError where it is none. */
  #addParsed(series: {
    metric?: unknown;
    values?: unknown;
    value?: unknown;
    histograms?: unknown;
    histogram?: unknown;
  }): void {
    if (typeof series !== "object" || series === null || typeof series.metric !== "object" || series.metric === null)
      throw new SyntaxError("a series has no metric");
    const key = Buffer.from(JSON.stringify(series.metric));
    this.#begin(key, new DataView(key.buffer, key.byteOffset, key.length), 0, key.length);
    const pairs = series.values ?? (series.value === undefined ? [] : [series.value]);
    if (series.histograms !== undefined || series.histogram !== undefined) this.#histograms = true;
    if (!Array.isArray(pairs)) throw new SyntaxError("the values of a series are no list");
    for (const pair of pairs) this.#addPair(pair);
  }

  #addPair(pair: unknown): void {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "number" || typeof pair[1] !== "string")
      throw new SyntaxError("a sample is no [timestamp, value]");
    const bytes = Buffer.from(`${pair[0]} ${pair[1]}`);
    const space = bytes.indexOf(" ");
    this.#sample(bytes, 0, space, space + 1, bytes.length);
  }

  #bad(at: number, message: string): number {
    this.#failure ??= { ok: false, kind: "malformed", message };
    return at;
  }

  /** The whole answer by JSON.parse: small ones, errors, unusual layouts. */
  #readAny(text: string): ScanResult {
    let answer: {
      status?: unknown;
      error?: unknown;
      errorType?: unknown;
      data?: { resultType?: unknown; result?: unknown };
    };
    try {
      answer = JSON.parse(text);
    } catch {
      const html = /^\s*</.test(text);
      return {
        ok: false,
        kind: "malformed",
        message: html
          ? "the answer is HTML, not JSON"
          : text.trim() === ""
            ? "the answer is empty"
            : "the answer is no JSON, or was broken off",
      };
    }
    if (answer?.status !== "success") {
      const message = typeof answer?.error === "string" ? answer.error : "the answer has no status success";
      return { ok: false, kind: "error", message };
    }
    const { resultType, result } = answer.data ?? {};
    if (resultType !== "matrix" && resultType !== "vector" && resultType !== "scalar" && resultType !== "string") {
      return { ok: false, kind: "malformed", message: "the answer has no resultType" };
    }
    this.#resultType = resultType;
    if (!Array.isArray(result)) return { ok: false, kind: "malformed", message: "the answer has no result" };
    try {
      if (resultType === "scalar") this.#addParsed({ metric: {}, value: result });
      else if (resultType !== "string") for (const series of result) this.#addParsed(series);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return { ok: false, kind: "malformed", message: error.message };
    }
    return this.#failure ?? this.#ok(answer as Envelope);
  }
}

/** The brace that ends the labels of the usual layout, -1 if it is not here: `},"value` cannot stand inside a JSON string. */
function endOfMetric(bytes: Buffer, from: number): number {
  for (let at = from; ; ) {
    const brace = bytes.indexOf(BRACE, at + 1);
    if (brace < 0 || brace + KEY_VALUE.length >= bytes.length || equals(bytes, brace + 1, KEY_VALUE)) return brace;
    at = brace;
  }
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! <= 0x20) at++;
  return at;
}

function equals(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

const isNaNText = (bytes: Buffer, from: number, to: number): boolean =>
  bytes.toString("latin1", from, to).toLowerCase() === "nan";

/** Past the `}` that closes the object which is `depth` deep at `from`; -1 while it is not there yet. */
function endOfObject(bytes: Buffer, from: number, depth: number): number {
  let open = depth;
  let inString = false;
  for (let i = from; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if (c === 0x7b || c === OPEN) open++;
    else if ((c === BRACE || c === CLOSE) && --open === 0) return i + 1;
  }
  return -1;
}

/** Samples in `[[1,"2"],[3,"4"]`: each begins with a bracket and has at least seven bytes. */
function countSamples(bytes: Buffer, from: number, to: number): number {
  let n = 0;
  for (let at = from; at < to; at++) {
    if (bytes[at] !== OPEN) continue;
    n++;
    at += 6;
  }
  return n;
}
