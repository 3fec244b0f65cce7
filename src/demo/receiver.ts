// The demo's embedded remote-write receiver: decodes, counts distinct samples and repeats for each path, and misbehaves now and then.
import { createServer } from "node:http";
import protobuf from "protobufjs/minimal.js";
import snappy from "snappyjs";
import { close, listen } from "./source.ts";

export type Counts = { samples: number; repeats: number; refused: number };

export type DemoReceiver = { url: string; counts(path: string): Counts; close(): Promise<void> };

const WRITE_PATH = "/api/v1/write";

/** `elapsedMs`: since the demo began; its misbehaviour follows it, so that every demo shows the same. */
export async function startReceiver(elapsedMs: () => number): Promise<DemoReceiver> {
  const seen = new Map<string, { keys: Set<string>; counts: Counts }>();
  const of = (path: string) => {
    let known = seen.get(path);
    if (known === undefined)
      seen.set(path, (known = { keys: new Set(), counts: { samples: 0, repeats: 0, refused: 0 } }));
    return known;
  };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => void pieces.push(piece));
    request.on("end", () => {
      if (!path.endsWith(WRITE_PATH)) return void response.writeHead(404).end("no remote write here\n");
      const { keys, counts } = of(path);
      const mood = moodOf(path, elapsedMs());
      if (mood !== undefined) {
        counts.refused++;
        return void response.writeHead(mood.status, mood.headers).end(mood.text);
      }
      try {
        for (const key of samplesOf(Buffer.concat(pieces))) {
          if (keys.has(key)) counts.repeats++;
          else counts.samples++;
          keys.add(key);
        }
        response.writeHead(204).end();
      } catch (error) {
        response.writeHead(400).end(`cannot decode: ${(error as Error).message}\n`);
      }
    });
  });
  return { url: await listen(server), counts: (path) => of(path).counts, close: () => close(server) };
}

type Mood = { status: number; headers: Record<string, string>; text: string };

/** /flaky: 503 for 3 s in every 10; /limited: 429 in the first second of every 5. */
function moodOf(path: string, elapsedMs: number): Mood | undefined {
  if (path.startsWith("/flaky/") && elapsedMs % 10_000 >= 4_000 && elapsedMs % 10_000 < 7_000)
    return { status: 503, headers: {}, text: "the demo's receiver takes a rest\n" };
  if (path.startsWith("/limited/") && elapsedMs % 5_000 < 1_000)
    return { status: 429, headers: { "retry-after": "1" }, text: "the demo's receiver limits the rate\n" };
  return undefined;
}

/** A key for each sample of a WriteRequest. */
function* samplesOf(body: Buffer): Iterable<string> {
  const reader = protobuf.Reader.create(snappy.uncompress(body) as Buffer);
  while (reader.pos < reader.len) {
    reader.uint32(); // timeseries
    const end = reader.uint32() + reader.pos;
    let labels = "";
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag >>> 3 === 1) labels += `${Buffer.from(reader.bytes()).toString("latin1")};`;
      else {
        const sample = protobuf.Reader.create(reader.bytes());
        let ts = "";
        while (sample.pos < sample.len) {
          const field = sample.uint32();
          if (field >>> 3 === 2) ts = String(sample.int64());
          else sample.skipType(field & 7);
        }
        yield `${labels}@${ts}`;
      }
    }
  }
}
