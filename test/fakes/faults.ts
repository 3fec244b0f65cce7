// What may stand at an address instead of a good server: faults of the connection, of time, of HTTP and of content, and a server that
// has them. The matrices of sink (test/remotewrite/faults.test.ts) and source (test/source/matrix.test.ts) go through all of them.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { FailureReason } from "../../src/status/events.ts";

export type Fault = {
  name: string;
  /** What the endpoint does with the n-th connection, or once a request's head is here. */
  connect?: (socket: Socket) => void;
  request?: (socket: Socket) => void;
  /** Instead of the scripted endpoint. */
  url?: string;
  reason: FailureReason;
  /** The message names what was seen. */
  says: RegExp;
  /** Dropped for this reason after its attempts; held: still pending after one. */
  end?: "exhausted" | "held" | "rejected";
  /** Requests that reach the endpoint; 3 attempts by default. */
  requests?: number;
  /** What an attempt may take, ms. */
  timeoutMs?: number;
};

const HEAD = "HTTP/1.1";
export const faults: readonly Fault[] = [
  // -- no connection
  {
    name: "connection refused",
    url: "http://127.0.0.1:1/api/v1/write",
    reason: "EndpointUnreachable",
    says: /ECONNREFUSED/,
    requests: 0,
  },
  {
    name: "a name that does not resolve",
    url: "http://no-such-host.invalid/api/v1/write",
    reason: "EndpointUnreachable",
    says: /does not resolve/,
    requests: 0,
  },
  // -- the connection breaks
  {
    name: "closed as soon as it is accepted",
    connect: (s) => s.destroy(),
    reason: "EndpointUnreachable",
    says: /closed the connection/,
    requests: 0,
  },
  {
    name: "reset as soon as it is accepted",
    connect: (s) => s.resetAndDestroy(),
    reason: "EndpointUnreachable",
    says: /closed the connection/,
    requests: 0,
  },
  {
    name: "closed in the middle of the request",
    request: (s) => s.destroy(),
    reason: "EndpointUnreachable",
    says: /closed the connection/,
  },
  {
    name: "reset in the middle of the request",
    request: (s) => s.resetAndDestroy(),
    reason: "EndpointUnreachable",
    says: /closed the connection/,
  },
  {
    name: "closed in the middle of the answer's head",
    request: (s) => s.end(`${HEAD} 204 No Con`),
    reason: "EndpointUnreachable",
    says: /closed the connection|did not answer with HTTP/,
  },
  // -- time
  { name: "accepts and says nothing", connect: () => {}, reason: "Timeout", says: /in time/, requests: 0 },
  { name: "takes the request and never answers", request: () => {}, reason: "Timeout", says: /in time/ },
  {
    name: "slow-loris: a byte of the head now and then",
    request: (s) => drip(s, `${HEAD} 204 No Content\r\nx-${"a".repeat(2000)}: `),
    reason: "Timeout",
    says: /in time/,
  },
  {
    name: "headers forever",
    request: (s) => repeat(s, `${HEAD} 204 No Content\r\n`, "x-a: b\r\n"),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  // -- no HTTP
  {
    name: "garbage",
    request: (s) => s.end("220 mail.example.com ESMTP\r\n\r\n"),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "HTTP/0.9: a body without a head",
    request: (s) => s.end("<html>hello</html>"),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a status that is not a number",
    request: (s) => s.end(`${HEAD} OK\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a header without a name",
    request: (s) => s.end(`${HEAD} 204 No Content\r\n: x\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "two different content lengths",
    request: (s) => s.end(`${HEAD} 500 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a TLS server behind http://",
    request: (s) => s.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a plain server behind https://",
    url: "https",
    connect: (s) => s.once("data", () => s.end(`${HEAD} 400 Bad Request\r\ncontent-length: 0\r\n\r\n`)),
    reason: "TLSFailure",
    says: /TLS/,
    requests: 0,
  },
  {
    name: "an HTTP/2 server behind http://",
    request: (s) => s.end(Buffer.from("000012040000000000000300000064", "hex")),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a header of a megabyte",
    request: (s) => s.end(`${HEAD} 204 No Content\r\nx-a: ${"a".repeat(1 << 20)}\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a NUL in a header",
    request: (s) => s.end(`${HEAD} 204 No Content\r\nx-a: a\0b\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a negative content length",
    request: (s) => s.end(`${HEAD} 500 X\r\ncontent-length: -1\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "chunks and a content length at once",
    request: (s) => s.end(`${HEAD} 500 X\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "an answer of SSH",
    request: (s) => s.end("SSH-2.0-OpenSSH_9.2\r\n"),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "a kilobyte of noise",
    request: (s) => s.end(Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 97 + 13) % 256))),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "101: it wants to speak another protocol",
    request: (s) => s.end(`${HEAD} 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`),
    reason: "ProtocolError",
    says: /101|did not answer with HTTP/,
  },
  // -- bodies of a refusal
  {
    name: "503 whose body breaks off",
    request: (s) => s.end(`${HEAD} 503 X\r\ncontent-length: 1000\r\n\r\nover`),
    reason: "ServerError",
    says: /503.*over/,
  },
  {
    name: "503 whose body does not end",
    request: (s) => repeat(s, `${HEAD} 503 X\r\ntransfer-encoding: chunked\r\n\r\n`, `400\r\n${"x".repeat(1024)}\r\n`),
    reason: "ServerError",
    says: /503/,
  },
  {
    name: "503 whose body trickles",
    request: (s) => drip(s, `${HEAD} 503 X\r\ncontent-length: 5000\r\n\r\n`, 0),
    reason: "ServerError",
    says: /503/,
    timeoutMs: 300,
  },
  {
    name: "503 with a broken chunk",
    request: (s) => s.end(`${HEAD} 503 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`),
    reason: "ServerError",
    says: /503/,
  },
  {
    name: "503 with 4 MiB of control characters",
    request: (s) =>
      s.end(`${HEAD} 503 X\r\ncontent-length: ${4 * 1024 * 1024}\r\n\r\n${"\x1b[2J".repeat(1024 * 1024)}`),
    reason: "ServerError",
    says: /503/,
  },
  {
    name: "429 with an absurd Retry-After",
    request: (s) => s.end(`${HEAD} 429 X\r\nretry-after: soon\r\ncontent-length: 0\r\n\r\n`),
    reason: "RateLimited",
    says: /429/,
  },
  {
    name: "503 with a Retry-After in the past",
    request: (s) => s.end(`${HEAD} 503 X\r\nretry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\ncontent-length: 0\r\n\r\n`),
    reason: "ServerError",
    says: /503/,
  },
  {
    name: "status 999",
    request: (s) => s.end(`${HEAD} 999 X\r\ncontent-length: 0\r\n\r\n`),
    reason: "ProtocolError",
    says: /999/,
  },
  {
    name: "100 Continue without end",
    request: (s) => repeat(s, "", `${HEAD} 100 Continue\r\n\r\n`),
    reason: "ProtocolError",
    says: /did not answer with HTTP/,
  },
  {
    name: "503 in gzip: shown as bytes that harm nobody",
    request: (s) => {
      const body = gzipSync("overloaded");
      s.write(`${HEAD} 503 X\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`);
      s.end(body);
    },
    reason: "ServerError",
    says: /503/,
  },
  {
    name: "503 in invalid UTF-8, bidi controls and half a surrogate",
    request: (s) =>
      s.end(Buffer.from(`${HEAD} 503 X\r\ncontent-length: 9\r\n\r\n\xe2\x80\xae\xff\xed\xa0\x80\x9b1`, "latin1")),
    reason: "ServerError",
    says: /503/,
  },
  // -- refusals that no retry mends
  {
    name: "a redirect to elsewhere",
    request: (s) => s.end(`${HEAD} 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n`),
    reason: "Redirected",
    says: /302.*not followed/,
    end: "held",
    requests: 1,
  },
  {
    name: "a redirect to itself",
    request: (s) => s.end(`${HEAD} 308 X\r\nlocation: /api/v1/write\r\ncontent-length: 0\r\n\r\n`),
    reason: "Redirected",
    says: /308/,
    end: "held",
    requests: 1,
  },
  {
    name: "401 that echoes the request",
    request: (s) => s.end(`${HEAD} 401 X\r\ncontent-length: 4\r\n\r\necho`),
    reason: "AuthenticationRejected",
    says: /401.*echo/,
    end: "held",
    requests: 1,
  },
  {
    name: "404 with an HTML page",
    request: (s) => s.end(`${HEAD} 404 X\r\ncontent-length: 20\r\n\r\n<html>nginx</html>\r\n`),
    reason: "NotFound",
    says: /404.*nginx/,
    end: "held",
    requests: 1,
  },
  {
    name: "407 of a proxy in between",
    request: (s) => s.end(`${HEAD} 407 X\r\ncontent-length: 0\r\n\r\n`),
    reason: "AuthenticationRejected",
    says: /407/,
    end: "held",
    requests: 2,
  },
];

const timers = new Set<NodeJS.Timeout>();

/** Sends the rest a byte at a time, forever. */
function drip(socket: Socket, text: string, from = 0): void {
  let at = from;
  if (from === 0 && text.endsWith("\r\n\r\n")) {
    socket.write(text);
    at = text.length;
  }
  timers.add(setInterval(() => socket.write(text[at++] ?? "."), 15));
}

/** Sends a piece again and again, as fast as it is taken. */
function repeat(socket: Socket, head: string, piece: string): void {
  if (head !== "") socket.write(head);
  timers.add(setInterval(() => socket.writable && socket.write(piece.repeat(64)), 1));
}

/** A server that does to each connection or request what the present fault says. */
export type FaultyServer = {
  fault: Fault;
  /** Requests whose head arrived since the fault was set. */
  requests: number;
  /** The address of the present fault for a path such as /api/v1/write. */
  url(path: string): string;
  /** Another fault from now on. */
  set(fault: Fault): void;
  close(): void;
};

export async function startFaultyServer(): Promise<FaultyServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    if (faulty.fault.connect !== undefined) return faulty.fault.connect(socket);
    let seen = "";
    socket.on("data", (d) => {
      if (socket.writableEnded) return; // sent while the end was on its way: the client sends it again
      const before = seen.includes("\r\n\r\n");
      seen = (seen + d.toString("latin1")).slice(-4096);
      if (before || !seen.includes("\r\n\r\n")) return;
      seen = "";
      faulty.requests++;
      faulty.fault.request?.(socket);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    for (const timer of timers) clearInterval(timer);
    timers.clear();
  };
  const faulty: FaultyServer = {
    fault: faults[0]!,
    requests: 0,
    url(path) {
      const { url } = faulty.fault;
      if (url === "https") return `https://127.0.0.1:${port}${path}`;
      return url === undefined ? `http://127.0.0.1:${port}${path}` : new URL(path, url).href;
    },
    set(fault) {
      stop();
      faulty.fault = fault;
      faulty.requests = 0;
    },
    close() {
      stop();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return faulty;
}
