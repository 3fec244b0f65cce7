// The demo's embedded remote-write receiver: decodes, counts distinct samples and repeats for each path, and misbehaves as moods.ts says.
import { createServer } from "node:http";
import protobuf from "protobufjs/minimal.js";
import snappy from "snappyjs";
import { moodOf } from "./moods.ts";
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
      const body = Buffer.concat(pieces);
      try {
        const samples = [...samplesOf(body)];
        const { status, headers = {}, text = "", delayMs = 0 } = moodOf(path, elapsedMs(), body.length, samples);
        if (status === 204)
          for (const key of samples) {
            if (keys.has(key)) counts.repeats++;
            else counts.samples++;
            keys.add(key);
          }
        else counts.refused++;
        const answer = () => void response.writeHead(status, headers).end(text);
        if (delayMs > 0) setTimeout(answer, delayMs);
        else answer();
      } catch (error) {
        response.writeHead(400).end(`cannot decode: ${(error as Error).message}\n`);
      }
    });
  });
  return { url: await listen(server), counts: (path) => of(path).counts, close: () => close(server) };
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
