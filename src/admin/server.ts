// The admin HTTP server: health, metrics, status. Reads the snapshot; changes nothing but by reload().
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { StatusStore } from "../status/store.ts";
import { metricsText } from "./metrics.ts";
import { statusList } from "./statuslist.ts";

export type AdminOptions = {
  /** host:port, or off. */
  listen: string;
  store: StatusStore;
  /** This host's name: a Host header may carry it. */
  host: string;
  reload(): void;
};

export type Admin = { ok: true; address: string; close(): Promise<void> } | { ok: false; message: string };

type Page = { status: number; type: string; body: string };

export async function createAdmin(options: AdminOptions): Promise<Admin> {
  if (options.listen === "off") return { ok: true, address: "off", close: async () => {} };
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(options.listen);
  if (match === null || Number(match[3]) > 65_535)
    return { ok: false, message: `--listen ${options.listen}: must be HOST:PORT, for example 127.0.0.1:9469, or off.` };
  const host = match[1] ?? match[2] ?? "";
  if (!isLoopback(host))
    return {
      ok: false,
      message: `--listen ${options.listen}: only loopback addresses are served; use 127.0.0.1:${match[3]}, behind a proxy where it must be reached from elsewhere.`,
    };
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => {
      request.resume(); // no body is of interest
      send(response, request.method === "HEAD", answer(request, options));
    },
  );
  server.maxConnections = 64;
  return new Promise((resolve) => {
    server.once("error", (error: Error & { code?: string }) => {
      const why = error.code === "EADDRINUSE" ? "another process listens there" : `it cannot be opened (${error.code})`;
      resolve({
        ok: false,
        message: `cannot listen on ${options.listen}: ${why}. Choose another address with --listen, or --listen off.`,
      });
    });
    server.listen(Number(match[3]), host, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : match[3];
      resolve({
        ok: true,
        address: `${match[1] === undefined ? host : `[${host}]`}:${port}`,
        close: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function answer(request: IncomingMessage, { store, reload, host }: AdminOptions): Page {
  const plain = (status: number, body: string): Page => ({
    status,
    type: "text/plain; charset=utf-8",
    body: `${body}\n`,
  });
  const json = (value: unknown): Page => ({
    status: 200,
    type: "application/json",
    body: `${JSON.stringify(value)}\n`,
  });
  // A page elsewhere whose name was pointed at this host must not read along (DNS rebinding).
  const asked = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (!isLoopback(asked.replace(/^\[|\]$/g, "")) && asked !== host.toLowerCase())
    return plain(403, "this Host is not served");
  const path = (request.url ?? "/").split("?")[0]!;
  if (path === "/-/reload") {
    if (request.method !== "POST") return plain(405, "POST reloads the policies");
    if (request.headers.origin !== undefined) return plain(403, "not from a web page");
    reload();
    return store.snapshot.reloads.lastOk
      ? plain(200, "reloaded")
      : plain(422, "the policies have problems; the last good version goes on");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "only GET");
  const s = store.snapshot;
  switch (path) {
    case "/healthz":
      return plain(200, "ok");
    case "/readyz": {
      const failing = [
        ...(s.reloads.lastAt === undefined ? ["policies are not loaded"] : []),
        ...(s.source.health === "ok" ? [] : ["the source has not answered"]),
      ];
      return failing.length === 0 ? plain(200, "ok") : plain(503, failing.join("\n"));
    }
    case "/metrics":
      return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metricsText(s, processInfo()) };
    case "/api/v1/status":
      return json(statusList(s));
    case "/api/v1/snapshot":
      return json(s);
    default:
      return plain(
        404,
        "not here; there are /healthz, /readyz, /metrics, /api/v1/status, /api/v1/snapshot and POST /-/reload",
      );
  }
}

function processInfo() {
  const { user, system } = process.cpuUsage();
  const bun = process.versions.bun;
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    runtime: bun === undefined ? `deno ${process.versions.deno ?? ""}`.trim() : `bun ${bun}`,
  };
}

function send(response: ServerResponse, head: boolean, page: Page): void {
  response.writeHead(page.status, {
    "content-type": page.type,
    "content-length": Buffer.byteLength(page.body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(head ? undefined : page.body);
}

const isLoopback = (host: string): boolean => host === "localhost" || /^127\./.test(host) || host === "::1";
