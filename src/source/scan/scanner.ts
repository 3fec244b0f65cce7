// A response's bytes in, cut anywhere; samples out, into a FrameBuilder. It streams series by series: each is read when all of it is
// here, so the result does not depend on the cuts. Nothing counts before end() says ok: a truncated response is a failure, never
// "fewer series".
import { Buffer } from "node:buffer";
import { asBuffer, CLOSE, COMMA, endOfNesting, OPEN_BRACE, skipSpace } from "./bytes.ts";
import { FastSeries } from "./fast.ts";
import type { ResultType, ScanOptions, ScanResult } from "./options.ts";
import { type Envelope, parseResponse, rewriteSeries } from "./unusual.ts";
import { INCOMPLETE, OTHER_LAYOUT, UsualSeries } from "./usual.ts";

/** Longest response in another layout, and longest tail. */
const MAX_WHOLE_BYTES = 32 * 1024 * 1024;
/** Longest series: a third of a million samples. It is read at once, which must not hold up everything else. */
const MAX_SERIES_BYTES = 8 * 1024 * 1024;
/** More than this of one series: whether it has another layout is looked at. */
const WAITING_BYTES = 64 * 1024;
const HEAD =
  /^\s*\{\s*"status"\s*:\s*"success"\s*,\s*(?:"isPartial"\s*:\s*(?:true|false)\s*,\s*)?"data"\s*:\s*\{\s*"resultType"\s*:\s*"(matrix|vector)"\s*,\s*"result"\s*:\s*\[/;
const HEAD_MAX = 512;

type State = "head" | "series" | "tail" | "whole";

export class Scanner {
  readonly #o: ScanOptions;
  readonly #series: UsualSeries;
  readonly #mayBeFast: boolean;
  /** Reads the series of a matrix, and has the bytes that wait, from the head on. */
  #fast: FastSeries | undefined;
  /** Bytes that wait for the rest of what they belong to: the first `#held` of a buffer that is used again and again. */
  #buffer: Buffer = Buffer.alloc(0);
  #held = 0;
  /** A series that was incomplete is looked at again when this many bytes are here, so that a long one is not scanned for each piece. */
  #lookAgainAt = 0;
  #state: State = "head";
  /** Pieces of a response of another layout, read as a whole at the end. */
  readonly #whole: Buffer[] = [];
  #wholeBytes = 0;
  #head = "";
  #resultType: ResultType = "matrix";
  #first = true;
  #failure: Extract<ScanResult, { ok: false }> | undefined;

  /** `fast`: with the WebAssembly module; the same comes out without it. */
  constructor(options: ScanOptions, fast = true) {
    this.#o = options;
    this.#mayBeFast = fast && FastSeries.isOfUse(options);
    this.#series = new UsualSeries(options, (series) => this.#fast?.take(series));
  }

  /** Gives its memory back, when the frame was built. */
  close(): void {
    this.#fast?.close();
  }

  /** Takes the next piece; false when the rest is not usable (too large, malformed): stop reading, then end(). */
  push(piece: Uint8Array): boolean {
    if (this.#failure !== undefined) return false;
    const chunk = asBuffer(piece);
    if (this.#state === "whole") return this.#collect(chunk);
    if (!this.#beginFast(chunk)) this.#append(chunk);
    if (this.#held >= this.#lookAgainAt) this.#scanHeld(false);
    return this.#failure === undefined;
  }

  end(): ScanResult {
    if (this.#failure === undefined && this.#state !== "whole") this.#scanHeld(true);
    if (this.#failure !== undefined) return this.#failure;
    const text = Buffer.concat([...this.#whole, this.#waiting(0)]).toString("utf8");
    if (this.#state === "whole" || this.#state === "head") return this.#readWhole(text);
    if (this.#state !== "tail") return { ok: false, kind: "malformed", message: "the response was truncated" };
    try {
      // The response without its series: proves head and tail, and that nothing follows.
      return this.#ok(JSON.parse(`${this.#head}]${text}`) as Envelope);
    } catch {
      return { ok: false, kind: "malformed", message: "the response was truncated, or something else follows it" };
    }
  }

  /** Where the whole head is in the first piece, as nearly always, what follows goes into the module without a stop here. True: it did. */
  #beginFast(chunk: Buffer): boolean {
    if (this.#state !== "head" || this.#held > 0 || !this.#mayBeFast) return false;
    const match = HEAD.exec(chunk.toString("latin1", 0, HEAD_MAX));
    if (match?.[1] !== "matrix") return false;
    const [head] = match;
    this.#head = head;
    this.#state = "series";
    this.#fast = new FastSeries(this.#o);
    this.#fast.append(chunk.subarray(head.length), 0);
    this.#held = chunk.length - head.length;
    return true;
  }

  #append(chunk: Buffer): void {
    const length = this.#held + chunk.length;
    if (this.#fast !== undefined) this.#fast.append(chunk, this.#held);
    else this.#keep(chunk, length);
    this.#held = length;
  }

  #keep(chunk: Buffer, length: number): void {
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(length * 2);
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#held);
  }

  /** What waits, from `from` on. */
  #waiting(from: number): Buffer {
    return this.#fast?.copy(from, this.#held) ?? this.#buffer.subarray(from, this.#held);
  }

  /** `last`: no more bytes will come. */
  #scanHeld(last: boolean): void {
    let used = 0;
    try {
      used = this.#scan(last);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#fail("malformed", error.message);
    }
    if (this.#failure !== undefined) return;
    if (this.#state === "whole") {
      const bytes = this.#waiting(0);
      this.#held = 0;
      this.#collect(bytes);
      return;
    }
    if (this.#fast !== undefined) this.#fast.discard(used, this.#held);
    else this.#buffer.copyWithin(0, used, this.#held);
    this.#held -= used;
    const most = this.#state === "tail" ? MAX_WHOLE_BYTES : MAX_SERIES_BYTES;
    if (this.#held > most) return this.#fail("too-large", `a part of the response is larger than ${mebibytes(most)}`);
    this.#lookAgainAt = this.#state === "series" ? Math.min(2 * this.#held, MAX_SERIES_BYTES) : 0;
  }

  #collect(chunk: Buffer): boolean {
    this.#whole.push(Buffer.from(chunk));
    this.#wholeBytes += chunk.length;
    if (this.#wholeBytes > MAX_WHOLE_BYTES)
      this.#fail("too-large", `a response in an unusual layout is larger than ${mebibytes(MAX_WHOLE_BYTES)}`);
    return this.#failure === undefined;
  }

  /** Returns how many bytes are done with. */
  #scan(last: boolean): number {
    let at = 0;
    if (this.#state === "head") {
      const bytes = this.#waiting(0);
      const match = HEAD.exec(bytes.toString("latin1", 0, HEAD_MAX));
      if (match === null) {
        if (bytes.length >= HEAD_MAX) this.#state = "whole";
        return 0;
      }
      this.#head = match[0];
      this.#resultType = match[1] as ResultType;
      this.#state = "series";
      at = match[0].length;
      if (this.#mayBeFast && this.#resultType === "matrix") {
        this.#fast = new FastSeries(this.#o);
        this.#fast.append(bytes, 0);
      }
    }
    // Made when it is needed: what waits, from `begin` on.
    let bytes: Buffer | undefined;
    let begin = at;
    while (this.#state === "series") {
      if (this.#fast !== undefined) {
        const scanned = this.#fast.scan(at, this.#held, this.#first);
        if (scanned.at > at) this.#first = false;
        at = scanned.at;
        this.#bound();
        if (this.#failure !== undefined) break;
        if (scanned.wantsMore && !last && this.#held - at < WAITING_BYTES) break;
      }
      if (bytes === undefined) {
        begin = at;
        bytes = this.#waiting(begin);
      }
      const end = this.#nextSeries(bytes, at - begin);
      if (end < 0 || this.#failure !== undefined) break;
      at = begin + end;
    }
    return at;
  }

  /** Reads the series after `start`, or the bracket that ends the list. Returns its end; -1: more bytes are needed. */
  #nextSeries(bytes: Buffer, start: number): number {
    let at = skipSpace(bytes, start);
    if (bytes[at] === CLOSE) {
      this.#state = "tail";
      return at + 1;
    }
    if (at < bytes.length && !this.#first) {
      if (bytes[at] !== COMMA) throw new SyntaxError("a comma between series is missing");
      at = skipSpace(bytes, at + 1);
    }
    if (at >= bytes.length) return -1;
    if (bytes[at] !== OPEN_BRACE) throw new SyntaxError("a series is not an object");
    let end = this.#series.read(bytes, at);
    if (end === INCOMPLETE) return -1;
    if (end === OTHER_LAYOUT) {
      end = endOfNesting(bytes, at);
      if (end < 0) return -1;
      this.#unusual(parseSeries(bytes.toString("utf8", at, end)));
    }
    if (end - at > MAX_SERIES_BYTES) this.#fail("too-large", `a series is larger than ${mebibytes(MAX_SERIES_BYTES)}`);
    this.#bound();
    this.#first = false;
    return end;
  }

  /** A series as JSON.parse gives it. */
  #unusual(parsed: unknown): void {
    const { series, histograms } = rewriteSeries(parsed);
    if (this.#series.read(series, 0) < 0) throw new SyntaxError("a timestamp is not a number of seconds");
    const { from, to } = this.#o;
    this.#series.drop("native_histogram", histograms.filter((ts) => ts > from && ts <= to).length);
  }

  #readWhole(text: string): ScanResult {
    const whole = parseResponse(text);
    if (whole.kind !== "result") return { ok: false, ...whole };
    this.#resultType = whole.resultType;
    try {
      for (const series of whole.series) {
        this.#unusual(series);
        this.#bound();
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#fail("malformed", error.message);
    }
    return this.#failure ?? this.#ok(whole.envelope);
  }

  #bound(): void {
    const { builder, maxSamples } = this.#o;
    if (builder.samples > maxSamples) this.#fail("too-large", `the response has more than ${maxSamples} samples`);
  }

  #ok(envelope: Envelope): ScanResult {
    return {
      ok: true,
      resultType: this.#resultType,
      isPartial: envelope.isPartial === true,
      warnings: [envelope.warnings, envelope.infos]
        .flatMap((list) => (Array.isArray(list) ? list : []))
        .filter((w): w is string => typeof w === "string"),
      dropped: this.#series.dropped,
      collisions: [...this.#series.collisions],
      series: this.#series.count + (this.#fast?.count ?? 0),
    };
  }

  #fail(kind: "malformed" | "too-large", message: string): void {
    this.#failure ??= { ok: false, kind, message };
  }
}

const mebibytes = (bytes: number): string => `${bytes / (1024 * 1024)} MiB`;

function parseSeries(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`a series is not valid JSON (${(error as Error).message})`);
  }
}
