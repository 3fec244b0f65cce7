// The register in etcd 3.4 and later, over its JSON gateway (`/v3/kv/…`): keys and values in base64, numbers as strings. Every write is a
// transaction that compares the key's mod_revision. With a user the token is asked for at the start and whenever etcd refuses the old one.
import { Buffer } from "node:buffer";
import type { HttpAnswer, HttpClient } from "../http/http.ts";
import { HttpBroken } from "../http/http.ts";
import { printable } from "../platform/printable.ts";
import type { Entry, Failed, Read, Register, Written } from "./register.ts";

export type EtcdOptions = {
  /** http:// or https://, no path; several: the next one is tried when one does not respond. */
  urls: readonly string[];
  /** What all keys begin with, such as `/outflow/`. */
  prefix: string;
  http: HttpClient;
  /** Read again for each authentication; absent: no user. */
  credentials?: () => { name: string; password: string };
};

type KeyValue = { key: string; value?: string; mod_revision: string };

const CALL_MS = 4_000;
/** A quiet watch is asked for again after this: etcd's gateway sends no keep-alive. */
const WATCH_MS = 60_000;
const MAX_BYTES = 8 << 20;
const ERROR_COLUMNS = 200;

const encode = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
const failed = (message: string): Failed => ({ ok: false, why: "failed", message });

export function etcdRegister({ urls, prefix, http, credentials }: EtcdOptions): Register {
  let at = 0;
  let token: string | undefined;

  async function post(path: string, body: object, signal: AbortSignal, watchMs?: number): Promise<Read<HttpAnswer>> {
    for (let attempt = 1; ; attempt++) {
      if (token === undefined && credentials !== undefined && path !== "/v3/auth/authenticate") {
        const got = await authenticate(credentials(), signal);
        if (!got.ok) return got;
        token = got.value;
      }
      const url = urls[at % urls.length]!;
      const sent = await http.request({
        method: "POST",
        url: new URL(path, url).href,
        headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: token }) },
        body: JSON.stringify(body),
        timeouts: {
          firstByteMs: CALL_MS,
          idleMs: watchMs ?? CALL_MS,
          totalMs: watchMs ?? CALL_MS,
        },
        signal,
      });
      if (!sent.ok) {
        at++; // the next call goes to the next one
        return failed(`etcd at ${url}: ${printable(sent.failure.message, ERROR_COLUMNS)}`);
      }
      const { answer } = sent;
      if (answer.status === 200) return { ok: true, value: answer };
      const text = printable(await answer.text(4_096), ERROR_COLUMNS);
      if (answer.status === 401 && token !== undefined && attempt === 1) {
        token = undefined; // it has expired
        continue;
      }
      const advice =
        answer.status === 401 || answer.status === 403 ? "; check --etcd-username and its permissions" : "";
      return failed(`etcd at ${url} answered ${answer.status}: ${text}${advice}`);
    }
  }

  async function call<T>(path: string, body: object, signal: AbortSignal): Promise<Read<T>> {
    const sent = await post(path, body, signal);
    if (!sent.ok) return sent;
    try {
      return { ok: true, value: JSON.parse(await whole(sent.value)) as T };
    } catch (error) {
      return failed(`etcd: ${error instanceof HttpBroken ? error.failure.message : "the response is not valid JSON"}`);
    }
  }

  async function authenticate(user: { name: string; password: string }, signal: AbortSignal): Promise<Read<string>> {
    const got = await call<{ token?: string }>("/v3/auth/authenticate", user, signal);
    if (!got.ok) return got;
    return got.value.token ? { ok: true, value: got.value.token } : failed("etcd returned no token");
  }

  const entryOf = (kv: KeyValue): Entry => ({
    key: decode(kv.key).slice(prefix.length),
    value: decode(kv.value ?? ""),
    revision: kv.mod_revision,
  });

  /** `revision` "0": only if there is no such key. */
  async function write(key: string, revision: string, success: object, signal: AbortSignal): Promise<Written> {
    const got = await call<{ header?: { revision?: string }; succeeded?: boolean }>(
      "/v3/kv/txn",
      {
        compare: [{ key: encode(prefix + key), target: "MOD", result: "EQUAL", mod_revision: revision }],
        success: [success],
      },
      signal,
    );
    if (!got.ok) return got;
    if (got.value.succeeded !== true) return { ok: false, why: "conflict" };
    return { ok: true, revision: got.value.header?.revision ?? "" };
  }

  const put = (key: string, value: string) => ({ request_put: { key: encode(prefix + key), value: encode(value) } });
  const range = (key: string, end?: string) => ({
    key: encode(key),
    ...(end === undefined ? {} : { range_end: encode(end) }),
  });

  return {
    async list(signal) {
      const got = await call<{ kvs?: KeyValue[] }>("/v3/kv/range", range(prefix, after(prefix)), signal);
      return got.ok ? { ok: true, value: (got.value.kvs ?? []).map(entryOf) } : got;
    },
    async get(key, signal) {
      const got = await call<{ kvs?: KeyValue[] }>("/v3/kv/range", range(prefix + key), signal);
      if (!got.ok) return got;
      const [kv] = got.value.kvs ?? [];
      return { ok: true, value: kv && entryOf(kv) };
    },
    create: (key, value, signal) => write(key, "0", put(key, value), signal),
    update: (key, value, revision, signal) => write(key, revision, put(key, value), signal),
    remove: (key, revision, signal) =>
      write(key, revision, { request_delete_range: { key: encode(prefix + key) } }, signal),
    async watch(changed, signal) {
      const sent = await post("/v3/watch", { create_request: range(prefix, after(prefix)) }, signal, WATCH_MS);
      if (!sent.ok) return;
      const decoder = new TextDecoder();
      let rest = "";
      try {
        for await (const piece of sent.value.body) {
          const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
          rest = lines.pop()!;
          if (rest.length > MAX_BYTES) return;
          for (const line of lines.filter((l) => l.trim() !== "")) {
            const { result } = JSON.parse(line) as { result?: { events?: { type?: string; kv: KeyValue }[] } };
            for (const { type, kv } of result?.events ?? []) {
              const entry = entryOf(kv);
              changed(entry.key, type === "DELETE" ? undefined : entry);
            }
          }
        }
      } catch (error) {
        if (!(error instanceof HttpBroken) && !(error instanceof SyntaxError)) throw error;
      }
    },
  };
}

/** The first text after all that begin with `prefix`. */
const after = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

async function whole(answer: HttpAnswer): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new SyntaxError("too large");
  }
  return Buffer.concat(pieces).toString("utf8");
}
