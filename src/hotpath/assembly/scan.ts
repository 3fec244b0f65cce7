// Over 350 lines: one pass over the bytes of a response. The series of a response in the servers' own layout: labels looked up, samples
// parsed. Only whole series that are exactly so and in order; at anything else it stops, and JavaScript takes that series
// (src/source/scan).
//
// A read is what one answer is scanned into: { by id: floor and what came, ids that are known, keyspace, singles, staged runs and
// samples, staging, series seen, NaN is a stale marker }. A series with one new sample has it in its record; samples of a series with
// several are staged, in runs, until JavaScript fetches them.
import { at, freeColumn, newColumn, reserve } from "./columns";
import { find } from "./bytes";
import { eightDigits, isNumber, parse, parseShort, valueOfEight } from "./decimal";
import { hash } from "./hash";
import { learned } from "./host";
import { lookup, touch } from "./keyspace";
import { orderOfAll } from "./order";
import { seriesCount } from "./series";

/** Record of a series: { floor, timestamp, value, state, flags, expected }. */
const RECORD: u32 = 5;
const SINGLE: u16 = 1;
const STALE: u16 = 2;
/** It has samples where JavaScript keeps them. */
const ELSEWHERE: u16 = 4;
/** Of flags: JavaScript wants to know when the series has nothing new. */
const TELL: u16 = 1;
/** In place of how many of its samples are known: none of them can be late. */
const NEVER_LATE: i32 = -2;

/** Why scan() stopped. */
const MORE: u32 = 0;
const UNUSUAL: u32 = 1;
const FULL: u32 = 2;
let why: u32 = MORE;

/** A longer label set is not looked at (series/keyspace.ts). */
const MAX_LABELS: u32 = 64 * 1024;

/** Room in the staging of a read, in samples; runs take less. */
const ROOM: u32 = 8192;
const RUN_IDS: u32 = 0;
const RUN_ENDS: u32 = ROOM * 4;
const TIMESTAMPS: u32 = ROOM * 8;
const VALUES: u32 = ROOM * 16;
const STALES: u32 = ROOM * 24;
const STAGING: u32 = ROOM * 25;

/** Series that are looked up together, so that the processor waits for memory once: { hash, labels, their length, values, end, start }. */
const GROUP: u32 = 8;
const group = memory.data(8 * 32, 16);
let touched: u64 = 0;

export function newRead(keyspace: usize, nanIsStale: bool): usize {
  const read = heap.alloc(36);
  store<u32>(read, newColumn() as u32);
  store<u32>(read, 0, 4);
  store<u32>(read, keyspace as u32, 8);
  store<u32>(read, 0, 12);
  store<u32>(read, 0, 16);
  store<u32>(read, 0, 20);
  store<u32>(read, heap.alloc(STAGING as usize) as u32, 24);
  store<u32>(read, 0, 28);
  store<u32>(read, nanIsStale ? 1 : 0, 32);
  return read;
}

export function freeRead(read: usize): void {
  freeColumn(load<u32>(read));
  heap.free(load<u32>(read, 24));
  heap.free(read);
}

export function singles(read: usize): u32 {
  return load<u32>(read, 12);
}
export function stagedRuns(read: usize): u32 {
  return load<u32>(read, 16);
}
export function stagedSamples(read: usize): u32 {
  return load<u32>(read, 20);
}
export function staging(read: usize): usize {
  return load<u32>(read, 24) as usize;
}
export function seen(read: usize): u32 {
  return load<u32>(read, 28);
}
export function stoppedFor(): u32 {
  return why;
}

/** Whether JavaScript has fetched what was staged. */
export function unstage(read: usize): void {
  store<u32>(read, 0, 16);
  store<u32>(read, 0, 20);
}

/** Makes the records of all series up to `count`; what they hold is set by setSeries(). */
export function know(read: usize, count: u32): void {
  reserve(load<u32>(read), count, RECORD);
  store<u32>(read, count, 4);
}

/** Only samples newer than `floor` pass; `expected`: how many older ones are known, -1 unknown, -2 it does not matter. */
export function setSeries(read: usize, id: u32, floor: f64, expected: i32, tell: bool): void {
  const r = at(load<u32>(read), id, RECORD);
  store<f64>(r, floor);
  store<u16>(r, tell ? TELL : 0, 26);
  store<i32>(r, expected, 28);
}

// @ts-ignore: decorator
@inline
function record(read: usize, id: u32): usize {
  while (id >= load<u32>(read, 4)) {
    const next = load<u32>(read, 4);
    know(read, next + 1);
    learned(read, next);
  }
  return at(load<u32>(read), id, RECORD);
}

/** JavaScript takes samples of this series: a single one that came before is staged, so that it stands before them. */
export function take(read: usize, id: u32): void {
  const r = record(read, id);
  const state = load<u16>(r, 24);
  store<u16>(r, ELSEWHERE, 24);
  if ((state & SINGLE) === 0) return;
  store<u32>(read, load<u32>(read, 12) - 1, 12);
  stage(read, load<u32>(read, 20), load<f64>(r, 8), load<f64>(r, 16), (state & STALE) !== 0);
  endRun(read, id, load<u32>(read, 20) + 1);
}

// @ts-ignore: decorator
@inline
function stage(read: usize, n: u32, timestamp: f64, value: f64, stale: bool): void {
  const s = load<u32>(read, 24) as usize;
  store<f64>(s + TIMESTAMPS + (n << 3), timestamp);
  store<f64>(s + VALUES + (n << 3), value);
  store<u8>(s + STALES + n, stale ? 1 : 0);
}

// @ts-ignore: decorator
@inline
function endRun(read: usize, id: u32, end: u32): void {
  const s = load<u32>(read, 24) as usize;
  const run = load<u32>(read, 16);
  store<u32>(s + RUN_IDS + (run << 2), id);
  store<u32>(s + RUN_ENDS + (run << 2), end);
  store<u32>(read, run + 1, 16);
  store<u32>(read, end, 20);
}

/**
 * Scans whole series in [from, end), behind which 32 bytes may be read; returns where it stopped, before the comma of a series.
 * `first`: nothing came before. `to`: later samples do not pass.
 */
export function scan(read: usize, from: usize, end: usize, first: bool, to: f64): usize {
  let p = from;
  let begins = first;
  while (true) {
    let n: u32 = 0;
    why = GROUP;
    while (n < GROUP) {
      const g = group + (n << 5);
      const next = locate(g, p, end, begins);
      if (next === 0) break;
      begins = false;
      p = next;
      n++;
    }
    const stopped = why;
    const keyspace = load<u32>(read, 8) as usize;
    for (let i: u32 = 0; i < n; i++) touched += touch(keyspace, load<u64>(group + (i << 5)));
    for (let i: u32 = 0; i < n; i++) {
      const g = group + (i << 5);
      const id = lookup(keyspace, load<u64>(g), load<u32>(g, 8) as usize, load<u32>(g, 12));
      why = id < 0 ? UNUSUAL : samples(read, id as u32, load<u32>(g, 16) as usize, load<u32>(g, 20) as usize, to);
      if (why !== GROUP) return load<u32>(g, 24) as usize;
      store<u32>(read, load<u32>(read, 28) + 1, 28);
    }
    why = stopped;
    if (stopped !== GROUP) return p;
  }
  return unreachable();
}

/** Finds the parts of the series at `p` and hashes its labels; returns its end, or 0 and why. */
// @ts-ignore: decorator
@inline
function locate(g: usize, p: usize, end: usize, first: bool): usize {
  let q = p;
  if (q >= end) return stop(MORE);
  if (!first) {
    if (load<u8>(q) !== 0x2c) return stop(UNUSUAL);
    q++;
  }
  if (q + 11 > end) return stop(MORE);
  if (load<u64>(q) !== 0x63697274656d227b || load<u32>(q, 7) !== 0x7b3a2263) return stop(UNUSUAL);
  const labels = q + 10;
  // `},"value` cannot stand inside a JSON string.
  let brace = labels;
  while (true) {
    brace = find(brace + 1, end, 0x7d);
    if (brace + 12 > end) return stop(MORE);
    if (load<u64>(brace) === 0x65756c6176222c7d) break;
  }
  if (load<u32>(brace, 8) !== 0x5b3a2273) return stop(UNUSUAL);
  const values = brace + 11;
  const close = findBrace(values, end);
  if (close >= end) return stop(MORE);
  if (load<u8>(close) !== 0x7d || load<u16>(close - 2) !== 0x5d5d) return stop(UNUSUAL);
  const length = (brace + 1 - labels) as u32;
  if (length > MAX_LABELS) return stop(UNUSUAL);
  store<u64>(g, hash(labels, length));
  store<u32>(g, labels as u32, 8);
  store<u32>(g, length, 12);
  store<u32>(g, values as u32, 16);
  store<u32>(g, close as u32, 20);
  store<u32>(g, p as u32, 24);
  return close + 1;
}

function stop(reason: u32): usize {
  why = reason;
  return 0;
}

// @ts-ignore: decorator
@inline
function findBrace(from: usize, end: usize): usize {
  for (let p = from; p < end; p += 16) {
    const bytes = v128.load(p);
    const hits = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(0x7b)), i8x16.eq(bytes, i8x16.splat(0x7d))));
    if (hits !== 0) return min(end, p + (ctz<i32>(hits) as usize));
  }
  return end;
}

/** Where the text of a timestamp or value ended. */
let textEnd: usize = 0;

/** `dd.ddd,"`: what stands behind eight digits of seconds, xored with this, is five digits and zeros. */
const WITH_DECIMALS: u64 = 0x222c3030302e3030;

/** Milliseconds from seconds with at most three decimals and a comma behind them; -1: they are not such. */
function milliseconds(from: usize): i64 {
  let p = from;
  let seconds: i64 = 0;
  let c = (load<u8>(p) - 0x30) as u8;
  for (; c <= 9; c = (load<u8>(p) - 0x30) as u8) {
    seconds = seconds * 10 + c;
    p++;
  }
  if (p - from - 1 > 11) return -1;
  let ms = seconds * 1000;
  if (load<u8>(p) === 0x2e) {
    p++;
    const decimals = p;
    let thousandths: i64 = 0;
    for (let d = (load<u8>(p) - 0x30) as u8; d <= 9; d = (load<u8>(p) - 0x30) as u8) {
      thousandths = thousandths * 10 + d;
      p++;
    }
    if (p - decimals > 3) return -1;
    ms += p - decimals === 3 ? thousandths : p - decimals === 2 ? thousandths * 10 : thousandths * 100;
  }
  textEnd = p;
  return load<u8>(p) === 0x2c ? ms : -1;
}

/** The value whose text begins at `p`, a quote behind it. */
// @ts-ignore: decorator
@inline
function valueAt(p: usize): f64 {
  const bytes = v128.load(p);
  const quotes = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x22)));
  if (quotes === 0) return longValueAt(p);
  const length = ctz<i32>(quotes) as usize;
  textEnd = p + length;
  const points = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x2e))) & ((1 << (length as i32)) - 1);
  return parseShort(p, textEnd, points === 0 ? textEnd : p + (ctz<i32>(points) as usize));
}

function longValueAt(p: usize): f64 {
  textEnd = find(p + 16, p + 64, 0x22);
  return parse(p, textEnd);
}

/**
 * The samples of a series in `values` (`[[1,"2"],[3,"4"]]`, closed at `close`): those that pass are taken. GROUP where all of them are in
 * order and exactly so, and none is late; else why not, and nothing was taken then.
 */
function samples(read: usize, id: u32, values: usize, close: usize, to: f64): u32 {
  const r = record(read, id);
  if (load<u16>(r, 24) !== 0) return UNUSUAL;
  const floor = load<f64>(r);
  const begin = load<u32>(read, 20);
  let n = begin;
  let old = 0;
  let beyond = 0;
  let before: i64 = 0;
  let firstTimestamp: f64 = 0;
  let firstValue: f64 = 0;
  let firstStale = false;
  let p = values + 1;
  while (true) {
    if (load<u8>(p) !== 0x5b) return UNUSUAL;
    // Ten digits of seconds (2001 to 2286) with three decimals or none, nearly always.
    const head = load<u64>(p, 1);
    const d = load<u64>(p, 9) ^ WITH_DECIMALS;
    let text: usize;
    let ms: i64;
    if (eightDigits(head) && ((d | (d + 0x0000060606000606)) & 0xfffff0f0f0fff0f0) === 0) {
      ms = (valueOfEight(head) * 100000 + (d & 15) * 10000 + ((d >> 8) & 15) * 1000 + ((d >> 24) & 15) * 100 + ((d >> 32) & 15) * 10 + (d >> 40)) as i64;
      text = p + 17;
    } else {
      ms = milliseconds(p + 1);
      if (load<u8>(textEnd, 1) !== 0x22) return UNUSUAL;
      text = textEnd + 2;
    }
    if (ms < before) return UNUSUAL;
    before = ms;
    const timestamp = ms as f64;
    if (timestamp <= floor || timestamp > to) {
      if (timestamp <= floor) old++;
      else beyond++;
      textEnd = find(text, close, 0x22);
    } else {
      let stale = false;
      let value = valueAt(text);
      if (!isNumber) {
        if (textEnd - text !== 3 || load<u16>(text) !== 0x614e || load<u8>(text, 2) !== 0x4e) return UNUSUAL;
        stale = load<u32>(read, 32) !== 0;
        value = NaN;
      }
      if (n === begin) {
        firstTimestamp = timestamp;
        firstValue = value;
        firstStale = stale;
      } else {
        if (n === ROOM) return begin === 0 ? UNUSUAL : FULL;
        if (n === begin + 1) stage(read, begin, firstTimestamp, firstValue, firstStale);
        stage(read, n, timestamp, value, stale);
      }
      n++;
    }
    if (load<u16>(textEnd) !== 0x5d22) return UNUSUAL;
    p = textEnd + 2;
    if (p === close - 1) break;
    if (load<u8>(p) !== 0x2c) return UNUSUAL;
    p++;
  }
  if (old > 0) {
    if (n === begin && beyond === 0 && (load<u16>(r, 26) & TELL) !== 0) return UNUSUAL;
    const expected = load<i32>(r, 28);
    if (expected !== NEVER_LATE && (expected < 0 || old > expected)) return UNUSUAL;
  }
  if (n === begin + 1) {
    store<f64>(r, firstTimestamp, 8);
    store<f64>(r, firstValue, 16);
    store<u16>(r, firstStale ? SINGLE | STALE : SINGLE, 24);
    store<u32>(read, load<u32>(read, 12) + 1, 12);
  } else if (n > begin) {
    store<u16>(r, ELSEWHERE, 24);
    endRun(read, id, n);
  }
  return GROUP;
}

/**
 * Stages single samples in the order of sending, from place `from` on up to `to`; returns at which place it stopped since the staging is
 * full. For each a run of one.
 */
export function collect(read: usize, from: u32, to: u32): u32 {
  const order = orderOfAll();
  const known = load<u32>(read, 4);
  const column = load<u32>(read) as usize;
  const last = min(to, seriesCount());
  let n = load<u32>(read, 20);
  let place = from;
  for (; place < last && n < ROOM; place++) {
    const id = load<u32>(order + (place << 2));
    if (id >= known) continue;
    const r = at(column, id, RECORD);
    const state = load<u16>(r, 24);
    if ((state & SINGLE) === 0) continue;
    stage(read, n++, load<f64>(r, 8), load<f64>(r, 16), (state & STALE) !== 0);
    endRun(read, id, n);
  }
  return place;
}

/** setSeries() for series from `first` on: columns of floors, of what is expected, and of whether to tell. */
export function setMany(read: usize, first: u32, count: u32, floors: usize, expected: usize, tells: usize): void {
  know(read, first + count);
  for (let i: u32 = 0; i < count; i++)
    setSeries(read, first + i, load<f64>(floors + (i << 3)), load<i32>(expected + (i << 2)), load<u8>(tells + i) !== 0);
}
