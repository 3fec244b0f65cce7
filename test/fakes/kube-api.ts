// A small Kubernetes API for faults that the real one does not have on demand: list in pages, watch with bookmarks, get, create, update,
// merge patch with conflicts, delete; one counter of versions for all. `fault` answers in its place.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { KubeObject } from "../../src/kubernetes/client/api.ts";

type Stored = KubeObject & { status?: unknown };
type Asked = {
  verb: string;
  path: string;
  query: URLSearchParams;
  plural: string;
  headers: IncomingMessage["headers"];
};
export type Fault = (
  asked: Asked,
) => { status: number; headers?: Record<string, string>; message?: string } | "hang" | undefined;

export type FakeKubeApi = {
  url: string;
  fault: Fault | undefined;
  /** What was asked, oldest first: `list exportpolicies`. */
  asked: string[];
  /** `prefix`: the path of a control plane. */
  put(plural: string, object: KubeObject, prefix?: string): Stored;
  remove(plural: string, key: string): void;
  object(plural: string, key: string): Stored | undefined;
  all(plural: string): Stored[];
  /** Watches from before now get 410; those that run end with it. */
  compact(): void;
  /** The running watches say nothing more, and do not end. */
  deafen(): void;
  bookmark(): void;
  /** Closes all connections. */
  cut(): void;
  /** Stops listening, and starts again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

const PATH =
  /^(.*?)\/apis?(?:\/([^/]+\.[^/]+))?\/v1(?:alpha1)?(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/(status))?$/;

export async function startFakeKubeApi(): Promise<FakeKubeApi> {
  let version = 100;
  let oldest = 0;
  const objects = new Map<string, Stored>();
  const log: { version: number; type: string; id: string; object: Stored }[] = [];
  const watches = new Set<{ response: ServerResponse; wants: (id: string) => boolean; deaf: boolean; kind: string }>();

  const idOf = (prefix: string, plural: string, namespace = "", name = "") =>
    `${prefix}|${plural}|${namespace}/${name}`;
  const change = (type: string, id: string, object: Stored): void => {
    log.push({ version, type, id, object });
    for (const w of watches) if (!w.deaf && w.wants(id)) w.response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const store = (id: string, object: KubeObject, before: Stored | undefined): Stored => {
    const specChanged =
      before === undefined ||
      JSON.stringify((object as { spec?: unknown }).spec) !== JSON.stringify((before as { spec?: unknown }).spec);
    const stored: Stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: before?.metadata.uid ?? `uid-${version + 1}`,
        resourceVersion: String(++version),
        generation: (before?.metadata.generation ?? 0) + (specChanged ? 1 : 0),
      },
    };
    objects.set(id, stored);
    change(before === undefined ? "ADDED" : "MODIFIED", id, stored);
    return stored;
  };

  const fake = {
    fault: undefined as Fault | undefined,
    asked: [] as string[],
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (d: Buffer) => chunks.push(d));
    request.on("end", () => serve(request, response, Buffer.concat(chunks).toString()));
  });

  function serve(request: IncomingMessage, response: ServerResponse, text: string): void {
    const url = new URL(request.url ?? "/", "http://x");
    const status = (code: number, message: string, headers: Record<string, string> = {}) => {
      response.writeHead(code, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, message }));
    };
    const json = (value: unknown, code = 200) => {
      response.writeHead(code, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const match = PATH.exec(decodeURIComponent(url.pathname));
    if (match === null) return status(404, "the server could not find the requested resource");
    const [, prefix = "", , namespace, plural = "", name, subresource] = match;
    const watching = url.searchParams.get("watch") === "1";
    const verb = watching
      ? "watch"
      : { GET: name === undefined ? "list" : "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" }[
          request.method ?? ""
        ]!;
    fake.asked.push(`${verb} ${plural}${subresource === undefined ? "" : `/${subresource}`}`);
    const fault = fake.fault?.({ verb, path: url.pathname, query: url.searchParams, plural, headers: request.headers });
    if (fault === "hang") return;
    if (fault !== undefined) return status(fault.status, fault.message ?? "a fault", fault.headers);
    const id = idOf(prefix, plural, namespace, name);
    const fields = url.searchParams.get("fieldSelector") ?? "";
    const wants = (other: string): boolean => {
      if (!other.startsWith(`${prefix}|${plural}|${namespace === undefined ? "" : `${namespace}/`}`)) return false;
      const type = /^type=(.*)$/.exec(fields)?.[1];
      return (
        type === undefined ||
        (objects.get(other) as { type?: string } | undefined)?.type === type ||
        !objects.has(other)
      );
    };
    const before = objects.get(id);
    const body = text === "" ? undefined : (JSON.parse(text) as KubeObject);
    if (watching) {
      const from = Number(url.searchParams.get("resourceVersion"));
      if (from < oldest) return status(410, "too old resource version");
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      for (const entry of log)
        if (entry.version > from && wants(entry.id))
          response.write(`${JSON.stringify({ type: entry.type, object: entry.object })}\n`);
      const watch = { response, wants, deaf: false, kind: plural };
      watches.add(watch);
      const timer = setTimeout(
        () => watch.deaf || response.end(),
        Number(url.searchParams.get("timeoutSeconds") ?? 60) * 1000,
      );
      response.on("close", () => {
        clearTimeout(timer);
        watches.delete(watch);
      });
      return;
    }
    switch (verb) {
      case "list": {
        const all = [...objects].filter(([other]) => wants(other)).sort(([a], [b]) => (a < b ? -1 : 1));
        const [at, from] = (url.searchParams.get("continue") ?? `${version}:0`).split(":").map(Number) as [
          number,
          number,
        ];
        if (at < oldest) return status(410, "the continue token has expired");
        const limit = Number(url.searchParams.get("limit") ?? all.length);
        const rest = all.length > from + limit ? { continue: `${at}:${from + limit}` } : {};
        return json({
          kind: "List",
          metadata: { resourceVersion: String(at), ...rest },
          items: all.slice(from, from + limit).map(([, object]) => object),
        });
      }
      case "get":
        return before === undefined ? status(404, "not found") : json(before);
      case "create": {
        const key = idOf(prefix, plural, namespace, body!.metadata.name);
        if (objects.has(key)) return status(409, "already exists");
        return json(store(key, body!, undefined), 201);
      }
      case "update":
      case "patch": {
        if (before === undefined) return status(404, "not found");
        const wanted = body!.metadata?.resourceVersion;
        if (wanted !== undefined && wanted !== before.metadata.resourceVersion)
          return status(409, "the object has been modified");
        const patched =
          verb === "update"
            ? body!
            : subresource === "status"
              ? { ...before, status: (body as Stored).status }
              : ({ ...before, ...body, metadata: { ...before.metadata, ...body!.metadata } } as Stored);
        return json(store(id, patched, before));
      }
      case "delete": {
        if (before === undefined) return status(404, "not found");
        const wanted = (body as { preconditions?: { resourceVersion?: string } } | undefined)?.preconditions
          ?.resourceVersion;
        if (wanted !== undefined && wanted !== before.metadata.resourceVersion) return status(409, "precondition");
        objects.delete(id);
        version++;
        change("DELETED", id, { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
        return json({ kind: "Status", apiVersion: "v1", status: "Success" });
      }
    }
  }

  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const local = (plural: string, key: string) => {
    const [prefix = "", rest = ""] = key.includes("|") ? key.split("|") : ["", key];
    const [namespace, name] = rest.includes("/") ? rest.split("/") : ["", rest];
    return idOf(prefix, plural, namespace, name);
  };
  const stop = async () => {
    const closed = new Promise<void>((done) => server.close(() => done()));
    server.closeAllConnections();
    await closed;
  };
  return Object.assign(fake, {
    url: `http://127.0.0.1:${port}`,
    put(plural: string, object: KubeObject, prefix = "") {
      const id = idOf(prefix, plural, object.metadata.namespace, object.metadata.name);
      return store(id, object, objects.get(id));
    },
    remove(plural: string, key: string) {
      const id = local(plural, key);
      const before = objects.get(id)!;
      objects.delete(id);
      version++;
      change("DELETED", id, { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
    },
    object: (plural: string, key: string) => objects.get(local(plural, key)),
    all: (plural: string) => [...objects].flatMap(([id, object]) => (id.split("|")[1] === plural ? [object] : [])),
    compact() {
      oldest = ++version;
      log.length = 0;
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
      for (const w of watches) w.response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
    },
    deafen() {
      for (const w of watches) w.deaf = true;
    },
    bookmark() {
      for (const w of watches)
        if (!w.deaf)
          w.response.write(
            `${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: String(version) } } })}\n`,
          );
    },
    cut: () => server.closeAllConnections(),
    stop,
    start: () => listen(port),
    close: stop,
  });
}
