// Where the names of series stood last in a body: { where, name, entity, bytes of the series }. A copy reaches back 64 kB, which are two
// hundred series, so few places are enough.
import { FAR } from "./snappy";

const BITS: u32 = 9;
const table = memory.data((1 << BITS) * 16, 16);
/** Bytes of bodies before this one, and as far as a copy reaches: what is left of another body, or empty, is never near. */
let base: u32 = FAR;

/** A body of `length` bytes is done. */
export function nextBodyOfNames(length: u32): void {
  base += length + FAR;
  // Nobody compares the bytes, so places of long ago must not come near again when the count begins again.
  if (base < 0x80000000) return;
  memory.fill(table, 0, (1 << BITS) * 16);
  base = FAR;
}

/** The record of a name: another one may be there. */
// @ts-ignore: decorator
@inline
export function recordOfName(name: u32): usize {
  return table + (((name * 0x9e3779b1) >> (32 - BITS)) << 4);
}

/** How far before `at` the name of this record stood; 0: nowhere near, or it is that of another name. */
// @ts-ignore: decorator
@inline
export function backOfName(record: usize, name: u32, at: u32): u32 {
  const back = base + at - load<u32>(record);
  return load<u32>(record, 4) === name && back <= at && back < FAR ? back : 0;
}

// @ts-ignore: decorator
@inline
export function entityOfName(record: usize): u32 {
  return load<u32>(record, 8);
}

// @ts-ignore: decorator
@inline
export function lengthOfNamed(record: usize): u32 {
  return load<u32>(record, 12);
}

// @ts-ignore: decorator
@inline
export function rememberName(record: usize, name: u32, at: u32, entity: u32, length: u32): void {
  store<u32>(record, base + at);
  store<u32>(record, name, 4);
  store<u32>(record, entity, 8);
  store<u32>(record, length, 12);
}
