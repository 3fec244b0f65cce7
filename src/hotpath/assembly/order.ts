// The order of sending (../../series/order.ts says what it is): ids by place, and places by id, brought up to date when series are new.
// Entities are sorted by their labels and names by theirs; the series follow from both by counting. Many new ones are sorted in pieces, each
// of which has so much work: a source with 200,000 new entities would hold up everything else for more than a second.
import { entityBytes, entityCount, entityOf, labelsOf, listOf, NAME, nameOf, seriesCount } from "./series";
import { comparePairs, isPart, pairs } from "./pairs";

/** Sorted numbers, grown by sorting the new ones and merging. */
class Sorted {
  list: usize = 0;
  size: u32 = 0;

  /** While new ones are sorted: how many, and where they are; 0: none are. */
  fresh: u32 = 0;
  a: usize = 0;
  b: usize = 0;
  /** Stretches of this length are in order, and the two from `from` on are being merged: `i` and `j` are next, they go to `k`. */
  width: u32 = 0;
  from: u32 = 0;
  i: u32 = 0;
  j: u32 = 0;
  k: u32 = 0;
  /** All are in order, so many are still to be put among those that were there before; they go into `target`. */
  behind: u32 = 0;
  target: usize = 0;
  left: u32 = 0;
  end: u32 = 0;
}

/** Work that may still be done in this piece: comparisons, each as many as it looks at labels and bytes by the hundred. */
let budget: i64 = 0;
/** Work so far, of all pieces: for tests. */
let spent: u32 = 0;

export function workOfSorting(): u32 {
  return spent;
}

// @ts-ignore: decorator
@inline
function spend(work: u32): void {
  budget -= work;
  spent += work;
}

const entities = new Sorted();
const names = new Sorted();
/** By pair + 1: its number among the names, + 1. */
let nameNumbers: usize = 0;
let nameNumbersRoom: u32 = 0;
/** The pairs that are names, in order of appearance; names.list holds indexes into it. */
let nameList: usize = 0;
let nameRoom: u32 = 0;
let nameCount: u32 = 0;
let looked: u32 = 0;

let order: usize = 0;
let places: usize = 0;
let ordered: u32 = 0;

function compareEntities(a: u32, b: u32): i32 {
  const c = compareLists(a, b, false);
  return c !== 0 ? c : compareLists(a, b, true);
}

// @ts-ignore: decorator
@inline
function bytesOf(a: u32, b: u32): u32 {
  return min(entityBytes(a), entityBytes(b)) >> 4;
}

function compareLists(a: u32, b: u32, parts: bool): i32 {
  let x = listOf(a);
  let y = listOf(b);
  spend(1 + ((min(labelsOf(a), labelsOf(b)) + bytesOf(a, b)) >> 7));
  const xEnd = x + (labelsOf(a) << 2);
  const yEnd = y + (labelsOf(b) << 2);
  // Equal labels at equal places say nothing, whatever they are.
  while (x < xEnd && y < yEnd && load<u32>(x) === load<u32>(y)) {
    x += 4;
    y += 4;
  }
  for (; ; x += 4, y += 4) {
    while (x < xEnd && isOther(load<u32>(x), parts)) x += 4;
    while (y < yEnd && isOther(load<u32>(y), parts)) y += 4;
    if (x === xEnd || y === yEnd) return (x < xEnd ? 1 : 0) - (y < yEnd ? 1 : 0);
    const p = load<u32>(x);
    const q = load<u32>(y);
    if (p !== q) return comparePairs(p, q);
  }
  return unreachable();
}

// @ts-ignore: decorator
@inline
function isOther(pair: u32, parts: bool): bool {
  return pair === NAME || isPart(pair) !== parts;
}

function compareNames(a: u32, b: u32): i32 {
  spend(1);
  const x = load<u32>(nameList + (a << 2));
  const y = load<u32>(nameList + (b << 2));
  return x === NAME || y === NAME ? (x === y ? 0 : x === NAME ? -1 : 1) : comparePairs(x, y);
}

/** Takes the numbers from its size up to `size` in; false: the budget is used up, and it is not done. */
function sortInto(sorted: Sorted, size: u32, compare: (a: u32, b: u32) => i32): bool {
  while (sorted.size < size) {
    if (sorted.fresh === 0) begin(sorted, size - sorted.size);
    if (!mergeStretches(sorted, compare) || !putAmong(sorted, compare)) return false;
    finish(sorted);
  }
  return true;
}

function begin(sorted: Sorted, fresh: u32): void {
  const known = sorted.size;
  sorted.fresh = fresh;
  sorted.a = heap.alloc((fresh << 2) as usize);
  sorted.b = heap.alloc((fresh << 2) as usize);
  for (let i: u32 = 0; i < fresh; i++) store<u32>(sorted.a + (i << 2), known + i);
  stretches(sorted, 1);
  sorted.target = heap.alloc(((known + fresh) << 2) as usize);
  sorted.behind = fresh;
  sorted.left = known;
  sorted.end = known + fresh;
}

function stretches(sorted: Sorted, width: u32): void {
  sorted.width = width;
  pair(sorted, 0);
}

function pair(sorted: Sorted, from: u32): void {
  sorted.from = from;
  sorted.i = from;
  sorted.j = min(from + sorted.width, sorted.fresh);
  sorted.k = from;
}

function mergeStretches(sorted: Sorted, compare: (a: u32, b: u32) => i32): bool {
  const fresh = sorted.fresh;
  for (; sorted.width < fresh; stretches(sorted, sorted.width * 2)) {
    for (; sorted.from < fresh; pair(sorted, sorted.from + 2 * sorted.width)) if (!mergePair(sorted, compare)) return false;
    const t = sorted.a;
    sorted.a = sorted.b;
    sorted.b = t;
  }
  return true;
}

function mergePair(sorted: Sorted, compare: (a: u32, b: u32) => i32): bool {
  const a = sorted.a;
  const out = sorted.b;
  const middle = min(sorted.from + sorted.width, sorted.fresh);
  const to = min(sorted.from + 2 * sorted.width, sorted.fresh);
  let i = sorted.i;
  let j = sorted.j;
  let k = sorted.k;
  for (; k < to && budget > 0; k++) {
    let first = j === to;
    if (!first && i < middle) {
      first = compare(load<u32>(a + (i << 2)), load<u32>(a + (j << 2))) <= 0;
    }
    store<u32>(out + (k << 2), load<u32>(a + ((first ? i++ : j++) << 2)));
  }
  sorted.i = i;
  sorted.j = j;
  sorted.k = k;
  return k === to;
}

/** From the end: the new ones are few, the others move in blocks. */
function putAmong(sorted: Sorted, compare: (a: u32, b: u32) => i32): bool {
  const list = sorted.list;
  const target = sorted.target;
  for (; sorted.behind > 0; sorted.behind--) {
    if (budget <= 0) return false;
    const number = load<u32>(sorted.a + ((sorted.behind - 1) << 2));
    let from: u32 = 0;
    let to = sorted.left;
    // Galloping: where both are many, the next place is near.
    for (let step: u32 = 1; to > from; step *= 2) {
      const probe = step > to ? 0 : to - step;
      if (compare(load<u32>(list + (probe << 2)), number) < 0) {
        from = probe + 1;
        break;
      }
      to = probe;
    }
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compare(load<u32>(list + (middle << 2)), number) < 0) from = middle + 1;
      else to = middle;
    }
    const moved = sorted.left - from;
    sorted.end -= moved;
    memory.copy(target + (sorted.end << 2), list + (from << 2), (moved << 2) as usize);
    store<u32>(target + (--sorted.end << 2), number);
    sorted.left = from;
  }
  return true;
}

function finish(sorted: Sorted): void {
  memory.copy(sorted.target, sorted.list, (sorted.left << 2) as usize);
  heap.free(sorted.a);
  heap.free(sorted.b);
  if (sorted.list !== 0) heap.free(sorted.list);
  sorted.list = sorted.target;
  sorted.size += sorted.fresh;
  sorted.fresh = 0;
}

/** Sorts what is new with about so much work; false: there is more to do. */
export function sortSome(most: u32): bool {
  if (seriesCount() === ordered) return true;
  budget = most;
  return sortAll();
}

function sortAll(): bool {
  collectNames();
  return sortInto(entities, entityCount(), compareEntities) && sortInto(names, nameCount, compareNames);
}

/** Names of the series that were not looked at yet. NAME + 1 is 0: a series without a name counts as one. */
function collectNames(): void {
  const size = pairs() + 1;
  if (size > nameNumbersRoom) {
    const room = size + (size >> 1);
    nameNumbers = heap.realloc(nameNumbers === 0 ? heap.alloc(4) : nameNumbers, (room << 2) as usize);
    memory.fill(nameNumbers + (nameNumbersRoom << 2), 0, ((room - nameNumbersRoom) << 2) as usize);
    nameNumbersRoom = room;
  }
  const count = seriesCount();
  for (; looked < count; looked++) {
    const name = nameOf(looked);
    const slot = nameNumbers + ((name + 1) << 2);
    if (load<u32>(slot) !== 0) continue;
    if (nameCount === nameRoom) {
      nameRoom = nameRoom === 0 ? 256 : nameRoom * 2;
      nameList = heap.realloc(nameList === 0 ? heap.alloc(4) : nameList, (nameRoom << 2) as usize);
    }
    store<u32>(nameList + (nameCount << 2), name);
    store<u32>(slot, ++nameCount);
  }
}

/** Ids by place, of all series that there are now. */
export function orderOfAll(): usize {
  const count = seriesCount();
  if (count === ordered) return order;
  budget = i64.MAX_VALUE;
  sortAll();
  if (order !== 0) {
    heap.free(order);
    heap.free(places);
  }
  // By name, then by entity.
  const byName = heap.alloc((count << 2) as usize);
  const rankOfName = rank(names);
  let next = counters(nameCount);
  for (let id: u32 = 0; id < count; id++) bump(next, nameRank(rankOfName, id));
  sum(next, nameCount);
  for (let id: u32 = 0; id < count; id++) store<u32>(byName + (take(next, nameRank(rankOfName, id)) << 2), id);
  heap.free(next);
  heap.free(rankOfName);
  const rankOfEntity = rank(entities);
  next = counters(entityCount());
  for (let id: u32 = 0; id < count; id++) bump(next, load<u32>(rankOfEntity + (entityOf(id) << 2)));
  sum(next, entityCount());
  order = heap.alloc((count << 2) as usize);
  places = heap.alloc((count << 2) as usize);
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(byName + (i << 2));
    const place = take(next, load<u32>(rankOfEntity + (entityOf(id) << 2)));
    store<u32>(order + (place << 2), id);
    store<u32>(places + (id << 2), place);
  }
  heap.free(next);
  heap.free(rankOfEntity);
  heap.free(byName);
  ordered = count;
  return order;
}

/** The place of a series in the order of sending. */
export function placeOf(id: u32): u32 {
  orderOfAll();
  return load<u32>(places + (id << 2));
}

/** Places by id, of all series. */
export function placesOfAll(): usize {
  orderOfAll();
  return places;
}

function rank(sorted: Sorted): usize {
  const ranks = heap.alloc((sorted.size << 2) as usize);
  for (let i: u32 = 0; i < sorted.size; i++) store<u32>(ranks + (load<u32>(sorted.list + (i << 2)) << 2), i);
  return ranks;
}

// @ts-ignore: decorator
@inline
function nameRank(rankOfName: usize, id: u32): u32 {
  return load<u32>(rankOfName + ((load<u32>(nameNumbers + ((nameOf(id) + 1) << 2)) - 1) << 2));
}

function counters(keys: u32): usize {
  const next = heap.alloc(((keys + 1) << 2) as usize);
  memory.fill(next, 0, ((keys + 1) << 2) as usize);
  return next;
}

// @ts-ignore: decorator
@inline
function bump(next: usize, key: u32): void {
  const counter = next + ((key + 1) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
}

function sum(next: usize, keys: u32): void {
  for (let key: u32 = 1; key < keys; key++) {
    const counter = next + (key << 2);
    store<u32>(counter, load<u32>(counter) + load<u32>(counter - 4));
  }
}

// @ts-ignore: decorator
@inline
function take(next: usize, key: u32): u32 {
  const counter = next + (key << 2);
  const place = load<u32>(counter);
  store<u32>(counter, place + 1);
  return place;
}
