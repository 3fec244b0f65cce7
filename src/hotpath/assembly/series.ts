// All series, each once:
//   a series = its name (a pair) + its entity      an entity = the list of all its other labels      a pair = a label's bytes, once
// Record of a series: { name, entity }. Record of an entity: { list, labels, bytes, bytes before the name }.
import { at, candidate, keep, newArena, newColumn, reserve } from "./columns";
import { copy } from "./bytes";
import { intern, newIndex, sizeOf } from "./index-of";
import { internPair, pairBytes, pairLength } from "./pairs";

/** In an entity's list: where the name goes. In place of a series' name: it has none. */
export const NAME: u32 = 0xffffffff;
const SERIES: u32 = 3;
const ENTITY: u32 = 4;
const lists = newArena();
const entityColumn = newColumn();
const entityIndex = newIndex();
const seriesColumn = newColumn();
const seriesIndex = newIndex();

/** The series that is being put together. */
let labels: u32 = 0;
let room: u32 = 64;
let draft = heap.alloc(64 * 4);
let newName: u32 = NAME;
let bytes: u32 = 0;
let before: u32 = 0;
let longest: u32 = 0;

// @ts-ignore: decorator
@inline
export function seriesCount(): u32 {
  return sizeOf(seriesIndex);
}

// @ts-ignore: decorator
@inline
export function entityCount(): u32 {
  return sizeOf(entityIndex);
}

// @ts-ignore: decorator
@inline
export function nameOf(id: u32): u32 {
  return load<u32>(at(seriesColumn, id, SERIES));
}

// @ts-ignore: decorator
@inline
export function entityOf(id: u32): u32 {
  return load<u32>(at(seriesColumn, id, SERIES), 4);
}

// @ts-ignore: decorator
@inline
export function listOf(entity: u32): usize {
  return load<u32>(at(entityColumn, entity, ENTITY)) as usize;
}

// @ts-ignore: decorator
@inline
export function labelsOf(entity: u32): u32 {
  return load<u32>(at(entityColumn, entity, ENTITY), 4);
}

// @ts-ignore: decorator
@inline
export function entityBytes(entity: u32): u32 {
  return load<u32>(at(entityColumn, entity, ENTITY), 8);
}

/** How many of them come before the name. */
// @ts-ignore: decorator
@inline
export function bytesBeforeName(entity: u32): u32 {
  return load<u32>(at(entityColumn, entity, ENTITY), 12);
}

/** { name, entity } */
// @ts-ignore: decorator
@inline
export function seriesRecord(id: u32): usize {
  return at(seriesColumn, id, SERIES);
}

/** How many bytes the encoded labels of a series take. */
// @ts-ignore: decorator
@inline
export function blockBytes(id: u32): u32 {
  const name = nameOf(id);
  return entityBytes(entityOf(id)) + (name === NAME ? 0 : pairLength(name));
}

/** What the encoded labels of no series are longer than. */
export function longestBlock(): u32 {
  return longest;
}

/** Writes the encoded labels of a series, and up to fifteen bytes more; returns their end. */
export function writeBlock(id: u32, to: usize): usize {
  const entity = entityOf(id);
  const list = listOf(entity);
  const count = labelsOf(entity);
  let p = to;
  for (let i: u32 = 0; i < count; i++) {
    let pair = load<u32>(list + (i << 2));
    if (pair === NAME) pair = nameOf(id);
    const length = pairLength(pair);
    copy(p, pairBytes(pair), length);
    p += length;
  }
  return p;
}

export function begin(): void {
  labels = 0;
  newName = NAME;
  bytes = 0;
  before = 0;
}

export function add(name: usize, nameLength: u32, value: usize, valueLength: u32): void {
  const pair = internPair(name, nameLength, value, valueLength);
  if (labels === room) {
    room *= 2;
    draft = heap.realloc(draft, (room * 4) as usize);
  }
  const isName = nameLength === 8 && load<u64>(name) === 0x5f5f656d616e5f5f;
  if (isName) {
    newName = pair;
    before = bytes;
  } else bytes += pairLength(pair);
  store<u32>(draft + (labels++ << 2), isName ? NAME : pair);
}

/** The id of the series that was put together, new or known. */
export function end(): u32 {
  const last = sizeOf(entityIndex);
  const list = candidate(lists, labels << 2);
  memory.copy(list, draft, (labels << 2) as usize);
  reserve(entityColumn, last + 1, ENTITY);
  const record = at(entityColumn, last, ENTITY);
  store<u32>(record, list as u32);
  store<u32>(record, labels, 4);
  store<u32>(record, bytes, 8);
  store<u32>(record, before, 12);
  const entity = intern(entityIndex, hashOfEntity(last), hashOfEntity, isLastEntity);
  if (entity === last) keep(lists, labels << 2);
  const id = sizeOf(seriesIndex);
  reserve(seriesColumn, id + 1, SERIES);
  const series = at(seriesColumn, id, SERIES);
  store<u32>(series, newName);
  store<u32>(series, entity, 4);
  longest = max(longest, blockBytes(id));
  return intern(seriesIndex, hashOfSeries(id), hashOfSeries, isLastSeries);
}

function hashOfSeries(id: u32): u32 {
  const h: u32 = (nameOf(id) ^ (entityOf(id) * 0x9e3779b1)) * 0x85ebca6b;
  return h ^ (h >> 15);
}

function isLastSeries(id: u32): bool {
  return load<u64>(at(seriesColumn, id, SERIES)) === load<u64>(at(seriesColumn, sizeOf(seriesIndex), SERIES));
}

function hashOfEntity(entity: u32): u32 {
  const list = listOf(entity);
  const count = labelsOf(entity);
  let h: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    h = (h ^ load<u32>(list + (i << 2))) * 0x2c1b3c6d;
    h ^= h >> 15;
  }
  return h;
}

function isLastEntity(entity: u32): bool {
  const last = sizeOf(entityIndex);
  const count = labelsOf(entity);
  if (count !== labelsOf(last)) return false;
  const a = listOf(entity);
  const b = listOf(last);
  for (let i: u32 = 0; i < count; i++) if (load<u32>(a + (i << 2)) !== load<u32>(b + (i << 2))) return false;
  return true;
}
