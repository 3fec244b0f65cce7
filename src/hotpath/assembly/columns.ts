// Records by number, in chunks that never move: memory of the module cannot shrink, so nothing in it is copied to a larger place.
// A column is a pointer to { directory, chunks, room of the directory }.

const BITS: u32 = 10;
/** Records in a chunk. */
export const CHUNK: u32 = 1 << BITS;

export function newColumn(): usize {
  const column = heap.alloc(12);
  store<u32>(column, heap.alloc(64) as u32);
  store<u32>(column, 0, 4);
  store<u32>(column, 16, 8);
  return column;
}

/** Where record `n` of 2^shift bytes stands. */
// @ts-ignore: decorator
@inline
export function at(column: usize, n: u32, shift: u32): usize {
  return (load<u32>((load<u32>(column) as usize) + (((n >> BITS) << 2) as usize)) as usize) + (((n & (CHUNK - 1)) << shift) as usize);
}

/** Room for `count` records, the new ones 0. */
export function reserve(column: usize, count: u32, shift: u32): void {
  let chunks = load<u32>(column, 4);
  while (chunks << BITS < count) {
    const room = load<u32>(column, 8);
    if (chunks === room) {
      store<u32>(column, heap.realloc(load<u32>(column), ((room * 2) << 2) as usize) as u32);
      store<u32>(column, room * 2, 8);
    }
    const bytes = (CHUNK << shift) as usize;
    const chunk = heap.alloc(bytes);
    memory.fill(chunk, 0, bytes);
    store<u32>((load<u32>(column) as usize) + ((chunks << 2) as usize), chunk as u32);
    store<u32>(column, ++chunks, 4);
  }
}

export function freeColumn(column: usize): void {
  const directory = load<u32>(column) as usize;
  const chunks = load<u32>(column, 4);
  for (let i: u32 = 0; i < chunks; i++) heap.free(load<u32>(directory + ((i << 2) as usize)) as usize);
  heap.free(directory);
  heap.free(column);
}

// Bytes one after the other, in blocks that never move: an arena is { next free byte, end of the block }.

const BLOCK: u32 = 16 * 1024;
/** What is read or written by sixteen bytes may go this far past its end. */
export const SLACK: u32 = 32;

export function newArena(): usize {
  const arena = heap.alloc(8);
  store<u64>(arena, 0);
  return arena;
}

/** A place for `bytes`, aligned to four: the same one until they are kept. */
export function candidate(arena: usize, bytes: u32): usize {
  const next = load<u32>(arena);
  if (next === 0 || next + bytes + SLACK > load<u32>(arena, 4)) {
    const size = max(BLOCK, bytes + SLACK);
    const block = heap.alloc(size as usize) as u32;
    store<u32>(arena, block);
    store<u32>(arena, block + size, 4);
    return block as usize;
  }
  return next as usize;
}

export function keep(arena: usize, bytes: u32): void {
  store<u32>(arena, load<u32>(arena) + ((bytes + 3) & ~3));
}
