// Which number a thing has that is kept elsewhere, things being numbered from 0: open addressing, slots hold number + 1. The owner puts
// what may be new behind the others. An index is { slots, mask, size }.

export function newIndex(): usize {
  const index = heap.alloc(12);
  const slots = heap.alloc(256 * 4);
  memory.fill(slots, 0, 256 * 4);
  store<u32>(index, slots as u32);
  store<u32>(index, 255, 4);
  store<u32>(index, 0, 8);
  return index;
}

// @ts-ignore: decorator
@inline
export function sizeOf(index: usize): u32 {
  return load<u32>(index, 8);
}

/** The number of what was put behind the others and has this hash: that of an equal one, or the size as it was, if it is new. */
export function intern(index: usize, hash: u32, hashOf: (n: u32) => u32, isLast: (n: u32) => bool): u32 {
  const slots = load<u32>(index) as usize;
  const mask = load<u32>(index, 4);
  let slot = hash & mask;
  for (; ; slot = (slot + 1) & mask) {
    const number = load<u32>(slots + (slot << 2));
    if (number === 0) break;
    if (isLast(number - 1)) return number - 1;
  }
  const size = load<u32>(index, 8) + 1;
  store<u32>(index, size, 8);
  store<u32>(slots + (slot << 2), size);
  if (size * 4 > mask * 3) grow(index, hashOf);
  return size - 1;
}

function grow(index: usize, hashOf: (n: u32) => u32): void {
  heap.free(load<u32>(index) as usize);
  const size = load<u32>(index, 8);
  const room = (load<u32>(index, 4) + 1) << 1;
  const slots = heap.alloc((room << 2) as usize);
  memory.fill(slots, 0, (room << 2) as usize);
  const mask = room - 1;
  for (let number: u32 = 0; number < size; number++) {
    let slot = hashOf(number) & mask;
    while (load<u32>(slots + (slot << 2)) !== 0) slot = (slot + 1) & mask;
    store<u32>(slots + (slot << 2), number + 1);
  }
  store<u32>(index, slots as u32);
  store<u32>(index, mask, 4);
}
