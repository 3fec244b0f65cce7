// A remote-write receiver that decodes every request: a program of its own, so that it takes no CPU of what is measured.
//   bun bench/load/receiver.ts        prints its port; GET /stats, POST /reset, POST /api/v1/write
// `fresh` counts samples that are newer than the last one of their series: what was delivered once, in order, stale markers apart.
import { createServer } from "node:http";
import { zstdDecompressSync } from "node:zlib";
import { snappyUncompressor } from "hysnappy";
import { hashBytes, lanes } from "./hash.ts";

const STALE = 0x7ff0000000000002n;

export type Stats = {
  requests: number;
  bodyBytes: number;
  rawBytes: number;
  samples: number;
  fresh: number;
  stale: number;
  series: number;
  firstAtMs: number;
};

let stats: Stats;
const newest = new Map<number, number>();
let takesZstd = true;
const reset = () => {
  stats = { requests: 0, bodyBytes: 0, rawBytes: 0, samples: 0, fresh: 0, stale: 0, series: 0, firstAtMs: 0 };
};
reset();

const uncompress = snappyUncompressor();

/** The length that a snappy block begins with. */
function rawLength(body: Uint8Array): number {
  let length = 0;
  for (let i = 0, shift = 1; ; i++, shift *= 128) {
    length += (body[i]! & 0x7f) * shift;
    if (body[i]! < 0x80) return length;
  }
}

/** vmagent compresses with zstd where the receiver takes it, everybody else with snappy. */
function take(body: Buffer, encoding: string | undefined): void {
  const raw = encoding === "zstd" ? new Uint8Array(zstdDecompressSync(body)) : uncompress(body, rawLength(body));
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  stats.requests++;
  stats.bodyBytes += body.length;
  stats.rawBytes += raw.length;
  let at = 0;
  const varint = (): number => {
    let n = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = raw[at++]!;
      n += (byte & 0x7f) * scale;
      if (byte < 0x80) return n;
    }
  };
  while (at < raw.length) {
    const tag = raw[at++]!;
    const end = varint() + at;
    if (tag !== 0x0a) {
      at = end; // metadata
      continue;
    }
    const labelsFrom = at;
    let labelsTo = at;
    const samplesFrom: number[] = [];
    while (at < end) {
      const field = raw[at++]!;
      const length = varint();
      if (field === 0x0a) labelsTo = at + length;
      else if (field === 0x12) samplesFrom.push(at, at + length);
      at += length;
    }
    hashBytes(raw, view, labelsFrom, labelsTo, 1, 2);
    const key = lanes[0]! * 0x200000 + (lanes[1]! & 0x1fffff);
    for (let s = 0; s < samplesFrom.length; s += 2) {
      let ts = 0;
      let stale = false;
      for (at = samplesFrom[s]!; at < samplesFrom[s + 1]!; ) {
        if (raw[at++] === 0x09) {
          stale = view.getBigUint64(at, true) === STALE;
          at += 8;
        } else ts = varint();
      }
      stats.samples++;
      if (stale) stats.stale++;
      else if (ts > (newest.get(key) ?? 0)) {
        newest.set(key, ts);
        stats.fresh++;
      }
    }
    at = end;
  }
  if (stats.firstAtMs === 0) stats.firstAtMs = Date.now();
}

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    if (request.url === "/stats") return response.end(JSON.stringify({ ...stats, series: newest.size }));
    if (request.url?.startsWith("/reset")) {
      takesZstd = request.url !== "/reset?zstd=no";
      newest.clear();
      reset();
      return response.end();
    }
    const encoding = request.headers["content-encoding"];
    if (encoding === "zstd" && !takesZstd) {
      response.statusCode = 415; // a sender falls back to snappy
      return response.end();
    }
    take(Buffer.concat(pieces), encoding);
    response.statusCode = 204;
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" && address !== null ? address.port : 0);
});
