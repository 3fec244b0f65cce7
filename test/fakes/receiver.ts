// A scripted remote-write receiver over real HTTP on loopback. Every request of every test that uses it is checked against the
// protocol (numbers: docs/conformance.md); what breaks a rule is in `broken`, and close() throws it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Decoded, decodeWriteRequest, unsnappy } from "./wire.ts";

export type Answer =
  | { status: number; headers?: Record<string, string>; body?: string; delayMs?: number }
  /** Takes the request and never answers. */
  | "hang"
  /** Closes the connection without an answer. */
  | "reset"
  /** Sends the head and then a byte now and then, forever. */
  | "trickle"
  /** Something that is not HTTP. */
  | "garbage"
  /** A refusal whose body does not end. */
  | "endless";

export type Received = {
  path: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
  series: Decoded[];
  samples: number;
  at: number;
};

export type Receiver = {
  url: string;
  writeUrl: string;
  /** All requests that were read whole, in order of arrival. */
  requests: Received[];
  /** Samples of requests that were answered with 2xx: `labels` → [ts, bits][] in order of arrival. */
  stored: Map<string, [number, bigint][]>;
  /** What broke a rule of the protocol. */
  broken: string[];
  /** Rule 8 across requests; false for a test whose source has late samples, which are sent after newer ones. */
  inOrder: boolean;
  inFlight: number;
  mostInFlight: number;
  connections: number;
  /** Decides each answer; 204 by default. */
  answer: (request: Received, n: number) => Answer | Promise<Answer>;
  /** Stops listening and drops connections; start() listens again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends, and throws if a rule of the protocol was broken. */
  close(): Promise<void>;
};

export async function startReceiver(path = "/api/v1/write"): Promise<Receiver> {
  let server: Server;
  let port = 0;
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const open = new Set<Open>();
  let refused = false;
  const r: Receiver = {
    url: "",
    writeUrl: "",
    requests: [],
    stored: new Map(),
    broken: [],
    inOrder: true,
    inFlight: 0,
    mostInFlight: 0,
    connections: 0,
    answer: () => ({ status: 204 }),
    async start() {
      server = createServer((request, response) => void serve(request, response));
      server.keepAliveTimeout = 60_000; // or a sender on a busy machine opens another connection each time
      server.on("connection", (socket) => {
        r.connections++;
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      });
      await new Promise<void>((done, fail) => {
        server.once("error", fail);
        server.listen(port, "127.0.0.1", done);
      });
      port = (server.address() as AddressInfo).port;
      r.url = `http://127.0.0.1:${port}`;
      r.writeUrl = `${r.url}${path}`;
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async close() {
      await r.stop();
      if (r.broken.length > 0) throw new Error(`the protocol was broken:\n${r.broken.slice(0, 10).join("\n")}`);
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    r.mostInFlight = Math.max(r.mostInFlight, ++r.inFlight);
    response.once("close", () => r.inFlight--);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // broken off by the sender
    }
    const body = Buffer.concat(pieces);
    const series = check(request, body, path, refused, r.broken);
    const samples = series.reduce((n, s) => n + s.samples.length, 0);
    const received: Received = {
      path: request.url ?? "",
      headers: request.headers,
      body,
      series,
      samples,
      at: performance.now(),
    };
    alone(r, open, { body, keys: series.map(({ labels }) => JSON.stringify(labels)), response });
    const answer = await r.answer(received, r.requests.push(received) - 1);
    const taken = typeof answer === "object" && answer.status >= 200 && answer.status < 300;
    refused ||= typeof answer === "object" && answer.status >= 400 && answer.status < 500;
    if (taken) store(r, series);
    give(response, answer);
  }

  function give(response: ServerResponse, answer: Answer): void {
    switch (answer) {
      case "hang":
        return;
      case "reset":
        return void response.socket?.destroy();
      case "garbage":
        response.socket?.write("220 mail.example.com ESMTP\r\n\r\n");
        return void response.socket?.end();
      case "trickle":
        response.writeHead(500, { "content-type": "text/plain" });
        return void timers.add(setInterval(() => response.write("."), 20));
      case "endless":
        response.writeHead(500, { "content-type": "text/plain" });
        return void timers.add(setInterval(() => response.write("x".repeat(64 * 1024)), 1));
      default: {
        const send = () => response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
        if (answer.delayMs === undefined) return void send();
        timers.add(setTimeout(send, answer.delayMs));
      }
    }
  }

  await r.start();
  return r;
}

type Open = { body: Buffer; keys: string[]; response: ServerResponse };

/** Rule 8: what two requests in flight hold may be stored in any order, so a series is in one of them only (or both are the same). */
function alone(r: Receiver, open: Set<Open>, request: Open): void {
  const done = () => open.delete(request);
  request.response.once("finish", done).once("close", done);
  for (const other of open) {
    const shared = other.keys.find((key) => request.keys.includes(key));
    if (shared === undefined || other.body.equals(request.body)) continue;
    // An attempt that its sender has broken off is in flight no more, though that is not seen here at once.
    setTimeout(() => {
      if (other.response.writableFinished || !other.response.destroyed)
        r.broken.push(`rule 8: two requests in flight with ${shared}`);
    }, 50);
  }
  open.add(request);
}

/** The samples of a 2xx, and rule 8: nothing new of a series comes after something newer, across requests (repeats are allowed). */
function store(r: Receiver, series: Decoded[]): void {
  for (const { labels, samples } of series) {
    const key = JSON.stringify(labels);
    const list = r.stored.get(key) ?? [];
    const newest = list.reduce((ts, [of]) => Math.max(ts, of), Number.NEGATIVE_INFINITY);
    for (const { ts, bits } of samples) {
      if (r.inOrder && ts < newest && !list.some(([of]) => of === ts))
        r.broken.push(`rule 8: ${ts} after ${newest}, across requests, in ${key}`);
      list.push([ts, bits]);
    }
    r.stored.set(key, list);
  }
}

const utf8 = new TextEncoder();
const bytewise = (a: string, b: string): number => Buffer.compare(utf8.encode(a), utf8.encode(b));

/** Rules 1 to 7 of the protocol for one request; what it holds. */
function check(request: IncomingMessage, body: Buffer, path: string, refused: boolean, broken: string[]): Decoded[] {
  const rule = (number: number, holds: boolean, what: string) => {
    if (!holds) broken.push(`rule ${number}: ${what}`);
  };
  const { headers } = request;
  rule(1, request.method === "POST" && request.url === path, `${request.method} ${request.url}, not POST ${path}`);
  rule(4, headers["content-encoding"] === "snappy", `content-encoding ${headers["content-encoding"]}`);
  rule(4, headers["content-type"] === "application/x-protobuf", `content-type ${headers["content-type"]}`);
  rule(4, /^[\w-]+\/\d/.test(headers["user-agent"] ?? ""), `user-agent ${headers["user-agent"]}`);
  rule(
    4,
    headers["x-prometheus-remote-write-version"] === "0.1.0",
    `version ${headers["x-prometheus-remote-write-version"]}`,
  );
  let series: Decoded[] = [];
  try {
    const message = unsnappy(body);
    rule(2, message.length < 16 * 1024 * 1024, `${message.length} bytes decoded`);
    series = decodeWriteRequest(message);
  } catch (error) {
    rule(3, false, String(error));
    return [];
  }
  rule(2, series.length > 0 || refused, "a write without samples, and nothing was refused before");
  const seen = new Set<string>();
  for (const { labels, samples } of series) {
    const key = JSON.stringify(labels);
    rule(6, !seen.has(key), `two TimeSeries of ${key}`);
    seen.add(key);
    rule(2, samples.length > 0, `no samples of ${key}`);
    labels.forEach(([name, value], i) => {
      rule(6, name !== "" && value !== "", `an empty name or value in ${key}`);
      rule(6, i === 0 || bytewise(labels[i - 1]![0], name) < 0, `labels not sorted, or one twice, in ${key}`);
      const legal =
        name === "__name__" ? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value) : /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
      rule(7, legal, `an illegal name in ${key}`);
    });
    rule(
      7,
      labels.some(([name]) => name === "__name__"),
      `no __name__ in ${key}`,
    );
    samples.forEach(({ ts }, i) => {
      rule(8, i === 0 || samples[i - 1]!.ts <= ts, `samples not in timestamp order in ${key}`);
    });
  }
  return series;
}
