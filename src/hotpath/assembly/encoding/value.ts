// The values of samples as they are sent.

const STALE_BITS: u64 = 0x7ff0000000000002;
/** Of a value: what decides about its last decimals. */
export const LOW_BYTES: u64 = 0xffffffffff;

/** The bits of value `i` of the columns. */
// @ts-ignore: decorator
@inline
export function valueOf(values: usize, stales: usize, i: u32): u64 {
  return load<u8>(stales + i) !== 0 ? STALE_BITS : load<u64>(values + (i << 3));
}
