// A scripted agent as `outflow top` sees it: /api/v1/snapshot, /api/v1/events and the actions over real HTTP, from one story of events.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Event } from "../../src/status/events.ts";
import { StatusStore } from "../../src/status/store.ts";

type Script<E = Event> = E extends Event ? Omit<E, "at"> : never;

export class AgentServer {
  readonly store = new StatusStore();
  /** Every request, in order: `POST /api/v1/sinks/…`. */
  readonly requests: string[] = [];
  /** What is sent in the Authorization header; undefined: nothing is asked for. */
  token: string | undefined;
  actions = true;
  port = 0;
  #seq = 0;
  #server: ReturnType<typeof createServer> | undefined;
  readonly #streams = new Set<ServerResponse>();

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  event(event: Script): this {
    const whole = { ...event, at: Date.now() } as Event;
    this.store.dispatch(whole);
    this.#seq++;
    for (const stream of this.#streams) stream.write(this.#message("event", whole));
    return this;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((done) => server.listen(this.port, "127.0.0.1", done));
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  /** As a kill does: every connection is cut. */
  async stop(): Promise<void> {
    this.#streams.clear();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((done) => server.close(() => done()));
    server.closeAllConnections();
    await closed;
  }

  /** A comment, as the real one sends it while nothing happens. */
  heartbeat(): void {
    for (const stream of this.#streams) stream.write(": still here\n\n");
  }

  get #snapshot() {
    return { ...this.store.snapshot, actions: this.actions };
  }

  #message(event: string, data: unknown): string {
    return `id: ${this.#seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { method = "", url = "" } = request;
    this.requests.push(`${method} ${url}`);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end("unauthorized\n");
    } else if (method === "POST") {
      if (!this.actions) response.writeHead(403).end("actions are off: --allow-actions\n");
      else response.writeHead(200, { "content-type": "application/json" }).end(`{"message":"done: ${url}"}\n`);
      const [, ns, policy, sink, action] = /^\/api\/v1\/sinks\/([^/]+)\/([^/]+)\/([^/]+)\/(\w+)$/.exec(url) ?? [];
      const id = `${ns}/${policy}/${sink}`;
      if (this.actions && action === "pause") this.event({ type: "sink-paused", id });
      if (this.actions && action === "resume") this.event({ type: "sink-resumed", id });
    } else if (url === "/api/v1/snapshot") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(this.#snapshot));
    } else if (url === "/api/v1/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(this.#message("snapshot", this.#snapshot));
      this.#streams.add(response);
      response.on("close", () => this.#streams.delete(response));
    } else response.writeHead(404).end("no such page\n");
  }
}
