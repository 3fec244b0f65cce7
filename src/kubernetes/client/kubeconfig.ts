// A kubeconfig to the access of one of its contexts: contexts, client certificates, tokens, token files, exec plugins, inline data.
// Several files are merged as kubectl merges them: the first that names something wins. Never a value in a message.
import { Buffer } from "node:buffer";
import { dirname, isAbsolute, join } from "node:path";
import { parse } from "yaml";
import type { Files } from "../../platform/files.ts";
import { sha256 } from "../../platform/hash.ts";
import { type Access, AccessError, tokenFile } from "./access.ts";
import { type ExecSpec, execAuthorization, type RunPlugin } from "./exec-plugin.ts";

type Entry = Record<string, unknown>;
type Config = {
  clusters: Map<string, Entry>;
  users: Map<string, Entry>;
  contexts: Map<string, Entry>;
  current: string | undefined;
};

export type KubeconfigOptions = {
  files: Files;
  runPlugin: RunPlugin;
  now(): number;
  tell(message: string): void;
  /** Another context than the current one. */
  context?: string | undefined;
};

const MAX_BYTES = 4 << 20;

export function kubeconfigAccess(paths: readonly string[], options: KubeconfigOptions): Access {
  const config = merged(paths, options.files);
  const shown = paths.join(":");
  const name = options.context ?? config.current;
  if (name === undefined || name === "")
    throw new AccessError(`${shown} has no current-context: choose one with --context`);
  const context = config.contexts.get(name);
  if (context === undefined)
    throw new AccessError(
      `${shown} has no context "${name}"${config.contexts.size === 0 ? "" : `: it has ${[...config.contexts.keys()].join(", ")}`}`,
    );
  const cluster = config.clusters.get(String(context.cluster));
  if (cluster === undefined) throw new AccessError(`context "${name}" names a cluster that ${shown} does not have`);
  const user = config.users.get(String(context.user)) ?? {};
  if (context.user !== undefined && context.user !== "" && !config.users.has(String(context.user)))
    throw new AccessError(`context "${name}" names a user that ${shown} does not have`);
  const inline = new InlineFiles(options.files);
  return {
    server: serverOf(cluster, name),
    origin: `context ${name} of ${shown}`,
    files: inline,
    tls: {
      ca: pathOf(inline, cluster, "certificate-authority"),
      onlyCa: true,
      cert: pathOf(inline, user, "client-certificate"),
      key: pathOf(inline, user, "client-key"),
      serverName: text(cluster, "tls-server-name"),
      insecure: cluster["insecure-skip-tls-verify"] === true,
    },
    ...(text(cluster, "proxy-url") === undefined ? {} : { proxy: text(cluster, "proxy-url")! }),
    ...(text(context, "namespace") === undefined ? {} : { namespace: text(context, "namespace")! }),
    ...authOf(user, cluster, inline, options),
  };
}

function serverOf(cluster: Entry, context: string): string {
  const server = text(cluster, "server") ?? "";
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new AccessError(`the cluster of context "${context}" has no valid server: it must be an http or https URL`);
  return url.replace(/\/+$/, "");
}

/** Exactly one of token, token file, basic auth and exec plugin; a client certificate needs no header. */
function authOf(
  user: Entry,
  cluster: Entry,
  inline: InlineFiles,
  { files, runPlugin, now, tell }: KubeconfigOptions,
): Pick<Access, "authorization" | "rejected"> & { tls?: never } {
  for (const key of ["as", "as-uid", "as-groups", "as-user-extra"])
    if (user[key] !== undefined)
      throw new AccessError(`the kubeconfig's user has "${key}": impersonation is not supported`);
  if (user["auth-provider"] !== undefined)
    throw new AccessError("the kubeconfig's user has an auth-provider, which Kubernetes removed: use an exec plugin");
  const path = text(user, "tokenFile");
  if (path !== undefined) return tokenFile(path, files, tell);
  const token = text(user, "token");
  if (token !== undefined) return fixed(`Bearer ${token}`);
  const [username, password] = [text(user, "username"), text(user, "password")];
  if (username !== undefined || password !== undefined)
    return fixed(`Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`, "utf8").toString("base64")}`);
  if (user.exec !== undefined)
    return execAuthorization(user.exec as ExecSpec, {
      run: runPlugin,
      now,
      cluster: execCluster(cluster, inline),
      certificates: (cert, key) => {
        inline.set("client-certificate", cert);
        inline.set("client-key", key);
      },
    });
  return fixed(undefined);
}

const fixed = (header: string | undefined) => ({ authorization: async () => header, rejected: () => {} });

function execCluster(cluster: Entry, inline: InlineFiles): Entry {
  const ca = pathOf(inline, cluster, "certificate-authority");
  const read = () => Buffer.from(inline.read(ca!)).toString("base64");
  return {
    server: cluster.server,
    ...(cluster["tls-server-name"] === undefined ? {} : { "tls-server-name": cluster["tls-server-name"] }),
    ...(cluster["insecure-skip-tls-verify"] === true ? { "insecure-skip-tls-verify": true } : {}),
    ...(ca === undefined ? {} : { "certificate-authority-data": read() }),
    ...(cluster["proxy-url"] === undefined ? {} : { "proxy-url": cluster["proxy-url"] }),
  };
}

/** A file, or what stands inline and then wins, as kubectl has it. */
function pathOf(inline: InlineFiles, entry: Entry, key: string): string | undefined {
  const data = text(entry, `${key}-data`);
  if (data === undefined) {
    const path = text(entry, key);
    // An exec plugin may bring a certificate later.
    return path ?? (entry.exec !== undefined ? `kubeconfig:${key}` : undefined);
  }
  inline.set(key, Buffer.from(data, "base64").toString("utf8"));
  return `kubeconfig:${key}`;
}

function text(entry: Entry, key: string): string | undefined {
  const value = entry[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function merged(paths: readonly string[], files: Files): Config {
  const config: Config = { clusters: new Map(), users: new Map(), contexts: new Map(), current: undefined };
  const found = paths.filter((path) => paths.length === 1 || files.info(path) !== undefined);
  if (found.length === 0) throw new AccessError(`there is no kubeconfig at ${paths.join(", ")}`);
  for (const path of found) {
    const value = read(path, files);
    const dir = dirname(path);
    config.current ??= text(value, "current-context");
    add(config.clusters, value.clusters, "cluster", dir);
    add(config.users, value.users, "user", dir);
    add(config.contexts, value.contexts, "context", dir);
  }
  return config;
}

function read(path: string, files: Files): Entry {
  try {
    const value: unknown = parse(new TextDecoder("utf-8", { fatal: true }).decode(files.read(path, MAX_BYTES)));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Entry;
  } catch (error) {
    const { code } = error as { code?: string };
    // What the parser says may repeat a credential.
    throw new AccessError(
      `cannot read the kubeconfig ${path} (${/^E[A-Z]+$/.test(code ?? "") ? code : "not valid YAML"})`,
    );
  }
  throw new AccessError(`the kubeconfig ${path} is not a mapping`);
}

/** Relative paths are meant from the file they stand in. */
const PATHS = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

function add(to: Map<string, Entry>, list: unknown, what: string, dir: string): void {
  for (const item of Array.isArray(list) ? (list as Entry[]) : []) {
    const entry = { ...((item?.[what] as Entry | undefined) ?? {}) };
    for (const key of PATHS) {
      const path = text(entry, key);
      if (path !== undefined && !isAbsolute(path)) entry[key] = join(dir, path);
    }
    const exec = entry.exec as Entry | undefined;
    const command = exec && text(exec, "command");
    if (exec !== undefined && command?.includes("/") && !isAbsolute(command))
      entry.exec = { ...exec, command: join(dir, command) };
    if (!to.has(String(item?.name))) to.set(String(item?.name), entry);
  }
}

/** Files, and over them the names `kubeconfig:…` with what stands inline or came from a plugin. */
class InlineFiles implements Files {
  readonly #files: Files;
  readonly #texts = new Map<string, { bytes: Uint8Array; version: string }>();

  constructor(files: Files) {
    this.#files = files;
  }

  set(key: string, value: string | undefined): void {
    const path = `kubeconfig:${key}`;
    if (value === undefined) this.#texts.delete(path);
    else this.#texts.set(path, { bytes: new TextEncoder().encode(value), version: sha256(value) });
  }

  info: Files["info"] = (path) => {
    const own = this.#texts.get(path);
    if (own !== undefined) return { kind: "file", size: own.bytes.length, mode: 0o600, version: own.version };
    return path.startsWith("kubeconfig:") ? undefined : this.#files.info(path);
  };
  list: Files["list"] = (path) => this.#files.list(path);
  real: Files["real"] = (path) => this.#files.real(path);
  read: Files["read"] = (path, maxBytes) => this.#texts.get(path)?.bytes ?? this.#files.read(path, maxBytes);
}
