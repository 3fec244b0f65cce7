// Series after series with the same labels but the name, and samples of the same times: most of them where exporters have many metrics.
// All bytes are those of the series before but some of the name and of the values, and how far back they are is known. So nothing else
// is compared.
import { copy, copyMany, samePrefix, sameSuffix, varint, varintLength } from "../bytes";
import { pairBytes, pairLength } from "../pairs";
import { bytesBeforeName, entityBytes, NAME, seriesRecord } from "../series";
import { backOfName, entityOfName, lengthOfNamed, recordOfName, rememberName } from "./names";
import { backOf } from "./places";
import { copies, FAR, LEAST, literal, out as element, resume, suspend } from "./snappy";
import { LOW_BYTES, valueOf } from "./value";

/** What is written as one copy: more of it is taken from the series before, as the rest is. */
const ONE_COPY: u32 = 64;

/** Set by alike(): how many series it wrote, and how many bytes the last one takes. */
export let written: u32 = 0;
export let lastLength: u32 = 0;

let raw: usize = 0;
/** Where the name begins in each of these series, and how many bytes of labels are behind it. */
let nameAt: u32 = 0;
let rest: u32 = 0;
let modelRest: usize = 0;
/** With which entity, and how many, as shared() says. */
let sharedWith: u32 = 0;
let sharedBytes: u32 = 0;
/** Where the next element goes. */
let out: usize = 0;

/**
 * Writes series from `run` on as long as they are like the one before them, which is `length` bytes long and ends at `at`, the first
 * `headLength` of them its tag and size. `sample`: where their samples begin in the columns. Returns where they end.
 */
export function alike(
  ids: usize, ends: usize, run: u32, runs: u32, sample: u32, count: u32, timestamps: usize, values: usize, stales: usize,
  rawBytes: usize, at: u32, length: u32, headLength: u32,
): u32 {
  raw = rawBytes;
  lastLength = length;
  const record = seriesRecord(load<u32>(ids + ((run - 1) << 2)));
  const entity = load<u32>(record, 4);
  let name = load<u32>(record);
  let nameLength = pairLength(name);
  nameAt = headLength + bytesBeforeName(entity);
  rest = entityBytes(entity) + headLength - nameAt;
  const samplesLength = length - nameAt - nameLength - rest;
  // Bytes come from the first of these series: those of the one before are still on their way to memory.
  const model = raw + at - length;
  modelRest = model + nameAt + nameLength;
  sharedWith = NAME;
  let first = sample;
  let pos = at;
  /** So many bytes before those that are looked at are the same as those of the series before, and are not written yet. */
  let pending = suspend(length);
  out = element;
  let r = run;
  for (; r < runs && lastLength < FAR; r++) {
    const nextName = nameOfLike(ids, ends, r, first, count, timestamps, entity);
    if (nextName === NAME) break;
    const nextLength = pairLength(nextName);
    const total = lastLength + nextLength - nameLength;
    if (varintLength(total - headLength) !== headLength - 1 || total >= FAR) break;
    const to = raw + pos;
    copy(to, model, nameAt);
    varint(to + 1, total - headLength);
    copy(to + nameAt, pairBytes(nextName), nextLength);
    copyMany(to + nameAt + nextLength, modelRest, rest + samplesLength);
    pending = writeName(pos, pairBytes(nextName), nextLength, pairBytes(name), nameLength, nextName, entity, pending, total, headLength);
    pending = writeSamples(pos + nameAt + nextLength + rest, first, count, values, stales, pending, total);
    pos += total;
    name = nextName;
    nameLength = nextLength;
    lastLength = total;
    first += count;
  }
  written = r - run;
  resume(out, pos, pending, lastLength);
  return pos;
}

/** The name of series `run` if it has the other labels and the times of the one before, whose samples come before `first`; else NAME. */
// @ts-ignore: decorator
@inline
export function nameOfLike(ids: usize, ends: usize, run: u32, first: u32, count: u32, timestamps: usize, entity: u32): u32 {
  const record = seriesRecord(load<u32>(ids + (run << 2)));
  if (load<u32>(record, 4) !== entity || load<u32>(ends + (run << 2)) - first !== count) return NAME;
  for (let i = first; i < first + count; i++)
    if (load<f64>(timestamps + (i << 3)) !== load<f64>(timestamps + ((i - count) << 3))) return NAME;
  return load<u32>(record);
}

/** Writes the `n` bytes before `at` as a copy. */
// @ts-ignore: decorator
@inline
function write(n: u32, at: u32, back: u32): void {
  if (n >= LEAST) out = copies(out, n, back);
  else if (n > 0) out = literal(out, raw + at - n, n);
}

/**
 * Head and labels of the series at `pos`, of which `pending` bytes before are those of the series before: the name as it stood in another
 * series, with the labels behind it as far as one copy goes, or what of it is in the name before. Returns how many bytes before the
 * samples are those of the series before.
 */
// @ts-ignore: decorator
@inline
function writeName(pos: u32, text: usize, length: u32, textBefore: usize, lengthBefore: u32, name: u32, entity: u32, before: u32, total: u32, headLength: u32): u32 {
  const at = pos + nameAt;
  let pending = before;
  const record = recordOfName(name);
  const back = backOfName(record, name, at);
  const known: u32 = back === 0 ? 0 : length + shared(entityOfName(record), at - back + length);
  const alikeHead = back !== 0 && nameAt === headLength && lengthOfNamed(record) === total && bytesBeforeName(entityOfName(record)) === 0;
  rememberName(record, name, at, entity, total);
  let from: u32 = 0;
  if (length === lengthBefore) {
    from = samePrefix(text, textBefore, length);
    pending += nameAt + from;
  } else if (!alikeHead) {
    write(pending, pos, lastLength);
    out = literal(out, raw + pos, headLength);
    pending = nameAt - headLength;
  } else {
    write(pending, pos, lastLength);
    const n = nameAt + min(known, max(length, ONE_COPY - nameAt));
    out = copies(out, n, back);
    return nameAt + length + rest - n;
  }
  if (known >= from + LEAST) {
    const n = min(known, max(length, from + ONE_COPY)) - from;
    write(pending, at + from, lastLength);
    out = copies(out, n, back);
    return length + rest - from - n;
  }
  return searchName(at, from, text, length, textBefore, lengthBefore, pending, total);
}

/** What of a name stood in other names, from its byte `first` on: in the name before, or at the last place of the same eight bytes. */
function searchName(at: u32, first: u32, text: usize, length: u32, textBefore: usize, lengthBefore: u32, before: u32, total: u32): u32 {
  let pending = before;
  let back = lastLength;
  let silent = first;
  let i = first;
  while (i < length) {
    const other = backOf(load<u64>(raw + at + i), at + i);
    let n: u32 = other === 0 ? 0 : samePrefix(raw + at + i - other, raw + at + i, min(ONE_COPY, length + rest - i));
    let from = other;
    if (length !== lengthBefore && i < lengthBefore) {
      const same = samePrefix(text + i, textBefore + i, min(length, lengthBefore) - i);
      if (same >= n) {
        n = same;
        from = lastLength;
      }
    }
    if (n < LEAST) {
      i++;
      continue;
    }
    if (i > silent || from !== back) {
      write(pending, at + silent, back);
      if (i > silent) out = literal(out, text + silent, i - silent);
      pending = 0;
    }
    pending += n;
    back = from;
    i += n;
    silent = i;
  }
  // The name before may end in the same way.
  const same = silent < length ? sameSuffix(text + length, textBefore + lengthBefore, min(length - silent, lengthBefore)) : 0;
  if (i > length || silent + same < length || back !== total) {
    write(pending, at + silent, back);
    if (silent + same < length) out = literal(out, text + silent, length - silent - same);
    pending = 0;
  }
  return pending + same + length + rest - i;
}

/** How many bytes behind the name are the same as those at `at`, where series of this entity have it. */
// @ts-ignore: decorator
@inline
function shared(entity: u32, at: u32): u32 {
  if (entity !== sharedWith) {
    sharedWith = entity;
    sharedBytes = samePrefix(raw + at, modelRest, min(rest, ONE_COPY));
  }
  return sharedBytes;
}

/** Values; all else of the samples is there. Returns how many bytes before their end are those of the series before. */
// @ts-ignore: decorator
@inline
function writeSamples(from: u32, first: u32, count: u32, values: usize, stales: usize, before: u32, total: u32): u32 {
  let pending = before;
  let pos = from;
  let own: u32 = 0;
  for (let i = first; i < first + count; i++) {
    const valueAt = pos + 3;
    const text = raw + valueAt;
    const value = valueOf(values, stales, i);
    const differ = value ^ load<u64>(text - total);
    store<u64>(text, value);
    const length = load<u8>(text - 2) as u32 + 2;
    pending += 3;
    if (differ === 0) pending += 8;
    else if (own > 0 && load<u64>(text - own) === value) {
      write(pending, valueAt, total);
      out = copies(out, 8, own);
      pending = 0;
    } else {
      const low = (ctz<u64>(differ) >> 3) as u32;
      const high = min((clz<u64>(differ) >> 3) as u32, 7 - low);
      const back = backOf(value, valueAt);
      if (low + high < 5 && back > 0 && load<u64>(text - back) === value) {
        write(pending, valueAt, total);
        out = copies(out, 8, back);
        pending = 0;
      } else {
        const alike = low + high < 3 ? backOf(value & LOW_BYTES, valueAt) : 0;
        if (alike > 0 && ((load<u64>(text - alike) ^ value) & LOW_BYTES) === 0) {
          write(pending, valueAt, total);
          out = copies(out, 5, alike);
          out = literal(out, text + 5, 3 - high);
        } else {
          write(pending + low, valueAt + low, total);
          out = literal(out, text + low, 8 - low - high);
        }
        pending = high;
      }
    }
    pending += length - 11;
    own = length;
    pos += length;
  }
  return pending;
}
