// From the bytes of an answer's JSON `metric` object to a series: one hash and one look-up. A keyspace is what series become under one
// set of rules: { slots, mask, used, by id: how it was made, plain, one origin }. A slot is { hash, id + 3 }, twelve bytes.
import { at, newColumn, reserve } from "./columns";
import { learnPlain } from "./plain";

/** Only JavaScript can tell what these labels mean. */
export const ASK: i32 = -4;
const UNKNOWN: i32 = -5;
/** By whom a series is had: nobody, labels as they are; above that JavaScript judges. */
const NOBODY: u32 = 0;
const AS_IT_IS: u32 = 1;
const CONTESTED: u32 = 3;
const SLOT: u32 = 12;

/** `plain`: labels that are legal, sorted and not empty are sent as they are. `oneOrigin`: two series of the source that become one are an error. */
export function newKeyspace(plain: bool, oneOrigin: bool): usize {
  const keyspace = heap.alloc(24);
  const slots = heap.alloc((2048 * SLOT) as usize);
  memory.fill(slots, 0, (2048 * SLOT) as usize);
  store<u32>(keyspace, slots as u32);
  store<u32>(keyspace, 2047, 4);
  store<u32>(keyspace, 0, 8);
  store<u32>(keyspace, newColumn() as u32, 12);
  store<u32>(keyspace, plain ? 1 : 0, 16);
  store<u32>(keyspace, oneOrigin ? 1 : 0, 20);
  return keyspace;
}

export function keys(keyspace: usize): u32 {
  return load<u32>(keyspace, 8);
}

// @ts-ignore: decorator
@inline
export function touch(keyspace: usize, h: u64): u64 {
  return load<u64>((load<u32>(keyspace) as usize) + ((((h >> 20) as u32) & load<u32>(keyspace, 4)) * SLOT));
}

/** The id for a hash; UNKNOWN. */
// @ts-ignore: decorator
@inline
function get(keyspace: usize, h: u64): i32 {
  const slots = load<u32>(keyspace) as usize;
  const mask = load<u32>(keyspace, 4);
  for (let slot = ((h >> 20) as u32) & mask; ; slot = (slot + 1) & mask) {
    const at = slots + slot * SLOT;
    const found = load<u64>(at);
    if (found === h) return (load<i32>(at, 8) as i32) - 3;
    if (found === 0) return UNKNOWN;
  }
  return unreachable();
}

/** The id of the series with the labels in the JSON object [from, from + length), or what is in place of one, or ASK. */
// @ts-ignore: decorator
@inline
export function lookup(keyspace: usize, h: u64, from: usize, length: u32): i32 {
  const id = get(keyspace, h);
  if (id === UNKNOWN) return learn(keyspace, h, from, length);
  return id >= 0 && load<u32>(keyspace, 20) !== 0 && made(keyspace, id) === CONTESTED ? ASK : id;
}

/** The same if the labels were seen before, else UNKNOWN; whoever has the series. */
export function known(keyspace: usize, h: u64): i32 {
  return get(keyspace, h);
}

function learn(keyspace: usize, h: u64, from: usize, length: u32): i32 {
  if (load<u32>(keyspace, 16) === 0) return ASK;
  const id = learnPlain(from, length);
  if (id < 0) return ASK;
  if (load<u32>(keyspace, 20) !== 0) {
    reserveMade(keyspace, id);
    const how = made(keyspace, id);
    if (how === NOBODY) setMade(keyspace, id, AS_IT_IS);
    else if (how !== AS_IT_IS) return ASK;
  }
  put(keyspace, h, id);
  return id;
}

/** Who has a series: see above. */
// @ts-ignore: decorator
@inline
export function made(keyspace: usize, id: i32): u32 {
  return load<u8>(at(load<u32>(keyspace, 12) as usize, id, 0));
}

export function setMade(keyspace: usize, id: i32, how: u32): void {
  store<u8>(at(load<u32>(keyspace, 12) as usize, id, 0), how as u8);
}

export function put(keyspace: usize, h: u64, id: i32): void {
  const used = load<u32>(keyspace, 8) + 1;
  store<u32>(keyspace, used, 8);
  if (used * 8 > load<u32>(keyspace, 4) * 5) grow(keyspace);
  insert(load<u32>(keyspace) as usize, load<u32>(keyspace, 4), h, id + 3);
}

function insert(slots: usize, mask: u32, h: u64, idPlus3: i32): void {
  let slot = ((h >> 20) as u32) & mask;
  while (load<u64>(slots + slot * SLOT) !== 0) slot = (slot + 1) & mask;
  store<u64>(slots + slot * SLOT, h);
  store<i32>(slots + slot * SLOT, idPlus3, 8);
}

function grow(keyspace: usize): void {
  const old = load<u32>(keyspace) as usize;
  const room = load<u32>(keyspace, 4) + 1;
  const slots = heap.alloc((2 * room * SLOT) as usize);
  memory.fill(slots, 0, (2 * room * SLOT) as usize);
  for (let p = old, end = old + room * SLOT; p < end; p += SLOT)
    if (load<u64>(p) !== 0) insert(slots, 2 * room - 1, load<u64>(p), load<i32>(p, 8));
  heap.free(old);
  store<u32>(keyspace, slots as u32);
  store<u32>(keyspace, 2 * room - 1, 4);
}

export function reserveMade(keyspace: usize, id: i32): void {
  reserve(load<u32>(keyspace, 12) as usize, id + 1, 0);
}
