// One step of bench/floor.ts: a program that does each second a part of what an agent does.
//   step.ts STEP SOURCE SINK DIR
import { connect } from "node:net";

const [step = "timer", source = "", sink = "", dir = ""] = process.argv.slice(2);
const steps = ["timer", "poll", "send", "sqlite", "module", "client"];
const has = (name: string): boolean => steps.indexOf(step) >= steps.indexOf(name);

type Ask = (head: string, body: string | Uint8Array) => Promise<Uint8Array[]>;

/** As little as keep-alive over node:net can be: one request at a time, responses with a length or of 204. */
function plainClient(url: string): Ask {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  let pieces: Uint8Array[] = [];
  let left = -1;
  let done: (body: Uint8Array[]) => void = () => {};
  socket.on("data", (piece: Buffer) => {
    let body: Uint8Array = piece;
    if (left < 0) {
      const text = piece.toString("latin1", 0, 400);
      left = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      body = piece.subarray(text.indexOf("\r\n\r\n") + 4);
    }
    pieces.push(body);
    left -= body.length;
    if (left > 0) return;
    const all = pieces;
    pieces = [];
    left = -1;
    done(all);
  });
  return (head, body) =>
    new Promise((resolve) => {
      done = resolve;
      socket.write(`${head}host: bench\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
}

const window = () => `query=m%0A%5B2000ms%5D&time=${Math.floor(Date.now() / 1000)}`;
const POST = "POST /api/v1/query HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";

const readAsk = has("poll") && !has("client") ? plainClient(source) : undefined;
const sendAsk = has("send") && !has("client") ? plainClient(sink) : undefined;
let body: Uint8Array = new Uint8Array(2_000);

type Save = { attempted(): void; moved(): void };
async function openSave(): Promise<Save> {
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(`${dir}/${step}.sqlite`);
  db.exec(
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE a (k TEXT PRIMARY KEY, v TEXT); CREATE TABLE m (k INTEGER PRIMARY KEY, v BLOB)",
  );
  const put = db.prepare("INSERT INTO a VALUES (?, ?) ON CONFLICT DO UPDATE SET v = excluded.v");
  const keep = db.prepare("INSERT INTO m VALUES (1, ?) ON CONFLICT DO UPDATE SET v = excluded.v");
  const memory = new Uint8Array(1_000);
  return {
    attempted: () => void put.run("attempted", String(Date.now())),
    moved() {
      db.exec("BEGIN");
      put.run("cursor", String(Date.now()));
      keep.run(memory);
      db.exec("COMMIT");
    },
  };
}

/** Scan, look-up, frame, encoding, compression. */
async function openModule(): Promise<(pieces: readonly Uint8Array[]) => Uint8Array> {
  const { Batcher } = await import("../../src/batch/batcher.ts");
  const { encodeBody } = await import("../../src/remotewrite/encode.ts");
  const { FrameBuilder } = await import("../../src/series/frame-builder.ts");
  const { Keyspace } = await import("../../src/series/keyspace.ts");
  const { SeriesTable } = await import("../../src/series/table.ts");
  const { Scanner } = await import("../../src/source/scan/scanner.ts");
  const table = new SeriesTable();
  const keyspace = new Keyspace(table, undefined);
  const builder = new FrameBuilder();
  let round = 0;
  return (pieces) => {
    builder.clear();
    const scanner = new Scanner({
      keyspace,
      builder,
      newerThan: () => 0,
      from: 0,
      to: 1e15,
      nanIsStale: true,
      maxSamples: 1e9,
    });
    for (const piece of pieces) scanner.push(piece);
    const result = scanner.end();
    if (!result.ok) throw new Error(result.message);
    const { frame } = builder.build(table, 0, 1);
    scanner.close();
    const batcher = new Batcher(500);
    batcher.add(frame, ++round, 0);
    return encodeBody(batcher.flush()!);
  };
}

async function openClient(): Promise<{ read(): Promise<Uint8Array[]>; send(body: Uint8Array): Promise<void> }> {
  const { createHttpClient } = await import("../../src/http/client.ts");
  const timeouts = { firstByteMs: 30_000, idleMs: 30_000, totalMs: 300_000 };
  const [reads, sends] = [source, sink].map(() => createHttpClient({ connectMs: 5_000, connections: 4 }));
  const headers = Object.freeze({ "content-type": "application/x-www-form-urlencoded" });
  return {
    async read() {
      const sent = await reads!.request({
        method: "POST",
        url: `${source}/api/v1/query`,
        headers,
        body: window(),
        timeouts,
      });
      if (!sent.ok) throw new Error(sent.failure.message);
      const pieces: Uint8Array[] = [];
      for await (const piece of sent.answer.body) pieces.push(piece);
      return pieces;
    },
    async send(body) {
      const sent = await sends!.request({ method: "POST", url: `${sink}/w`, headers, body, timeouts });
      if (!sent.ok) throw new Error(sent.failure.message);
      await sent.answer.discard();
    },
  };
}

const save = has("sqlite") ? await openSave() : undefined;
const encode = has("module") ? await openModule() : undefined;
const client = has("client") ? await openClient() : undefined;

let busy = false;
setInterval(async () => {
  if (busy) return;
  busy = true;
  const pieces = client === undefined ? await readAsk?.(POST, window()) : await client.read();
  if (encode !== undefined) body = encode(pieces!);
  save?.attempted();
  if (client === undefined) await sendAsk?.("POST /w HTTP/1.1\r\n", body);
  else await client.send(body);
  save?.moved();
  busy = false;
}, 1_000);
