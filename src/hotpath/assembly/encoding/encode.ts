// Remote write 1.0, compressed as it is written: a series is a delta to one that stands before it. Which one is known, or remembered at
// the few places where series begin to differ; nothing is searched for.
//   WriteRequest{ repeated TimeSeries timeseries = 1 }  TimeSeries{ repeated Label labels = 1; repeated Sample samples = 2 }
//   Sample{ double value = 1; int64 timestamp = 2 }
import { copy, samePrefix, sameSuffix, varint, varintLength } from "../bytes";
import { pairBytes, pairLength } from "../pairs";
import { blockBytes, bytesBeforeName, entityBytes, labelsOf, listOf, longestBlock, NAME, seriesRecord } from "../series";
import { alike, lastLength, nameOfLike, written } from "./alike";
import { nextBodyOfNames, recordOfName, rememberName } from "./names";
import { backOf, nextBody, remember } from "./places";
import { endBlock, FAR, fresh, lastBack, same, startBlock } from "./snappy";
import { LOW_BYTES, valueOf } from "./value";

/** Samples of the series before that are looked at. */
const REMEMBERED: u32 = 1024;

/** Where the labels of the series before and of this one begin, and where the last one ends. */
let before: usize = 0;
let labelsBefore: u32 = 0;
let entityBefore: u32 = NAME;
/** Where the labels of the series before end. */
let endBefore: u32 = 0;
let now: usize = 0;
let room: u32 = 0;
/** Where their samples stand. */
let samplesBefore = heap.alloc((REMEMBERED * 4) as usize);
let samplesNow = heap.alloc((REMEMBERED * 4) as usize);
let countBefore: u32 = 0;

let raw: usize = 0;
let pos: u32 = 0;
let lastTimestamp: i64 = 0;
let lastTimestampAt: u32 = 0;

/**
 * Encodes `runs` series: `ids` and where their samples end in the columns behind. `rawBytes`: room for the uncompressed body. Writes from
 * `out` on; returns the length, and the body begins at bodyStart().
 */
export function encode(
  ids: usize, ends: usize, runs: u32, timestamps: usize, values: usize, stales: usize, rawBytes: usize, out: usize,
): u32 {
  raw = rawBytes;
  pos = 0;
  labelsBefore = 0;
  entityBefore = NAME;
  countBefore = 0;
  lastTimestampAt = 0;
  startBlock(raw, out + 5);
  let sample: u32 = 0;
  for (let run: u32 = 0; run < runs; run++) {
    const end = load<u32>(ends + (run << 2));
    const record = seriesRecord(load<u32>(ids + (run << 2)));
    const name = load<u32>(record);
    const entity = load<u32>(record, 4);
    let size = entityBytes(entity) + (name === NAME ? 0 : pairLength(name));
    for (let i = sample; i < end; i++) size += 2 + sampleSize(load<f64>(timestamps + (i << 3)) as i64);
    store<u8>(raw + pos, 0x0a);
    const head = pos;
    pos = (varint(raw + pos + 1, size) - raw) as u32;
    const labels = pos;
    writeLabels(name, entity, head);
    if (name !== NAME) rememberName(recordOfName(name), name, labels + bytesBeforeName(entity), entity, size + labels - head);
    countNow = 0;
    for (; sample < end; sample++)
      writeSample(
        load<f64>(timestamps + (sample << 3)) as i64,
        valueOf(values, stales, sample),
      );
    const swap = samplesBefore;
    samplesBefore = samplesNow;
    samplesNow = swap;
    countBefore = min(countNow, REMEMBERED);
    if (run + 1 === runs || nameOfLike(ids, ends, run + 1, sample, countNow, timestamps, entity) === NAME) continue;
    const from = pos;
    pos = alike(ids, ends, run + 1, runs, sample, countNow, timestamps, values, stales, raw, pos, pos - head, labels - head);
    if (written === 0) continue;
    run += written;
    sample += written * countNow;
    const by = pos - from;
    for (let k: u32 = 0; k < countBefore; k++) store<u32>(samplesBefore + (k << 2), load<u32>(samplesBefore + (k << 2)) + by);
    lastTimestampAt += by;
    endBefore += by;
    store<u32>(before, pos - lastLength + labels - head);
  }
  nextBody(pos);
  nextBodyOfNames(pos);
  const last = endBlock();
  start = out + 5 - varintLength(pos);
  varint(start, pos);
  return (last - start) as u32;
}

let start: usize = 0;
let countNow: u32 = 0;

export function bodyStart(): usize {
  return start;
}

/** Bytes of the body before it was compressed. */
export function rawLength(): u32 {
  return pos;
}

/** Writes the labels of a series behind its head, and says what of that stood before, from `head` on. */
function writeLabels(name: u32, entity: u32, head: u32): void {
  const count = labelsOf(entity);
  if (entity === entityBefore && name !== NAME) {
    // All but the name are there already.
    const first = bytesBeforeName(entity);
    const rest = entityBytes(entity) - first;
    const other = raw + load<u32>(before);
    const nameLength = pairLength(name);
    copy(raw + pos, other, first);
    copy(raw + pos + first, pairBytes(name), nameLength);
    copy(raw + pos + first + nameLength, raw + endBefore - rest, rest);
    store<u32>(before, pos);
    pos += first + nameLength + rest;
    endBefore = pos;
    say(head, pos, 0);
    return;
  }
  const list = listOf(entity);
  if (count > room) grow(count);
  for (let i: u32 = 0; i < count; i++) {
    let pair = load<u32>(list + (i << 2));
    if (pair === NAME) pair = name;
    const length = pairLength(pair);
    copy(raw + pos, pairBytes(pair), length);
    store<u32>(now + (i << 2), pos);
    pos += length;
  }
  store<u32>(now + (count << 2), pos);
  say(head, pos, count);
  for (let i: u32 = 0; i < count; i++) remember(load<u64>(raw + load<u32>(now + (i << 2))), load<u32>(now + (i << 2)));
  entityBefore = entity;
  endBefore = pos;
  const swap = before;
  before = now;
  now = swap;
  labelsBefore = count;
}

/** What of [from, to) stood before: where the series before has it, or at the last place where the same eight bytes were remembered. */
function say(from: u32, to: u32, count: u32): void {
  let label: u32 = 0;
  let at = from;
  let silent = from;
  while (at < to) {
    const text = raw + at;
    const most = to - at;
    let length: u32 = 0;
    let back = lastBack();
    if (back <= at && back > 0) length = samePrefix(text - back, text, most);
    if (length < most) {
      const other = backOf(load<u64>(text), at);
      if (other > 0) {
        const longer = samePrefix(text - other, text, most);
        if (longer > length) {
          length = longer;
          back = other;
        }
      }
      // The same label of the series before may end in the same way, though it is longer or shorter.
      if (length < 16 && count === labelsBefore) {
        while (label < count && load<u32>(now + ((label + 1) << 2)) <= at) label++;
        if (label < count) {
          const ended = load<u32>(now + ((label + 1) << 2)) - load<u32>(before + ((label + 1) << 2));
          if (ended <= at && ended > 0) {
            const longer = samePrefix(text - ended, text, most);
            if (longer > length) {
              length = longer;
              back = ended;
            }
          }
        }
      }
    }
    if (length < 4 && length < most) {
      at++;
      continue;
    }
    fresh(at - silent);
    same(length, back);
    at += length;
    silent = at;
  }
  fresh(at - silent);
}

function writeSample(timestamp: i64, value: u64): void {
  const k = countNow++;
  const size = sampleSize(timestamp);
  const at = raw + pos;
  store<u8>(at, 0x12);
  store<u8>(at, size as u8, 1);
  store<u8>(at, 0x09, 2);
  store<u64>(at, value, 3);
  store<u8>(at, 0x10, 11);
  varint(at + 12, timestamp as u64);
  const back = k < countBefore ? pos - load<u32>(samplesBefore + (k << 2)) : FAR;
  // What the labels were the same as has a sample at the same distance, if it has as many labels.
  const like = lastBack();
  const near = k === 0 && like <= pos && like > 0 && load<u16>(at - like) === load<u16>(at) && load<u8>(at - like, 2) === 0x09 ? like : back;
  const own = k > 0 && k <= REMEMBERED ? pos - load<u32>(samplesNow + ((k - 1) << 2)) : FAR;
  if (own < FAR && load<u64>(at - own, 3) === value && load<u8>(at - own, 1) === (size as u8)) same(11, own);
  else if (near < FAR) {
    if (load<u8>(at - near, 1) === (size as u8)) same(3, near);
    else fresh(3);
    const nearBytes = value ^ load<u64>(at - near, 3);
    const backBytes = back < FAR ? value ^ load<u64>(at - back, 3) : nearBytes;
    if (nearBytes === 0) same(8, near);
    else if (backBytes === 0) same(8, back);
    else {
      const low = (ctz<u64>(nearBytes) >> 3) as u32;
      const high = min((clz<u64>(backBytes) >> 3) as u32, 8 - low - 1);
      // A value that other series have too.
      const other = backOf(value, pos + 3);
      if (low + high < 5 && other > 0 && load<u64>(at + 3 - other) === value) {
        same(8, other);
        return writeTimestamp(timestamp, at, size, back, own, k);
      }
      if (low + high < 3) {
        // Numbers with the same decimals have the same low bytes.
        const decimals = backOf(value & LOW_BYTES, pos + 3);
        if (decimals > 0 && ((load<u64>(at + 3 - decimals) ^ value) & LOW_BYTES) === 0) {
          same(5, decimals);
          fresh(3 - high);
          same(high, min(back, FAR));
          return writeTimestamp(timestamp, at, size, back, own, k);
        }
      }
      same(low, near);
      fresh(8 - low - high);
      same(high, min(back, FAR));
    }
  } else fresh(11);
  writeTimestamp(timestamp, at, size, back, own, k);
}

function writeTimestamp(timestamp: i64, at: usize, size: u32, back: u32, own: u32, k: u32): void {
  const tail = size - 9;
  const tailAt = at + 11;
  if (back < FAR && samePrefix(tailAt - back, tailAt, tail) === tail) same(tail, back);
  else if (lastTimestampAt > 0 && timestamp === lastTimestamp) same(tail, pos + 11 - lastTimestampAt);
  else {
    const other = back < FAR ? back : own;
    if (other < FAR) {
      const prefix = samePrefix(tailAt - other, tailAt, tail);
      const suffix = load<u8>(at - other, 1) === (size as u8) ? sameSuffix(tailAt - other + tail, tailAt + tail, tail - prefix) : 0;
      same(prefix, other);
      fresh(tail - prefix - suffix);
      same(suffix, other);
    } else fresh(tail);
  }
  lastTimestamp = timestamp;
  lastTimestampAt = pos + 11;
  if (k < REMEMBERED) store<u32>(samplesNow + (k << 2), pos);
  pos += 2 + size;
}

/** Value with tag (9), timestamp with tag. Always below 128: its length takes one byte. */
// @ts-ignore: decorator
@inline
function sampleSize(timestamp: i64): u32 {
  const t = timestamp as u64;
  // 2^35, 2^42: six bytes from 2004 to 2109.
  if (t - 0x800000000 < 0x3f800000000) return 16;
  let n: u32 = 1;
  for (let left = t >> 7; left !== 0; left >>= 7) n++;
  return 10 + n;
}

function grow(count: u32): void {
  room = max(64, 2 * count);
  const larger = heap.alloc(((room + 1) << 2) as usize);
  if (before !== 0) {
    memory.copy(larger, before, ((labelsBefore + 1) << 2) as usize);
    heap.free(before);
    heap.free(now);
  }
  before = larger;
  now = heap.alloc(((room + 1) << 2) as usize);
}

/** Up to here the longest series tells enough of all: looking at each takes a tenth of what encoding it does. */
const ROUGH: u32 = 512 * 1024;
/** Of a series and of a sample, beside labels. */
const SERIES_BYTES: u32 = 6;
const SAMPLE_BYTES: u32 = 24;

/** More than a body of these series with so many samples takes, before it is compressed. */
export function bodyBound(ids: usize, runs: u32, samples: u32): u32 {
  let size: u32 = SAMPLE_BYTES * samples + 64;
  const rough = (size as u64) + (runs as u64) * ((SERIES_BYTES + longestBlock()) as u64);
  if (rough <= ROUGH) return rough as u32;
  for (let run: u32 = 0; run < runs; run++) size += SERIES_BYTES + blockBytes(load<u32>(ids + (run << 2)));
  return size;
}
