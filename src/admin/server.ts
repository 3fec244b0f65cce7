// The admin HTTP server: health, metrics, status, snapshot and events of the agent, and what may be done to it. Reads the snapshot;
// changes nothing but through the Actions port. Bounded in everything: header size, time, connections, streams.
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Actions, SinkAction } from "../status/actions.ts";
import type { Event } from "../status/events.ts";
import type { Snapshot } from "../status/snapshot.ts";
import type { StatusStore } from "../status/store.ts";
import { type Access, mayAsk } from "./access.ts";
import { addressText, usableAddress } from "./address.ts";
import { EventStream } from "./eventstream.ts";
import { CONTENT_TYPE } from "./metrics/exposition.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import type { ApiRequests } from "./metrics/process.ts";
import { WebPage } from "./page/page.ts";
import { type Page, page, pageOf } from "./pages.ts";

export type AdminOptions = {
  /** host:port, or off. */
  listen: string;
  store: StatusStore;
  /** This host's name: a Host header may carry it. */
  host: string;
  /** The present bearer token (it may be replaced while outflow runs); undefined: none is needed, on loopback. */
  token?: () => string;
  actions: Actions;
  /** Pausing, resuming and retrying sinks is possible. */
  allowActions: boolean;
  /** Numbers of events begin after this one: no number of an earlier life of the agent comes again. */
  eventsFrom: number;
  /** How many series the series table holds. */
  tableSeries?: () => number;
  /** Requests to the Kubernetes API so far, each kind with its labels. */
  apiRequests?: () => readonly ApiRequests[];
};

export type Admin = { ok: true; address: string; close(): Promise<void> } | { ok: false; message: string };

const ANSWER_MS = 10_000;

export async function createAdmin(options: AdminOptions): Promise<Admin> {
  if (options.listen === "off") return { ok: true, address: "off", close: async () => {} };
  const address = usableAddress(options.listen, options.token !== undefined);
  if (!address.ok) return address;
  const events = new EventStream<Event, Snapshot>(options.eventsFrom);
  const web = new WebPage(() => options.store.snapshot, options.eventsFrom);
  const unsubscribe = options.store.subscribe((event) => events.append(event));
  const metrics = createMetrics(options.store, () => ({
    tableSeries: options.tableSeries?.(),
    apiRequests: options.apiRequests?.() ?? [],
  }));
  const server = createServer(
    { requestTimeout: ANSWER_MS, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => void serve(request, response, options, { events, metrics, web }),
  );
  server.maxConnections = 256;
  // A client that connects and sends nothing, or does not read the response, is disconnected (the stream has limits of its own); the time
  // that the agent takes to respond on a busy machine does not count.
  server.on("connection", (socket) => socket.setTimeout(ANSWER_MS, () => socket.destroy()));
  return new Promise((resolve) => {
    server.once("error", (error: Error & { code?: string }) => {
      const why = error.code === "EADDRINUSE" ? "the address is in use by another process" : `${error.code}`;
      resolve({
        ok: false,
        message: `cannot listen on ${options.listen}: ${why}. Choose another address with --listen, or --listen off.`,
      });
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
      resolve({
        ok: true,
        address: addressText(address.host, port),
        close: () =>
          new Promise<void>((closed) => {
            unsubscribe();
            metrics.close();
            events.close();
            web.close();
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

type Parts = { events: EventStream<Event, Snapshot>; metrics: Metrics; web: WebPage };

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminOptions,
  { events, metrics, web }: Parts,
): Promise<void> {
  request.socket.setTimeout(0); // until sendPage()
  const { headers, method = "GET" } = request;
  const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
  const access: Access = { token: options.token?.(), names: [options.host] };
  const allowed = mayAsk(
    { host: headers.host, authorization: headers.authorization, fromPage: isFromPage(headers) },
    access,
  );
  const send = (answer: Page) => sendPage(response, method === "HEAD", answer);
  // Two servers on the way could each take another one.
  if (request.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === "host").length > 1)
    return refuseUnread(request, response, page(400, "a request must have one Host header"));
  if (Number(headers["content-length"] ?? 0) > 0 || headers["transfer-encoding"] !== undefined)
    return refuseUnread(request, response, page(413, "requests must not have a body"));
  request.resume();
  if (path === "/healthz" || path === "/readyz") return send(probe(path, options.store, allowed.ok));
  const reads = method === "GET" || method === "HEAD";
  const zip = acceptsGzip(headers["accept-encoding"]);
  // Without a token the page asks for it; nothing else of these rules is different for it.
  const shown =
    reads && (allowed.ok || allowed.status === 401)
      ? await web.answer(path, new URLSearchParams(query), allowed.ok)
      : undefined;
  if (shown !== undefined) return send(await compressed(shown, zip));
  if (!allowed.ok) return send({ ...page(allowed.status, allowed.message), challenge: allowed.status === 401 });
  if (method === "POST") return send(await act(path, options));
  if (!reads) return send(page(405, "method not allowed: use GET to read, POST to act"));
  if (path === "/api/v1/events" && method === "GET") {
    const id = headers["last-event-id"];
    if (!events.add(response, typeof id === "string" ? id : undefined, options.store.snapshot))
      send(page(503, "too many event streams"));
    return;
  }
  if (path === "/page/events" && method === "GET") {
    const id = headers["last-event-id"];
    if (!(await web.follow(response, typeof id === "string" ? id : undefined)))
      send(page(503, "too many event streams"));
    return;
  }
  if (path === "/metrics") {
    const body = await metrics.text();
    return send(await compressed({ status: 200, type: CONTENT_TYPE, body }, zip));
  }
  send(pageOf(path, options.store.snapshot));
}

/** The body, if there is one, is not read: the connection ends with the response. */
function refuseUnread(request: IncomingMessage, response: ServerResponse, answer: Page): void {
  response.shouldKeepAlive = false;
  response.once("finish", () => request.socket.destroySoon());
  sendPage(response, false, answer);
}

const isFromPage = (headers: IncomingMessage["headers"]): boolean =>
  headers.origin !== undefined || /^(cross-site|same-site)$/.test(String(headers["sec-fetch-site"] ?? ""));

/** A word; which check fails only for those who may know. */
function probe(path: string, { snapshot: s }: StatusStore, inDetail: boolean): Page {
  const failing =
    path === "/healthz"
      ? []
      : [
          ...(s.reloads.lastAt === undefined
            ? [`policies are not loaded${s.cluster?.failure === undefined ? "" : `: ${s.cluster.failure.message}`}`]
            : []),
          ...(s.source.health === "ok"
            ? []
            : [`the source has not responded${s.source.failure === undefined ? "" : `: ${s.source.failure.message}`}`]),
        ];
  if (failing.length === 0) return page(200, "ok");
  return page(503, inDetail ? failing.join("\n") : "not ready");
}

const SINK_ACTION = /^\/api\/v1\/sinks\/([^/]+)\/([^/]+)\/([^/]+)\/(pause|resume|retry)$/;

async function act(path: string, { actions, allowActions }: AdminOptions): Promise<Page> {
  if (path === "/-/reload") {
    const { ok, message } = await actions.reload();
    return page(ok ? 200 : 422, message);
  }
  const match = SINK_ACTION.exec(path);
  if (match === null)
    return page(
      404,
      "not found; POST accepts /-/reload and /api/v1/sinks/{namespace}/{policy}/{sink}/pause, resume or retry",
    );
  if (!allowActions) return page(403, "actions are off: start outflow with --allow-actions");
  const id = match.slice(1, 4).map(decoded).join("/");
  const { ok, message } = await actions.act(id, match[4] as SinkAction);
  return page(ok ? 200 : 404, message);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `gzip`, or `*` where gzip is not excluded (RFC 9110, 12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = new Map(
    String(header ?? "")
      .toLowerCase()
      .split(",")
      .map((part) => {
        const [coding = "", ...parameters] = part.split(";").map((s) => s.trim());
        const q = parameters.find((s) => s.startsWith("q="))?.slice(2);
        return [coding, q === undefined ? 1 : Number(q)] as const;
      }),
  );
  return (codings.get("gzip") ?? codings.get("x-gzip") ?? codings.get("*") ?? 0) > 0;
}

/** Off the event loop: with 1,000 sinks it is megabytes. */
const gzipped = promisify(gzip) as (body: string | Uint8Array) => Promise<Uint8Array>;

const compressed = async (answer: Page, zip: boolean): Promise<Page> => ({
  ...answer,
  body: zip ? await gzipped(answer.body) : answer.body,
  gzip: zip,
});

function sendPage(
  response: ServerResponse,
  head: boolean,
  { status, type, body, challenge, gzip, headers = {} }: Page,
): void {
  response.socket?.setTimeout(ANSWER_MS);
  response.writeHead(status, {
    ...headers,
    "content-type": type,
    ...(gzip === undefined ? {} : { vary: "accept-encoding" }),
    ...(gzip ? { "content-encoding": "gzip" } : {}),
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(challenge ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(head ? undefined : body);
}
