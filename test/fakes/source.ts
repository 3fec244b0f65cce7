// A scripted source over real HTTP: answers each query by the behaviour that is set, from rows of samples; remembers what was asked.
// Every fault that a real server, a proxy or the network shows is one behaviour.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type SourceRow = {
  labels: Record<string, string>;
  /** Timestamp in ms, value as the server prints it. */
  samples: [ts: number, value: string][];
};

export type Asked = { path: string; query: string; fromMs: number; toMs: number; form: URLSearchParams };
export type Behaviour = (asked: Asked, response: ServerResponse, source: FakeSource) => void;

export type FakeSource = {
  url: string;
  rows: SourceRow[];
  asked: Asked[];
  behave: Behaviour;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
};

/** What a server answers: all samples of the window for `SELECTOR[w]`, else the last value of each series. */
export function bodyFor(rows: readonly SourceRow[], { query, fromMs, toMs }: Asked): string {
  const range = /\[\d+ms\]$/.test(query);
  const result = rows.flatMap(({ labels, samples }): object[] => {
    const inside = samples.filter(([ts]) => ts > fromMs && ts <= toMs);
    if (inside.length === 0) return [];
    const pairs = inside.map(([ts, value]): [number, string] => [ts / 1000, value]);
    return range ? [{ metric: labels, values: pairs }] : [{ metric: labels, value: [toMs / 1000, pairs.at(-1)![1]] }];
  });
  if (query === "1") return `{"status":"success","data":{"resultType":"scalar","result":[${toMs / 1000},"1"]}}`;
  return JSON.stringify({ status: "success", data: { resultType: range ? "matrix" : "vector", result } });
}

export const behaviours = {
  answer: ((asked, response, source) => response.end(bodyFor(source.rows, asked))) as Behaviour,
  /** Like VictoriaMetrics: names its host in a header. */
  victoriametrics: ((asked, response, source) => {
    response.setHeader("X-Server-Hostname", "vm-0");
    response.end(bodyFor(source.rows, asked));
  }) as Behaviour,
  /** Accepts the request and never answers. */
  silent: (() => {}) as Behaviour,
  reset: ((_asked, response) => response.socket!.destroy()) as Behaviour,
  status:
    (code: number, body: string, headers: Record<string, string> = {}): Behaviour =>
    (_asked, response) =>
      response.writeHead(code, headers).end(body),
  text:
    (body: string): Behaviour =>
    (_asked, response) =>
      response.end(body),
  /** The first `bytes` of the right answer, then a proper end: what a server does that broke an answer off. */
  truncated:
    (bytes: number): Behaviour =>
    (asked, response, source) =>
      response.end(Buffer.from(bodyFor(source.rows, asked)).subarray(0, bytes)),
  /** The first `bytes`, then silence. */
  stalls:
    (bytes: number): Behaviour =>
    (asked, response, source) =>
      void response.write(Buffer.from(bodyFor(source.rows, asked)).subarray(0, bytes)),
  /** The first `bytes`, then the connection breaks. */
  breaks:
    (bytes: number): Behaviour =>
    (asked, response, source) =>
      void response.write(Buffer.from(bodyFor(source.rows, asked)).subarray(0, bytes), () =>
        response.socket!.destroy(),
      ),
  /** In pieces of `bytes`, with `ms` between them. */
  slow:
    (bytes: number, ms: number): Behaviour =>
    (asked, response, source) => {
      const body = Buffer.from(bodyFor(source.rows, asked));
      let at = 0;
      const next = () => {
        if (response.destroyed) return;
        if (at >= body.length) return void response.end();
        response.write(body.subarray(at, (at += bytes)));
        setTimeout(next, ms);
      };
      next();
    },
  /** `head`, then `piece` again and again for `times` (forever by default), as fast as it is taken. */
  endless:
    (head: string, piece: string, times = Number.POSITIVE_INFINITY, tail = ""): Behaviour =>
    (_asked, response) => {
      response.write(head);
      let left = times;
      const more = () => {
        while (left-- > 0) if (!response.write(piece)) return void response.once("drain", more);
        response.end(tail);
      };
      more();
    },
};

export async function startFakeSource(rows: SourceRow[] = []): Promise<FakeSource> {
  const sockets = new Set<Socket>();
  const server = createServer((request: IncomingMessage, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const form = new URLSearchParams(Buffer.concat(pieces).toString("utf8"));
      const query = form.get("query") ?? "";
      const toMs = Math.round(Number(form.get("time") ?? form.get("end")) * 1000);
      const windowMs = Number(/\[(\d+)ms\]$/.exec(query)?.[1] ?? 300_000);
      const asked = { path: request.url!, query, fromMs: toMs - windowMs, toMs, form };
      source.asked.push(asked);
      source.behave(asked, response, source);
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const source: FakeSource = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rows,
    asked: [],
    behave: behaviours.answer,
    connections: () => sockets.size,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
  return source;
}
