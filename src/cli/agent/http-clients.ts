// From settings and environment to HTTP clients: one for the source, one for each sender, so that a sink that hangs has only its
// own connections to wait for. What cannot be used ends the start.
import type { Settings } from "../../config/settings.ts";
import { createHttpClient, type RealHttpClient } from "../../http/client.ts";
import { connectPolicyOf } from "../../http/connecting/connect-policy.ts";
import { isLoopback, parseHostPattern } from "../../http/connecting/host-pattern.ts";
import { type ProxyRules, proxyRules } from "../../http/connecting/proxy.ts";
import { createTls, type Tls, TlsFilesError, type TlsOptions } from "../../http/connecting/tls.ts";
import type { Evidence } from "../../http/http.ts";
import { systemFiles } from "../../platform/files.ts";
import { printable } from "../../platform/printable.ts";
import { redactor, secretsInHeader } from "../../platform/redact.ts";
import { firstLine, type WatchedFile, watchedFile } from "../../platform/watched-file.ts";
import { basicAuth } from "../../remotewrite/post.ts";
import { StartError } from "./start-error.ts";

export type Tell = (level: "info" | "warn", message: string) => void;
export type HttpClients = {
  source: RealHttpClient;
  sink(connections: number): RealHttpClient;
  /** What a failed connection to a sink does not tell, over the same route. */
  look(url: string, what: Evidence): Promise<string>;
};

const CONNECT_MS = 5_000;
/** A sample takes about 25 bytes of a response, labels more: a response to a window does not inflate beyond this. */
const INFLATE_BASE_BYTES = 64 << 20;
const INFLATE_SAMPLE_BYTES = 256;

export function httpClientsOf(
  settings: Settings & { sourceUrl: string },
  env: Readonly<Record<string, string | undefined>>,
  tell: Tell,
): HttpClients {
  const warn = (message: string) => tell("warn", printable(message, 300));
  const sinkTls = tlsOf("sink", settings, warn);
  const sinkProxy = proxyOf("--proxy", settings.proxy, env);
  const connectPolicy = connectPolicyOf(
    (settings.allowSink ?? []).map((text) => {
      const pattern = parseHostPattern(text);
      if (pattern === undefined)
        throw new StartError(
          `--allow-sink: "${text}" is not a valid pattern; write a host, .suffix, address or CIDR such as 10.0.0.0/8.`,
        );
      return pattern;
    }),
  );
  const sink = (connections: number) =>
    createHttpClient({ connectMs: CONNECT_MS, connections, tls: sinkTls, proxy: sinkProxy, connectPolicy });
  const { look } = sink(1);
  return { source: sourceClient(settings, env, warn, tell), sink, look };
}

function sourceClient(
  settings: Settings & { sourceUrl: string },
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
  tell: Tell,
): RealHttpClient {
  const url = new URL(settings.sourceUrl);
  // It would stand in process lists, and is left out of every printed command.
  if (url.username !== "" || url.password !== "")
    throw new StartError(
      "--source-url: credentials in the address are not used. Give them with --source-username and --source-password-file, or with --source-bearer-file.",
    );
  const proxy = proxyOf("--source-proxy", settings.sourceProxy, env);
  const through = proxy(url);
  if (through !== undefined) tell("info", `The source is read through the proxy ${through.shown}.`);
  const plain = isLoopback(url.hostname) && through === undefined;
  const headers = sourceHeaders(settings, warn);
  const client = createHttpClient({
    connectMs: CONNECT_MS,
    connections: settings.maxSourceQueries,
    tls: tlsOf("source", settings, warn),
    proxy,
    ...(headers === undefined ? {} : { headers }),
    ...(plain ? {} : { inflateMaxBytes: INFLATE_BASE_BYTES + INFLATE_SAMPLE_BYTES * settings.maxWindowSamples }),
  });
  return headers === undefined ? client : { ...client, cover: coverOf(headers) };
}

/** A source that echoes what it got must not bring a credential into a log or a status. They may be replaced at any time. */
function coverOf(headers: () => Record<string, string>): (text: string) => string {
  let known = "";
  let cover = redactor([]);
  return (text) => {
    const secrets = Object.values(headers()).flatMap(secretsInHeader);
    if (secrets.join("\n") !== known) {
      known = secrets.join("\n");
      cover = redactor(secrets);
    }
    return cover(text, true);
  };
}

function tlsOf(who: "sink" | "source", settings: Settings, warn: (message: string) => void): Tls {
  const options: TlsOptions =
    who === "sink"
      ? {
          ca: settings.sinkCa,
          cert: settings.sinkCert,
          key: settings.sinkKey,
          serverName: settings.sinkServerName,
          insecure: settings.sinkInsecure,
        }
      : {
          ca: settings.sourceCa,
          cert: settings.sourceCert,
          key: settings.sourceKey,
          serverName: settings.sourceServerName,
          insecure: settings.sourceInsecure,
        };
  if (options.insecure)
    warn(
      `--${who}-insecure: the certificate of ${who === "sink" ? "sinks" : "the source"} is not checked; anyone on the network path can read and change everything. Use --${who}-ca.`,
    );
  try {
    return createTls(options, systemFiles, warn);
  } catch (error) {
    if (error instanceof TlsFilesError)
      throw new StartError(`--${who}-ca, --${who}-cert, --${who}-key: ${error.message}.`);
    throw error;
  }
}

function proxyOf(
  flag: "--proxy" | "--source-proxy",
  value: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): ProxyRules {
  const made = proxyRules(value, env);
  if ("problem" in made) throw new StartError(`${value === undefined ? "" : `${flag}: `}${made.problem}.`);
  return made.rules;
}

/** What the connection and the request need for themselves. */
const OWN_HEADERS = /^(host|content-(length|type|encoding)|transfer-encoding|connection|accept-encoding|proxy-.*)$/i;

/** The text may hold a credential: it is not repeated. */
function headerOf(text: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*[=:]\s*([\t\x20-\x7e]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new StartError("--source-header: write a header as X-Scope-OrgID=team-a.");
  if (OWN_HEADERS.test(name)) throw new StartError(`--source-header: ${name} is set by outflow itself.`);
  return [name.toLowerCase(), value.trim()];
}

/** Read at each request, so that what is replaced needs no restart. Undefined: there are none. */
function sourceHeaders(
  settings: Settings,
  warn: (message: string) => void,
): (() => Record<string, string>) | undefined {
  const { sourceUsername: username, sourcePasswordFile, sourcePassword, sourceBearerFile } = settings;
  const sourceHeader = (settings.sourceHeader ?? []).map(headerOf);
  if ((username === undefined) !== ((sourcePasswordFile ?? sourcePassword) === undefined))
    throw new StartError("--source-username and --source-password-file go together: give both.");
  if (username?.includes(":"))
    throw new StartError("--source-username: a user name of basic auth cannot contain a colon.");
  const sets = (name: string) => sourceHeader.some(([header]) => header === name);
  if ([username, sourceBearerFile, sets("authorization") || undefined].filter((x) => x !== undefined).length > 1)
    throw new StartError(
      "use only one kind of credentials for the source: --source-username, --source-bearer-file or --source-header authorization=….",
    );
  const password =
    sourcePassword === undefined
      ? secretIn("--source-password-file", sourcePasswordFile, firstLine, /./s, "a password", warn)
      : () => sourcePassword;
  const bearer = secretIn("--source-bearer-file", sourceBearerFile, (t) => t.trim(), TOKEN, "one token", warn);
  if (sourceHeader.length === 0 && password === undefined && bearer === undefined) return undefined;
  return () => ({
    ...Object.fromEntries(sourceHeader),
    ...(password === undefined || username === undefined
      ? {}
      : { authorization: basicAuth({ username, password: password() }) }),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer()}` }),
  });
}

/** What a header can carry: no space, no line break. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The secret in a file, read again when it changes. At the start it must be there; later the last valid one is kept, with a warning. */
function secretIn(
  flag: string,
  path: string | undefined,
  read: (text: string) => string,
  valid: RegExp,
  what: string,
  warn: (message: string) => void,
): (() => string) | undefined {
  if (path === undefined) return undefined;
  const file = open(flag, path, warn);
  let secret = read(file.text());
  if (secret === "") throw new StartError(`${flag} ${path} is empty: it must hold ${what}.`);
  if (!valid.test(secret)) throw new StartError(`${flag} ${path} must hold ${what} on one line.`);
  let warned = false;
  return () => {
    const now = read(file.text());
    const usable = valid.test(now);
    if (usable) secret = now;
    else if (!warned) warn(`${flag} ${path} does not hold ${what}: its last content stays in use.`);
    warned = !usable;
    return secret;
  };
}

function open(flag: string, path: string, warn: (message: string) => void): WatchedFile {
  try {
    return watchedFile(path, systemFiles, warn);
  } catch (error) {
    throw new StartError(`cannot read ${flag} ${path} (${(error as { code?: string }).code ?? "not UTF-8"}).`);
  }
}
