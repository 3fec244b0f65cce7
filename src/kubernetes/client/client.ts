// The Kubernetes API over outflow's own HTTP client: one request a call, failures as values in plain words. A request that is answered
// with 401 is sent once more with new credentials; nothing else is retried here.
import { createHttpClient } from "../../http/client.ts";
import type { ProxyRules } from "../../http/connecting/proxy.ts";
import { createTls, TlsFilesError } from "../../http/connecting/tls.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "../../http/http.ts";
import { HttpBroken } from "../../http/http.ts";
import { type Access, AccessError } from "./access.ts";
import {
  type ApiFailure,
  type KubeApi,
  type KubeObject,
  type Named,
  type Page,
  type Resource,
  type Result,
  resourceName,
  resourcePath,
  type WatchEvent,
  type Where,
} from "./api.ts";
import { type Asked, networkFailure, statusFailure } from "./failure.ts";
import { JsonLines, LineTooLong } from "./json-lines.ts";
import { Patience } from "./patience.ts";

export type ClientOptions = {
  access: Access;
  proxy: ProxyRules;
  userAgent: string;
  /** Certificates that cannot be used; the previous content stays in use. */
  tell(message: string): void;
  /** Each request when its response begins or it fails; `code` 0: no response. */
  count?(verb: string, resource: string, code: number): void;
};

/** A server that is back is found within this, and the longest backoff of the callers, in five seconds. */
const CONNECT_MS = 3_000;
const IDLE_MS = 15_000;
const TOTAL_MS = 60_000;
const DEAF_AFTER_MS = 5_000;
/** A page of many objects that is larger is asked for again in smaller ones; a single object is at most 1.5 MiB in etcd. */
const PAGE_BYTES = 4 << 20;
const OBJECT_BYTES = 16 << 20;
/** Watches take a connection each, for as long as they run. */
const CONNECTIONS = 4_096;
const ERROR_BYTES = 16_384;

/** `at`: another server, or another path of the same one, that takes the same credentials. */
export type KubeClient = KubeApi & { at(server: string): KubeApi; close(): Promise<void> };

/** Throws AccessError where certificates cannot be used. */
export function createKubeApi(options: ClientOptions): KubeClient {
  const { access } = options;
  const patience = new Patience();
  let http: HttpClient | undefined;
  // What an exec plugin brings is not there yet.
  if (access.tls.cert === undefined || access.files.info(access.tls.cert) !== undefined) http = open(options);

  /** The response, or why there is none. */
  async function ask(
    asked: Asked,
    { timeouts, ...request }: Omit<HttpRequest, "headers" | "timeouts"> & { timeouts: typeof TIMEOUTS },
    type?: string,
  ): Promise<Result<HttpAnswer>> {
    for (let attempt = 1; ; attempt++) {
      let authorization: string | undefined;
      try {
        authorization = await access.authorization();
        http ??= open(options);
      } catch (error) {
        if (!(error instanceof AccessError)) throw error;
        return { ok: false, failure: { kind: "unauthorized", message: `${error.message}.` } };
      }
      const headers = {
        accept: "application/json",
        "user-agent": options.userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(type === undefined ? {} : { "content-type": type }),
      };
      const firstByteMs = patience.of(asked.verb);
      const startedMs = performance.now();
      const sent = await http.request({ ...request, timeouts: { ...timeouts, firstByteMs }, headers });
      if (sent.ok) patience.answered(asked.verb, performance.now() - startedMs);
      else if (sent.failure.kind === "timeout") patience.timedOut(asked.verb);
      options.count?.(asked.verb, resourceName(asked.resource), sent.ok ? sent.answer.status : 0);
      if (!sent.ok) return { ok: false, failure: networkFailure(asked, sent.failure) };
      const { answer } = sent;
      if (answer.status < 300) return { ok: true, value: answer };
      const failure = statusFailure(asked, answer, await answer.text(ERROR_BYTES));
      if (failure.kind !== "unauthorized") return { ok: false, failure };
      access.rejected();
      if (attempt === 2) return { ok: false, failure };
    }
  }

  async function json<T>(
    asked: Asked,
    request: Omit<HttpRequest, "headers" | "timeouts">,
    type?: string,
    maxBytes = OBJECT_BYTES,
  ): Promise<Result<T>> {
    const sent = await ask(asked, { ...request, timeouts: TIMEOUTS }, type);
    if (!sent.ok) return sent;
    const malformed = (what: string): Result<T> => ({
      ok: false,
      failure: { kind: "malformed", message: `${asked.what}: ${what}` },
    });
    try {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of sent.value.body) {
        pieces.push(piece);
        length += piece.length;
        if (length > maxBytes) return malformed(TOO_LARGE);
      }
      const value: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"));
      if (typeof value === "object" && value !== null) return { ok: true, value: value as T };
      return malformed("the response is not a JSON object.");
    } catch (error) {
      if (error instanceof HttpBroken) return { ok: false, failure: networkFailure(asked, error.failure) };
      if (error instanceof SyntaxError) return malformed("the response is not valid JSON.");
      throw error;
    }
  }

  const to = (server: string): KubeApi => {
    const url = (resource: Resource, at: Partial<Named>, tail = "", query: Record<string, string | undefined> = {}) => {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
      return `${server}${resourcePath(resource, at)}${tail}${search}`;
    };
    const asks = (verb: string, resource: Resource, at: Partial<Named>, subresource?: string): Asked => ({
      verb,
      resource,
      at,
      subresource,
      server,
      what: `${verb} ${resourceName(resource)}${subresource === undefined ? "" : `/${subresource}`}${at.name === undefined ? "" : ` ${at.namespace === undefined ? "" : `${at.namespace}/`}${at.name}`}`,
    });
    const bodyOf = (value: object) => JSON.stringify(value);
    const with_ = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });
    return {
      server,
      get: (resource, at, signal) =>
        json(asks("get", resource, at), { method: "GET", url: url(resource, at), ...with_(signal) }),
      async list<T extends KubeObject>(
        resource: Resource,
        at: Where,
        { limit, continue: from, fieldSelector, labelSelector }: Parameters<KubeApi["list"]>[2],
        signal?: AbortSignal,
      ): Promise<Result<Page<T>>> {
        const asked = asks("list", resource, at);
        for (let most = limit; ; most = Math.max(1, Math.floor(most / 4))) {
          const query = {
            limit: most === undefined ? undefined : String(most),
            continue: from,
            fieldSelector,
            labelSelector,
          };
          const read = await json<{ items?: unknown; metadata?: { resourceVersion?: string; continue?: string } }>(
            asked,
            { method: "GET", url: url(resource, at, "", query), ...with_(signal) },
            undefined,
            most !== undefined && most > 1 ? PAGE_BYTES : OBJECT_BYTES,
          );
          if (!read.ok && read.failure.message.endsWith(TOO_LARGE) && most !== undefined && most > 1) continue;
          if (!read.ok) return read;
          const { items, metadata } = read.value;
          if (!Array.isArray(items) || typeof metadata?.resourceVersion !== "string")
            return { ok: false, failure: { kind: "malformed", message: `${asked.what}: the response is not a list.` } };
          return {
            ok: true,
            value: {
              items: items as T[],
              resourceVersion: metadata.resourceVersion,
              ...(metadata.continue ? { continue: metadata.continue } : {}),
            },
          };
        }
      },
      async watch<T extends KubeObject>(
        resource: Resource,
        at: Where,
        {
          resourceVersion,
          timeoutSeconds,
          deafAfterMs = DEAF_AFTER_MS,
          fieldSelector,
          labelSelector,
        }: Parameters<KubeApi["watch"]>[2],
        { onOpen, onEvent }: { onOpen?(): void; onEvent(event: WatchEvent<T>): void },
        signal?: AbortSignal,
      ): Promise<Result<undefined>> {
        const asked = asks("watch", resource, at);
        const query = {
          watch: "1",
          allowWatchBookmarks: "true",
          resourceVersion,
          timeoutSeconds: String(timeoutSeconds),
          fieldSelector,
          labelSelector,
        };
        const longestMs = timeoutSeconds * 1000 + deafAfterMs;
        const sent = await ask(asked, {
          method: "GET",
          url: url(resource, at, "", query),
          timeouts: { idleMs: longestMs, totalMs: longestMs },
          ...with_(signal),
        });
        if (!sent.ok) return sent;
        onOpen?.();
        return watched(asked, sent.value, onEvent);
      },
      create: (resource, at, object, signal) =>
        json(
          asks("create", resource, at),
          { method: "POST", url: url(resource, at), body: bodyOf(object), ...with_(signal) },
          "application/json",
        ),
      update: (resource, at, object, signal) =>
        json(
          asks("update", resource, at),
          { method: "PUT", url: url(resource, at), body: bodyOf(object), ...with_(signal) },
          "application/json",
        ),
      patch: (resource, { subresource, ...at }, patch, signal) =>
        json(
          asks("patch", resource, at, subresource),
          {
            method: "PATCH",
            url: url(resource, at, subresource === undefined ? "" : `/${subresource}`),
            body: bodyOf(patch),
            ...with_(signal),
          },
          "application/merge-patch+json",
        ),
      async remove(resource, { resourceVersion, ...at }, signal) {
        const preconditions = resourceVersion === undefined ? {} : { preconditions: { resourceVersion } };
        const removed = await json<object>(
          asks("delete", resource, at),
          {
            method: "DELETE",
            url: url(resource, at),
            body: bodyOf({ apiVersion: "v1", kind: "DeleteOptions", ...preconditions }),
            ...with_(signal),
          },
          "application/json",
        );
        return removed.ok ? { ok: true, value: undefined } : removed;
      },
    };
  };
  return { ...to(access.server), at: to, close: async () => http?.close() };
}

const TIMEOUTS = { idleMs: IDLE_MS, totalMs: TOTAL_MS };
const TOO_LARGE = "the response is too large.";

async function watched<T extends KubeObject>(
  asked: Asked,
  answer: HttpAnswer,
  onEvent: (event: WatchEvent<T>) => void,
): Promise<Result<undefined>> {
  const lines = new JsonLines(OBJECT_BYTES);
  const failed = (failure: ApiFailure): Result<undefined> => ({ ok: false, failure });
  try {
    for await (const piece of answer.body) {
      for (const value of lines.push(piece)) {
        const { type, object } = value as { type?: string; object?: T & { code?: number; message?: string } };
        if (type === "ERROR")
          return failed(
            statusFailure(asked, { status: object?.code ?? 500, headers: {} }, JSON.stringify(object ?? {})),
          );
        if ((type === "ADDED" || type === "MODIFIED" || type === "DELETED" || type === "BOOKMARK") && object?.metadata)
          onEvent({ type, object });
        else return failed({ kind: "malformed", message: `${asked.what}: malformed watch event.` });
      }
    }
    return { ok: true, value: undefined };
  } catch (error) {
    if (error instanceof HttpBroken) return failed(networkFailure(asked, error.failure));
    if (error instanceof SyntaxError || error instanceof LineTooLong)
      return failed({ kind: "malformed", message: `${asked.what}: an event is not valid JSON, or too large.` });
    throw error;
  }
}

function open({ access, proxy, tell }: ClientOptions): HttpClient {
  const there = (path: string | undefined) =>
    path !== undefined && access.files.info(path) !== undefined ? path : undefined;
  const { cert, key } = access.tls;
  const inline = cert?.startsWith("kubeconfig:") && key?.startsWith("kubeconfig:");
  try {
    return createHttpClient({
      connectMs: CONNECT_MS,
      connections: CONNECTIONS,
      proxy,
      tls: createTls(inline ? { ...access.tls, cert: there(cert), key: there(key) } : access.tls, access.files, tell),
    });
  } catch (error) {
    if (error instanceof TlsFilesError) throw new AccessError(`${access.origin}: ${error.message}`);
    throw error;
  }
}
