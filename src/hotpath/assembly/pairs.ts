// Each label (a name and a value) once, as it is sent: the bytes of a `Label labels = 1` field.
// Record of a pair: { bytes, length | 2^31 where it tells parts of a histogram apart }.
import { copy, samePrefix, varint, varintLength } from "./bytes";
import { at, candidate, keep, newArena, newColumn, reserve } from "./columns";
import { hash } from "./hash";
import { intern, newIndex, sizeOf } from "./index-of";

const SHIFT: u32 = 3;
const PART: u32 = 0x80000000;
const arena = newArena();
const column = newColumn();
const index = newIndex();

// @ts-ignore: decorator
@inline
export function pairs(): u32 {
  return sizeOf(index);
}

// @ts-ignore: decorator
@inline
export function pairBytes(pair: u32): usize {
  return load<u32>(at(column, pair, SHIFT)) as usize;
}

// @ts-ignore: decorator
@inline
export function pairLength(pair: u32): u32 {
  return load<u32>(at(column, pair, SHIFT), 4) & ~PART;
}

// @ts-ignore: decorator
@inline
export function isPart(pair: u32): bool {
  return load<u32>(at(column, pair, SHIFT), 4) >= PART;
}

/** The number of the label with this name and value (UTF-8), new or known. */
export function internPair(name: usize, nameLength: u32, value: usize, valueLength: u32): u32 {
  const inner = 2 + varintLength(nameLength) + varintLength(valueLength) + nameLength + valueLength;
  const length = 1 + varintLength(inner) + inner;
  const field = candidate(arena, length);
  store<u8>(field, 0x0a);
  let p = varint(field + 1, inner);
  store<u8>(p, 0x0a);
  p = varint(p + 1, nameLength);
  copy(p, name, nameLength);
  p += nameLength;
  store<u8>(p, 0x12);
  p = varint(p + 1, valueLength);
  copy(p, value, valueLength);
  return internField(field, length, name, nameLength);
}

function internField(field: usize, length: u32, name: usize, nameLength: u32): u32 {
  const last = sizeOf(index);
  reserve(column, last + 1, SHIFT);
  const record = at(column, last, SHIFT);
  store<u32>(record, field as u32);
  store<u32>(record, length, 4);
  const pair = intern(index, hash(field, length) as u32, hashOf, isLast);
  if (pair === last) {
    keep(arena, length);
    if (namesPart(name, nameLength)) store<u32>(record, length | PART, 4);
  }
  return pair;
}

/** le, quantile, vmrange: labels that tell the parts of one histogram or summary apart. */
function namesPart(name: usize, length: u32): bool {
  if (length === 2) return load<u16>(name) === 0x656c;
  if (length === 8) return load<u64>(name) === 0x656c69746e617571;
  return length === 7 && load<u32>(name) === 0x61726d76 && load<u32>(name, 3) === 0x65676e61;
}

/** Below 0, 0 or above: the bytes of two labels as they are encoded. */
export function comparePairs(a: u32, b: u32): i32 {
  if (a === b) return 0;
  const x = pairBytes(a);
  const y = pairBytes(b);
  const most = min(pairLength(a), pairLength(b));
  const same = samePrefix(x, y, most);
  if (same === most) return (pairLength(a) as i32) - (pairLength(b) as i32);
  return (load<u8>(x + same) as i32) - (load<u8>(y + same) as i32);
}

function hashOf(pair: u32): u32 {
  return hash(pairBytes(pair), pairLength(pair)) as u32;
}

function isLast(pair: u32): bool {
  const last = sizeOf(index);
  const length = pairLength(last);
  return pairLength(pair) === length && samePrefix(pairBytes(pair), pairBytes(last), length) === length;
}
