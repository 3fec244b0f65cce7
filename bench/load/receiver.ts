// A remote-write receiver that decodes every request: a program of its own, so that it takes no CPU of what is measured.
//   bun bench/load/receiver.ts        prints its port; GET /stats, POST /reset, POST /api/v1/write
// `fresh` counts samples that are newer than the last one of their series: what was delivered once, in order, stale markers apart.
import { createServer } from "node:http";
import { zstdDecompressSync } from "node:zlib";
import { snappyUncompressor } from "hysnappy";
import { hashBytes, lanes, wordAt } from "./hash.ts";

/** The bits of a stale marker. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;

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

/** Where readVarint() ended: two numbers are returned without an object. */
let end = 0;

function readVarint(raw: Uint8Array, from: number): number {
  let n = 0;
  end = from;
  for (let scale = 1; ; scale *= 128) {
    const byte = raw[end++]!;
    n += (byte & 0x7f) * scale;
    if (byte < 0x80) return n;
  }
}

/** Takes one Sample of the series with this key. */
function takeSample(raw: Uint8Array, from: number, to: number, key: number): void {
  let ts = 0;
  let stale = false;
  for (let at = from; at < to; ) {
    if (raw[at++] === 0x09) {
      stale = wordAt(raw, at) === STALE_LOW && wordAt(raw, at + 4) === STALE_HIGH;
      at += 8;
    } else {
      ts = readVarint(raw, at);
      at = end;
    }
  }
  stats.samples++;
  if (stale) stats.stale++;
  else if (ts > (newest.get(key) ?? 0)) {
    newest.set(key, ts);
    stats.fresh++;
  }
}

/** Takes one TimeSeries: labels, then samples. */
function takeSeries(raw: Uint8Array, from: number, to: number): void {
  let key: number | undefined;
  for (let at = from; at < to; ) {
    const isSample = raw[at] === 0x12;
    if (isSample && key === undefined) {
      hashBytes(raw, from, at, 1, 2);
      key = lanes[0]! * 0x200000 + (lanes[1]! & 0x1fffff);
    }
    const length = readVarint(raw, at + 1);
    at = end + length;
    if (isSample) takeSample(raw, at - length, at, key!);
  }
}

/** vmagent compresses with zstd where the receiver takes it, everybody else with snappy. */
function take(body: Buffer, encoding: string | undefined): void {
  const raw = encoding === "zstd" ? new Uint8Array(zstdDecompressSync(body)) : uncompress(body, rawLength(body));
  stats.requests++;
  stats.bodyBytes += body.length;
  stats.rawBytes += raw.length;
  for (let at = 0; at < raw.length; ) {
    const isSeries = raw[at] === 0x0a; // else metadata
    const length = readVarint(raw, at + 1);
    at = end + length;
    if (isSeries) takeSeries(raw, at - length, at);
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
