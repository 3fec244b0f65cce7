// One series of a response in the layout that the servers write, `{"metric":{…},"values":[[1795349450.123,"60.5"],…]}`: samples out
// with no object per sample. Anything else is left to unusual.ts. A series is read when all of it is here and counts as a whole or
// not at all, so that nothing depends on how the network cut the response.
import { Buffer } from "node:buffer";
import { parseNumber, parseSeconds } from "../../hotpath/numbers.ts";
import type { EpochMs } from "../../platform/clock.ts";
import { type Collision, INVALID_LABELS, INVALID_NAME, NAME_COLLISION } from "../../series/keyspace.ts";
import { CLOSE, CLOSE_BRACE, COMMA, endOfNesting, OPEN, OPEN_BRACE, QUOTE } from "./bytes.ts";
import { OldSamples } from "./late.ts";
import type { ScanOptions } from "./options.ts";

const METRIC = Buffer.from('{"metric":{');
const VALUES = Buffer.from(',"values":[');
const VALUE = Buffer.from(',"value":');

/** Why samples are dropped, by what Keyspace says instead of an id. */
const WHY: Readonly<Record<number, string>> = {
  [INVALID_NAME]: "invalid_name",
  [INVALID_LABELS]: "invalid_labels",
  [NAME_COLLISION]: "name_collision",
};

/** Instead of the end of a series: it has another layout. */
export const OTHER_LAYOUT = -1;
/** Instead of the end of a series: more bytes are needed. */
export const INCOMPLETE = -2;

export class UsualSeries {
  readonly #o: ScanOptions;
  readonly #old: OldSamples;
  /** Samples that cannot be exported, by reason. */
  readonly dropped: Record<string, number> = {};
  /** Which series are a name_collision. */
  readonly collisions = new Set<Collision>();
  /** Series that were read. */
  count = 0;

  /** Told of a series before its samples are collected. */
  readonly #begins: ((series: number) => void) | undefined;

  constructor(options: ScanOptions, begins?: (series: number) => void) {
    this.#o = options;
    this.#begins = begins;
    this.#old = new OldSamples(options);
  }

  /**
   * Reads the series that begins at `from`. Returns its end, OTHER_LAYOUT or INCOMPLETE; nothing of it counts then.
   * Throws SyntaxError if the labels are not valid.
   */
  read(bytes: Buffer, from: number): number {
    const begin = find(METRIC, bytes, from);
    if (begin < 0) return begin;
    const metric = begin - 1;
    // `},"values":[` cannot stand inside a JSON string: a brace that is followed by it ends the labels.
    let metricEnd = bytes.indexOf(CLOSE_BRACE, metric) + 1;
    if (metricEnd === 0) return INCOMPLETE;
    let values = findSamples(bytes, metricEnd);
    if (values === OTHER_LAYOUT) {
      metricEnd = endOfNesting(bytes, metric);
      if (metricEnd < 0) return INCOMPLETE;
      values = findSamples(bytes, metricEnd);
    }
    if (values < 0) return values;
    const matrix = bytes[values - 1] === OPEN;
    // The samples have no brace. One that opens before the next one closes belongs to a histogram.
    const end = bytes.indexOf(CLOSE_BRACE, values);
    if (end < 0) return INCOMPLETE;
    const open = bytes.indexOf(OPEN_BRACE, values);
    if (open >= 0 && open < end) return OTHER_LAYOUT;
    if (matrix && bytes[end - 1] !== CLOSE) return OTHER_LAYOUT;
    const read = this.#series(bytes, metric, metricEnd, values, matrix ? end - 1 : end, matrix);
    return read ? end + 1 : OTHER_LAYOUT;
  }

  /** Labels at `[metric, metricEnd)`, samples at `[from, to)`: any number of them, or one of a vector. */
  #series(bytes: Buffer, metric: number, metricEnd: number, from: number, to: number, many: boolean): boolean {
    const { builder, keyspace, newerThan, to: windowEnd, nanIsStale } = this.#o;
    const series = keyspace.lookup(bytes, metric, metricEnd);
    const lost = series === NAME_COLLISION ? keyspace.lost : undefined;
    const floor = series < 0 ? this.#o.from : newerThan(series);
    const old = this.#old;
    old.clear();
    if (series >= 0) {
      this.#begins?.(series);
      builder.startRun(series);
    }
    let fresh = 0;
    let beyond = 0;
    for (let at = from; at < to; ) {
      // [1795349450.123,"60.5"]
      let comma = at + 1;
      while (comma < to && bytes[comma] !== COMMA) comma++;
      const value = comma + 2;
      let quote = value;
      while (quote < to && bytes[quote] !== QUOTE) quote++;
      if (bytes[at] !== OPEN || bytes[comma + 1] !== QUOTE || quote + 1 >= to || bytes[quote + 1] !== CLOSE)
        return this.#giveUp(series);
      const ts = parseSeconds(bytes, at + 1, comma);
      if (ts <= floor) old.add(ts, value, quote);
      else if (ts > windowEnd) beyond++;
      else {
        // NaN goes here as well, and is refused.
        const number = parseNumber(bytes, value, quote);
        const nan = Number.isNaN(number);
        if (Number.isNaN(ts) || (nan && !isNaNText(bytes, value, quote))) return this.#giveUp(series);
        if (series >= 0) builder.add(ts, number, nan && nanIsStale);
        fresh++;
      }
      at = quote + 2;
      if (at === to) break;
      if (bytes[at] !== COMMA || ++at === to) return this.#giveUp(series);
    }
    if (!many && old.count + fresh + beyond !== 1) return this.#giveUp(series);
    this.count++;
    if (lost !== undefined && fresh > 0) this.collisions.add(lost);
    if (series < 0) this.drop(WHY[series]!, fresh);
    else this.#settleOld(series, floor, bytes, fresh + beyond);
    return true;
  }

  #settleOld(series: number, floor: EpochMs, bytes: Uint8Array, newer: number): void {
    const old = this.#old;
    if (old.count === 0) return;
    if (newer === 0) this.#o.passedOver?.(series, old.newest);
    old.collectLate(series, floor, bytes);
  }

  /** Counts samples that cannot be exported. */
  drop(reason: string, samples: number): void {
    if (samples > 0) this.dropped[reason] = (this.dropped[reason] ?? 0) + samples;
  }

  #giveUp(series: number): false {
    if (series >= 0) this.#o.builder.dropRun();
    return false;
  }
}

/** Past `expected` at `at`; OTHER_LAYOUT if something else is there, INCOMPLETE if not all of it is there yet. */
function find(expected: Uint8Array, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < expected.length; i++) {
    if (at + i === bytes.length) return INCOMPLETE;
    if (bytes[at + i] !== expected[i]) return OTHER_LAYOUT;
  }
  return at + expected.length;
}

/** Where the samples of a matrix or a vector begin, as find(). */
function findSamples(bytes: Uint8Array, at: number): number {
  const matrix = find(VALUES, bytes, at);
  return matrix === OTHER_LAYOUT ? find(VALUE, bytes, at) : matrix;
}

const isNaNText = (bytes: Buffer, from: number, to: number): boolean =>
  bytes.toString("latin1", from, to).toLowerCase() === "nan";
