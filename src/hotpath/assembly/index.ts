// What the module gives to JavaScript (../module.ts); an instance is one series table.
import { SLACK } from "./columns";
import { hash, seed } from "./hash";
import { keys, known, lookup, made as madeOf, newKeyspace, put, reserveMade, setMade as setMadeOf } from "./keyspace";
import { placeOf, placesOfAll, sortSome, workOfSorting } from "./order";
import { add, begin, blockBytes, end, entityCount, seriesCount, writeBlock } from "./series";

export { seed, newKeyspace, keys };
export { blockBytes, seriesCount, entityCount, writeBlock };
export { placeOf, placesOfAll, sortSome, workOfSorting };
export {
  collect, freeRead, know, newRead, scan, seen, setMany, setSeries, singles, staging, stagedRuns, stagedSamples, stoppedFor, take, unstage,
} from "./scan";
export { bodyBound, bodyStart, encode, rawLength } from "./encoding/encode";

/** Room for `bytes`, and sixteen more at both ends that may be read and written. */
export function allocate(bytes: u32): usize {
  return heap.alloc((bytes + 2 * SLACK) as usize) + SLACK;
}

export function release(place: usize): void {
  heap.free(place - SLACK);
}

/** The id of a JSON object's labels; ASK where JavaScript has to say what they mean. */
export function lookupLabels(keyspace: usize, from: usize, length: u32): i32 {
  return lookup(keyspace, hash(from, length), from, length);
}

let hashed: u64 = 0;

/** The id of labels that were seen before, whoever has the series; below 0: they were not. Their hash is hashLow(), hashHigh(). */
export function knownLabels(keyspace: usize, from: usize, length: u32): i32 {
  hashed = hash(from, length);
  return known(keyspace, hashed);
}

export function hashLow(): u32 {
  return hashed as u32;
}

export function hashHigh(): u32 {
  return (hashed >> 32) as u32;
}

/** By whom a series is had. */
export function made(keyspace: usize, id: i32): u32 {
  reserveMade(keyspace, id);
  return madeOf(keyspace, id);
}

export function setMade(keyspace: usize, id: i32, how: u32): void {
  reserveMade(keyspace, id);
  setMadeOf(keyspace, id, how);
}

/** What JavaScript said of them. */
export function rememberLabels(keyspace: usize, from: usize, length: u32, id: i32): void {
  put(keyspace, hash(from, length), id);
}

/** The id of the series with these encoded labels, new or known. */
export function internBlock(from: usize, length: u32): u32 {
  begin();
  let p = from;
  const last = from + length;
  while (p < last) {
    p++;
    number(p);
    p = next + 1;
    const nameLength = number(p);
    const name = next;
    p = next + nameLength + 1;
    const valueLength = number(p);
    add(name, nameLength, next, valueLength);
    p = next + valueLength;
  }
  return end();
}

let next: usize = 0;

function number(from: usize): u32 {
  let n: u32 = 0;
  let p = from;
  for (let shift: u32 = 0; ; shift += 7) {
    const byte = load<u8>(p++);
    n |= ((byte & 0x7f) as u32) << shift;
    if (byte < 0x80) break;
  }
  next = p;
  return n;
}

let scratch: usize = 0;
let scratchRoom: u32 = 0;

/** 53 bits of hash over a series' encoded labels: the same wherever the seed is the same. */
export function fingerprint(id: u32): f64 {
  const length = blockBytes(id);
  if (length + 16 > scratchRoom) {
    if (scratch !== 0) heap.free(scratch);
    scratchRoom = 2 * length + 1024;
    scratch = heap.alloc(scratchRoom as usize);
  }
  writeBlock(id, scratch);
  return (hash(scratch, length) >> 11) as f64;
}
