// An independent reader of what a sender put on the wire: snappy block format and the remote-write 1.0 message, by a few lines of
// their own, so that encoder and decoder cannot share a mistake.

export type Decoded = { labels: [string, string][]; samples: { bits: bigint; value: number; ts: number }[] };

/** The bits that mean "this series has ended". */
export const STALE_BITS = 0x7ff0000000000002n;

/** Snappy block format: a varint length, then literals and copies. Throws on anything else, framed snappy too. */
export function unsnappy(input: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = take();
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
    if (shift > 28) throw new Error("snappy: the length is not a varint");
  }
  if (length > 64 * 1024 * 1024) throw new Error(`snappy: ${length} bytes`);
  const out = new Uint8Array(length);
  let to = 0;
  while (at < input.length) {
    const tag = take();
    if ((tag & 3) === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) size = little(size - 60) + 1;
      if (at + size > input.length || to + size > length) throw new Error("snappy: a literal is too long");
      out.set(input.subarray(at, at + size), to);
      at += size;
      to += size;
      continue;
    }
    const size = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = (tag & 3) === 1 ? ((tag >> 5) << 8) | take() : little((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > to || to + size > length) throw new Error("snappy: a copy from nowhere");
    for (let i = 0; i < size; i++, to++) out[to] = out[to - back]!;
  }
  if (to !== length) throw new Error(`snappy: ${to} bytes, ${length} were promised`);
  return out;

  function take(): number {
    if (at >= input.length) throw new Error("snappy: it ends too early");
    return input[at++]!;
  }
  function little(bytes: number): number {
    let n = 0;
    for (let i = 0; i < bytes; i++) n += take() * 2 ** (8 * i);
    return n;
  }
}

/** Fields of a protobuf message: number, wire type, value. */
function* fields(
  bytes: Uint8Array,
): Iterable<{ field: number; wire: number; at: number; n: bigint; bytes: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = (): bigint => {
    let n = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new Error("protobuf: a varint is broken");
      const byte = bytes[at++]!;
      n |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return n;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wire, start] = [tag >>> 3, tag & 7, at];
    if (wire === 0) yield { field, wire, at: start, n: varint(), bytes: new Uint8Array() };
    else if (wire === 1) {
      if (at + 8 > bytes.length) throw new Error("protobuf: a double is cut");
      at += 8;
      yield { field, wire, at: start, n: view.getBigUint64(at - 8, true), bytes: new Uint8Array() };
    } else if (wire === 2) {
      const size = Number(varint());
      if (at + size > bytes.length) throw new Error("protobuf: a field is cut");
      at += size;
      yield { field, wire, at: start, n: 0n, bytes: bytes.subarray(at - size, at) };
    } else throw new Error(`protobuf: wire type ${wire}`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const double = new DataView(new ArrayBuffer(8));

/** WriteRequest{ TimeSeries timeseries = 1 { Label labels = 1 { name = 1, value = 2 }, Sample samples = 2 { double value = 1, int64 timestamp = 2 } } } */
export function decodeWriteRequest(message: Uint8Array): Decoded[] {
  const all: Decoded[] = [];
  for (const request of fields(message)) {
    if (request.field !== 1 || request.wire !== 2) throw new Error(`WriteRequest has field ${request.field}`);
    const series: Decoded = { labels: [], samples: [] };
    for (const part of fields(request.bytes)) {
      if (part.wire !== 2) throw new Error(`TimeSeries has field ${part.field} of wire type ${part.wire}`);
      if (part.field === 1) {
        const label: [string, string] = ["", ""];
        for (const f of fields(part.bytes)) label[f.field - 1] = utf8.decode(f.bytes);
        series.labels.push(label);
      } else if (part.field === 2) {
        let bits = 0n; // proto3: an absent value is 0
        let ts = 0;
        for (const f of fields(part.bytes)) {
          if (f.field === 1 && f.wire === 1) bits = f.n;
          else if (f.field === 2 && f.wire === 0) ts = Number(BigInt.asIntN(64, f.n));
          else throw new Error(`Sample has field ${f.field} of wire type ${f.wire}`);
        }
        double.setBigUint64(0, bits);
        series.samples.push({ bits, value: double.getFloat64(0), ts });
      } else throw new Error(`TimeSeries has field ${part.field}`);
    }
    all.push(series);
  }
  return all;
}
