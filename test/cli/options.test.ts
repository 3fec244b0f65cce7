// Every option of every command that ends has its effect there: the command runs twice between servers that answer the same, without the
// option and with it, and something is seen to differ: what it prints, its exit code, or what it asks and sends. An option that is
// accepted and ignored fails here.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { cli, everyCommand } from "../../src/cli/cli.ts";
import { tempDir } from "../servers/binary.ts";
import { createAuthority } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";
import { Story, sinkInfo } from "../status/scenes.ts";

const dir = tempDir();
const path = (name: string) => join(dir.path, name);
const write = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(path(name), text, { mode });
  return path(name);
};

/** The source's clock; 8 s after a whole quarter of a minute, so that a run has time before its windows move. */
const NOW = Date.UTC(2026, 10, 20, 12) + 8_000;
const EVERY_MS = 10_000;

// Servers that answer always the same, and write down what they were asked.

type Row = { labels: Record<string, string>; samples: [number, string][] };
const rows: Row[] = Array.from({ length: 60 }, (_, i) => ({
  labels: { __name__: `node.metric_${i % 4}`, job: "node", instance: `host-${i}.example.com` },
  samples: Array.from({ length: 80 }, (_, n) => [(NOW - n * EVERY_MS) / 1000, String(n)] as [number, string]).reverse(),
}));

let asked: string[] = [];
/**
 * How the servers are, set before each run. `slow`: the next write is answered late. `crowd`: the second write (the first goes alone) is
 * answered when another one is there, or after a while, and nothing but this is compared: how batches are cut depends on the time.
 * `behind`: how far their clocks are, ms, instead of standing still. `readyAfter`: so many looks at the agent's state.
 */
const usual = { partial: false, slow: false, crowd: false, behind: 0, readyAfter: Number.POSITIVE_INFINITY };
let state = { ...usual };
let looks = 0;
let writes = 0;
/** Answers the write that is held. */
let held: (() => void) | undefined;
const TOGETHER = "a write came while another one was held";
const ALONE_MS = 3_000;

function queryResult(form: URLSearchParams): unknown {
  const query = form.get("query") ?? "";
  const [, range] = /\[(\d+)ms\]$/.exec(query) ?? [];
  if (query === "1") return { resultType: "scalar", result: [NOW / 1000, "1"] };
  if (range !== undefined) {
    const to = Number(form.get("time"));
    const from = to - Number(range) / 1000;
    const inside = rows.map(({ labels, samples }) => ({
      metric: labels,
      values: samples.filter(([ts]) => ts > from && ts <= to),
    }));
    return { resultType: "matrix", result: inside.filter(({ values }) => values.length > 0) };
  }
  const [start, end, step] = ["start", "end", "step"].map((name) => Number(form.get(name)));
  if (Number.isNaN(start)) return { resultType: "vector", result: [] };
  const steps = Array.from({ length: Math.floor((end! - start!) / step!) + 1 }, (_, n) => start! + n * step!);
  return { resultType: "matrix", result: [{ metric: { site: "a" }, values: steps.map((ts) => [ts, "4"]) }] };
}

const METRICS = `vm_app_version{version="victoria-metrics-v1.150.0", short_version="v1.150.0"} 1
flag{name="maxLabelsPerTimeseries", value="40"} 1
flag{name="maxLabelValueLen", value="100"} 1
flag{name="maxInsertRequestSize", value="33554432"} 1
flag{name="search.maxConcurrentRequests", value="8"} 1
flag{name="search.latencyOffset", value="30s"} 1
flag{name="retentionPeriod", value="30d"} 1
`;

function answer(name: string): RequestListener {
  return (request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const body = Buffer.concat(pieces);
      const url = new URL(request.url!, "http://x");
      note(name, request, url.pathname + url.search, body);
      response.setHeader("date", new Date(state.behind === 0 ? NOW : Date.now() - state.behind).toUTCString());
      response.setHeader("x-server-hostname", "vm-0");
      if (/\/api\/v1\/(query|query_range)$/.test(url.pathname)) {
        const data = queryResult(new URLSearchParams(body.toString()));
        return response.end(JSON.stringify({ status: "success", ...(state.partial ? { isPartial: true } : {}), data }));
      }
      if (url.pathname.endsWith("/metrics")) return response.end(METRICS);
      if (url.pathname === "/api/v1/snapshot")
        return response.end(JSON.stringify(++looks > state.readyAfter ? allReady : oneFails));
      if (/^\/(api\/v1\/sinks|-\/reload)/.test(url.pathname)) return response.end('{"message":"done"}');
      if (url.pathname.includes("/apis/") || /\/api\/v1\/(secrets|namespaces)/.test(url.pathname))
        return response
          .setHeader("content-type", "application/json")
          .end('{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":"1"},"items":[]}');
      if (url.pathname.endsWith("/api/v1/write")) {
        const hold = state.crowd && ++writes === 2;
        const wait = state.slow ? 400 : hold ? ALONE_MS : 0;
        state.slow = false;
        if (held !== undefined) asked.push(TOGETHER);
        held?.();
        if (wait === 0) return response.writeHead(204).end();
        const reply = () => {
          clearTimeout(timer);
          held = undefined;
          response.writeHead(204).end();
        };
        const timer = setTimeout(reply, wait);
        if (hold) held = reply;
        return;
      }
      response.writeHead(404).end();
    });
  };
}

const SHOWN_HEADERS = /^(authorization|x-scope-orgid|proxy-authorization)$/;

function note(server: string, { method, headers }: IncomingMessage, target: string, body: Buffer): void {
  const shown = Object.entries(headers).filter(([name]) => SHOWN_HEADERS.test(name));
  asked.push([server, method, target, JSON.stringify(shown), body.toString("base64")].join(" "));
}

const [CLOUD, ARCHIVE] = ["default/edge/cloud", "default/edge/archive"] as const;
const agents = () => new Story([sinkInfo(CLOUD), sinkInfo(ARCHIVE)]).sourceAnswers().delivers(ARCHIVE, 100);
const oneFails = agents().fails(CLOUD, 1, 60_000).snapshot;
const allReady = agents().delivers(CLOUD, 10).snapshot;

const servers: { close(): void }[] = [];
async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

// What the commands are given.

const annotated = '{ outflow/max-window: 2m, outflow/max-backfill: 12h, outflow/max-concurrency: "4" }';
const policyText = (endpoint: string, rest = "", annotations = annotated) => `# ${"-".repeat(400)}
# ${"-".repeat(400)}
apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata:
  name: edge
  annotations: ${annotations}
spec:
  sources:
    - { name: raw, metrics: { metricsql: '{job="node"}' } }
    - { name: sum, metrics: { metricsql: 'sum(up)' } }
  sinks:
    - name: cloud
      sources: [raw, sum]
      target: { prometheusRemoteWrite: { endpoint: "${endpoint}", batch: { maxSize: 100, timeout: 1s }, retry: { maxAttempts: 2, backoffDuration: 1s }${rest} } }
    - name: archive
      sources: [sum]
      target: { prometheusRemoteWrite: { endpoint: "${endpoint}", batch: { maxSize: 100, timeout: 1s }, retry: { maxAttempts: 2, backoffDuration: 1s } } }
`;

type Where = Record<"url" | "other" | "receiver" | "proxy" | "tls" | "strict" | "foreign" | "policy", string> & {
  ca: string;
  pair: { cert: string; key: string };
};
let at: Where;

type Case = {
  /** Given both times. */
  beside?: string[];
  /** Given the second time: the option with a value that has its effect. */
  give: string[];
  /** Instead of the usual policies (null: none) and source. */
  policies?: string | null;
  source?: string;
  state?: Partial<typeof usual>;
};
type Cases = Record<string, () => Case>;

/** The policies with their receiver elsewhere. */
const sendingTo = (name: string, endpoint: string, rest = "") => write(`${name}.yaml`, policyText(endpoint, rest));
const kubeconfig = (name: string) =>
  write(
    name,
    `current-context: first
clusters: [{ name: a, cluster: { server: "${at.url}/${name}/a" } }, { name: b, cluster: { server: "${at.url}/${name}/b" } }]
users: []
contexts: [{ name: first, context: { cluster: a } }, { name: second, context: { cluster: b } }]
`,
  );
const secrets = (): string => {
  mkdirSync(path("secrets/default/login"), { recursive: true });
  write("secrets/default/login/username", "u");
  write("secrets/default/login/password", "p");
  return path("secrets");
};
const withSecret = () =>
  sendingTo("secret", `${at.receiver}/api/v1/write`, ", authentication: { basicAuth: { secretRef: { name: login } } }");

const kubernetes: Cases = {
  "--kubernetes": () => ({ policies: null, give: ["--kubernetes"] }),
  "--kubeconfig": () => ({
    policies: null,
    beside: ["--kubernetes"],
    give: ["--kubeconfig", kubeconfig("other-config")],
  }),
  "--context": () => ({ policies: null, beside: ["--kubernetes"], give: ["--context", "second"] }),
  "--namespace": () => ({ policies: null, beside: ["--kubernetes"], give: ["--namespace", "team-a"] }),
};
const rules: Cases = {
  "--secrets-dir": () => ({ policies: withSecret(), give: ["--secrets-dir", secrets()] }),
  "--enforce-filter": () => ({ give: ["--enforce-filter", '{site="a"}'] }),
  "--forbid-label": () => ({ give: ["--forbid-label", "job"] }),
  "--max-policy-size": () => ({ give: ["--max-policy-size", "1024"] }),
};
const source: Cases = {
  "--source-url": () => ({ give: ["--source-url", at.other] }),
  "--source-kind": () => ({ give: ["--source-kind", "prometheus"] }),
  "--source-proxy": () => ({ give: ["--source-proxy", at.proxy] }),
  "--source-username": () => ({
    beside: ["--source-password-file", write("password", "secret")],
    give: ["--source-username", "me"],
  }),
  "--source-password-file": () => ({
    beside: ["--source-username", "me"],
    give: ["--source-password-file", write("password", "secret")],
  }),
  "--source-bearer-file": () => ({ give: ["--source-bearer-file", write("bearer", "token")] }),
  "--source-header": () => ({ give: ["--source-header", "x-scope-orgid=a"] }),
  "--source-ca": () => ({ source: at.tls, give: ["--source-ca", at.ca] }),
  "--source-cert": () => ({
    source: at.strict,
    beside: ["--source-ca", at.ca, "--source-key", at.pair.key],
    give: ["--source-cert", at.pair.cert],
  }),
  "--source-key": () => ({
    source: at.strict,
    beside: ["--source-ca", at.ca, "--source-cert", at.pair.cert],
    give: ["--source-key", at.pair.key],
  }),
  "--source-server-name": () => ({
    source: at.foreign,
    beside: ["--source-ca", at.ca],
    give: ["--source-server-name", "other.example.com"],
  }),
  "--source-insecure": () => ({ source: at.tls, give: ["--source-insecure"] }),
};
const sinks: Cases = {
  "--proxy": () => ({ give: ["--proxy", at.proxy] }),
  "--allow-sink": () => ({ give: ["--allow-sink", "example.com"] }),
  "--sink-ca": () => ({ policies: sendingTo("tls", `${at.tls}/api/v1/write`), give: ["--sink-ca", at.ca] }),
  "--sink-cert": () => ({
    policies: sendingTo("strict", `${at.strict}/api/v1/write`),
    beside: ["--sink-ca", at.ca, "--sink-key", at.pair.key],
    give: ["--sink-cert", at.pair.cert],
  }),
  "--sink-key": () => ({
    policies: sendingTo("strict", `${at.strict}/api/v1/write`),
    beside: ["--sink-ca", at.ca, "--sink-cert", at.pair.cert],
    give: ["--sink-key", at.pair.key],
  }),
  "--sink-server-name": () => ({
    policies: sendingTo("foreign", `${at.foreign}/api/v1/write`),
    beside: ["--sink-ca", at.ca],
    give: ["--sink-server-name", "other.example.com"],
  }),
  "--sink-insecure": () => ({
    policies: sendingTo("tls", `${at.tls}/api/v1/write`),
    give: ["--sink-insecure"],
  }),
};
const labels: Cases = {
  "--external-label": () => ({ give: ["--external-label", "site=a"] }),
  "--force-label": () => ({ give: ["--force-label", "job=x"] }),
  "--drop-label": () => ({ give: ["--drop-label", "instance|job"] }),
  "--name-escaping": () => ({ give: ["--name-escaping", "drop"] }),
  "--max-labels": () => ({ give: ["--max-labels", "2"] }),
  "--max-label-name-length": () => ({ give: ["--max-label-name-length", "4"] }),
  "--max-label-value-length": () => ({ give: ["--max-label-value-length", "4"] }),
};
/** Of all commands that work with policies. */
const common: Cases = {
  ...kubernetes,
  ...rules,
  ...source,
  ...sinks,
  ...labels,
  "--policies": () => ({
    give: ["--policies", write("second.yaml", policyText(at.receiver).replace("name: edge", "name: second"))],
  }),
  "--config": () => ({ give: ["--config", write("config.yaml", "max-policy-size: 1024\n")] }),
  "--milo": () => ({ policies: null, beside: ["--kubernetes"], give: ["--milo", "projects"] }),
  "--max-window": () => ({ give: ["--max-window", "1m"] }),
  "--max-backfill": () => ({ give: ["--max-backfill", "1h"] }),
  "--max-concurrency": () => ({ give: ["--max-concurrency", "2"] }),
  "--poll-interval": () => ({ give: ["--poll-interval", "1m"] }),
  "--max-window-samples": () => ({ give: ["--max-window-samples", "1000"] }),
  "--allow-partial": () => ({ state: { partial: true }, give: ["--allow-partial"] }),
  "--settle": () => ({ give: ["--settle", "1m"] }),
  "--eval-delay": () => ({ give: ["--eval-delay", "5m"] }),
  "--on-exhausted": () => ({ give: ["--on-exhausted", "hold"] }),
  "--max-source-queries": () => ({ give: ["--max-source-queries", "1"] }),
  "--output": () => ({ give: ["-o", "json"] }),
  "--over": () => ({ give: ["--over", "1m"] }),
};
const agent: Cases = {
  "--url": () => ({ give: ["--url", at.other] }),
  "--token-file": () => ({ beside: ["--url", at.url], give: ["--token-file", write("admin-token", "t")] }),
};
const action: Cases = {
  "--url": () => ({ beside: ["edge/cloud"], give: ["--url", at.other] }),
  "--token-file": () => ({ beside: ["edge/cloud"], give: ["--token-file", write("admin-token", "t")] }),
  "--all": () => ({ give: ["--all"] }),
};

/** What the policy does not have. */
const unenforceable = (): Case => ({ give: ["--enforce-filter", '{team="{label:team}"}'] });
/** Without limits of its own. */
const plain = () => write("plain.yaml", policyText(`${at.receiver}/api/v1/write`, "", "{}"));

/** By command: how it is called, and its own options. Those that are not here are tried by the tests that are named. */
const commands: Record<string, { call?: () => string[]; cases: Cases }> = {
  doctor: {
    cases: {
      ...common,
      "--timeout": () => ({ state: { slow: true }, give: ["--timeout", "100ms"] }),
      "--settle": () => ({ state: { behind: 1_200_000 }, give: ["--settle", "1h"] }),
      "--enforce-filter": unenforceable,
      "--eval-delay": () => ({ give: ["--eval-delay", "5s"] }),
      "--max-labels": () => ({ give: ["--max-labels", "41"] }),
      "--max-label-value-length": () => ({ give: ["--max-label-value-length", "101"] }),
      "--max-source-queries": () => ({ give: ["--max-source-queries", "8"] }),
      "--max-buffered-samples": () => ({ give: ["--max-buffered-samples", "1000"] }),
      "--state-dir": () => ({ give: ["--state-dir", join(at.policy, "below-a-file")] }),
      "--dead-letter-dir": () => ({ give: ["--dead-letter-dir", path("letters")] }),
      "--listen": () => ({ give: ["--listen", at.url.slice("http://".length)] }),
      "--admin-token-file": () => ({ give: ["--admin-token-file", write("open-token", "t", 0o644)] }),
    },
    call: () => ["--listen", "off"],
  },
  plan: {
    cases: {
      ...common,
      ...agent,
      "--token-file": () => ({ beside: ["--url", at.url], give: ["--token-file", write("admin-token", "t")] }),
    },
  },
  rehearse: {
    call: () => ["--scenario", "outage-5m", "--for", "45s", "-o", "json"],
    cases: {
      ...common,
      "--output": () => ({ give: ["-o", "text"] }),
      // Bytes that wait for the link.
      "--external-label": () => ({ beside: ["--scenario", "slow-link"], give: ["--external-label", "site=a"] }),
      "--force-label": () => ({ beside: ["--scenario", "slow-link"], give: ["--force-label", "job=x"] }),
      "--scenario": () => ({ give: ["--scenario", "healthy"] }),
      "--for": () => ({ give: ["--for", "20s"] }),
      "--series": () => ({ give: ["--series", "7"] }),
      "--interval": () => ({ beside: ["--series", "7"], give: ["--interval", "5s"] }),
      "--label-bytes": () => ({ beside: ["--series", "7"], give: ["--label-bytes", "2000"] }),
      "--max-window-samples": () => ({
        beside: ["--series", "30", "--interval", "1s"],
        give: ["--max-window-samples", "1000"],
      }),
      "--max-source-queries": () => ({ beside: ["--for", "2m"], give: ["--max-source-queries", "1"] }),
      "--max-buffered-samples": () => ({
        beside: ["--series", "30", "--interval", "1s"],
        give: ["--max-buffered-samples", "1000"],
      }),
      "--send-timeout": () => ({ beside: ["--scenario", "lost-responses"], give: ["--send-timeout", "1s"] }),
      "--drain-timeout": () => ({
        beside: ["--scenario", "restart", "--poll-interval", "1s", "--for", "5s"],
        give: ["--drain-timeout", "0s"],
      }),
    },
  },
  replay: {
    call: () => ["--policy", "default/edge", "--from", String(NOW / 1000 - 300), "--to", String(NOW / 1000 - 60)],
    cases: {
      ...common,
      "--policy": () => ({ give: ["--policy", "default/nobody"] }),
      "--sink": () => ({ give: ["--sink", "archive"] }),
      "--source": () => ({ beside: ["--sink", "cloud"], give: ["--source", "sum"] }),
      "--from": () => ({ give: ["--from", String(NOW / 1000 - 200)] }),
      "--to": () => ({ give: ["--to", String(NOW / 1000 - 100)] }),
      "--dead-letters": () => ({ give: ["--dead-letters", path("no-letters")] }),
      "--policies": () => ({ give: ["--policies", write("broken.yaml", "kind: ExportPolicy\n")] }),
      "--max-window-samples": () => ({ policies: plain(), give: ["--max-window-samples", "1000"] }),
      "--max-concurrency": () => ({ policies: plain(), state: { crowd: true }, give: ["--max-concurrency", "1"] }),
      "--dry-run": () => ({ give: ["--dry-run"] }),
      "--send-timeout": () => ({ state: { slow: true }, give: ["--send-timeout", "100ms"] }),
      "--state-dir": () => ({ give: ["--state-dir", join(at.policy, "below-a-file")] }),
    },
  },
  check: {
    cases: {
      ...kubernetes,
      ...rules,
      "--enforce-filter": unenforceable,
      "--format": () => ({ give: ["--format", "json"] }),
      "--require-secrets": () => ({ policies: withSecret(), give: ["--require-secrets"] }),
      "--warnings-as-errors": () => ({ give: ["--warnings-as-errors"] }),
      "--print": () => ({ give: ["--print"] }),
      "--schema": () => ({ give: ["--schema"] }),
    },
  },
  status: {
    cases: {
      ...agent,
      "--explain": () => ({ give: ["--explain"] }),
      "--output": () => ({ give: ["-o", "json"] }),
      "--not-ready": () => ({ give: ["--not-ready"] }),
      "--fleet": () => ({ give: ["--fleet"] }),
      "--sort": () => ({ give: ["--sort", "name"] }),
      "--wait": () => ({ state: { readyAfter: 2 }, give: ["--wait"] }),
      "--timeout": () => ({ state: { readyAfter: 2 }, beside: ["--wait"], give: ["--timeout", "1ms"] }),
    },
  },
  pause: { cases: action },
  resume: { cases: action },
  retry: { cases: action },
  reload: { cases: agent },
  version: { cases: { "--output": () => ({ give: ["-o", "json"] }) } },
  "query explain": {
    call: () => ['up{job="node"}'],
    cases: {
      "--policy": () => ({ beside: ["--enforce-filter", '{ns="{namespace}"}'], give: ["--policy", "team-a/p"] }),
      "--label": () => ({ beside: ["--enforce-filter", '{ns="{label:site}"}'], give: ["--label", "site=a"] }),
      "--enforce-filter": rules["--enforce-filter"]!,
      "--forbid-label": rules["--forbid-label"]!,
    },
  },
};
/** Who tries the options of the others. */
const elsewhere: Record<string, string> = {
  run: "the tests of each setting",
  config: "it prints every option of run: test/config",
  demo: "it runs until it is ended: test/tui",
  top: "it draws until it is ended: test/tui",
  "status --watch": "test/cli/status-watch.test.ts",
  "replay --max-rate": "it only takes longer: test/agent/replay.server.test.ts",
};

// The run.

type Seen = { code: number; out: string; err: string; asked: string[] };

/** Without what changes on its own: free memory and disk, ages, how long something took. */
const steady = (text: string): string =>
  text.replace(/[\d.,]+ ?[kMGT]?i?B (available|free)/g, "$1").replace(/\d+ s old|\d+ ms\b|\d+m\d\ds (?=behind)/g, "");

async function run(args: readonly string[], servers: Partial<typeof usual> = {}): Promise<Seen> {
  asked = [];
  looks = writes = 0;
  state = { ...usual, ...servers };
  const seen: Seen = { code: 0, out: "", err: "", asked: [] };
  const { stdout, stderr } = process;
  const [out, err] = [stdout.write, stderr.write];
  const kept = (where: "out" | "err") =>
    ((text: string) => {
      seen[where] += text;
      return true;
    }) as typeof stdout.write;
  [stdout.write, stderr.write] = [kept("out"), kept("err")];
  process.exitCode = 0;
  try {
    seen.code = await cli(["node", "outflow", ...args]);
  } finally {
    [stdout.write, stderr.write] = [out, err];
    process.exitCode = 0;
    rmSync(path("state"), { recursive: true, force: true });
  }
  const all = servers.crowd ? asked.filter((one) => one === TOGETHER) : asked;
  return { ...seen, out: steady(seen.out), err: steady(seen.err), asked: all.toSorted() };
}

/** On a busy machine batches are put together differently from one run to the next. */
const TRIES = 25;
const known = new Map<string, Seen>();

/** As it is seen twice in a row; once for all options that are tried beside the same. */
async function usually(args: readonly string[], servers: Case["state"]): Promise<Seen> {
  const key = JSON.stringify([args, servers]);
  let before = known.get(key) ?? (await run(args, servers));
  for (let i = 0; !known.has(key); i++) {
    const again = await run(args, servers);
    if (isDeepStrictEqual(again, before)) known.set(key, again);
    else assert.ok(i < TRIES, `it is never the same: ${args.join(" ")}`);
    before = again;
  }
  return before;
}

const program = await everyCommand();
const named = (name: string): Command =>
  name.split(" ").reduce((command, word) => command.commands.find((c) => c.name() === word)!, program);
const everyName = program.commands.flatMap((c) =>
  c.commands.length === 0 ? [c.name()] : c.commands.map((d) => `${c.name()} ${d.name()}`),
);
const withPolicies = new Set(["doctor", "plan", "rehearse", "replay"]);

function callOf(name: string, { policies = at.policy, source = at.url }: Case): string[] {
  const words = [...name.split(" "), ...(commands[name]!.call?.() ?? [])];
  if (withPolicies.has(name))
    return [...words, ...(policies === null ? [] : ["--policies", policies]), "--source-url", source];
  if (name === "check") return policies === null ? words : [...words, policies];
  return ["status", "pause", "resume", "retry", "reload"].includes(name) ? [...words, "--url", at.url] : words;
}

describe("an option has its effect where it is listed", needs("openssl"), () => {
  const environment = { ...process.env };
  before(async () => {
    const authority = createAuthority();
    servers.push({ close: authority.remove });
    const pairs = { tls: authority.sign("tls"), other: authority.sign("other", { names: "DNS:other.example.com" }) };
    const { readFileSync } = await import("node:fs");
    const pem = ({ cert, key }: { cert: string; key: string }) => ({
      cert: readFileSync(cert),
      key: readFileSync(key),
    });
    const http = async (name: string) => `http://127.0.0.1:${await listen(createServer(answer(name)))}`;
    const https = async (name: string, options: object) =>
      `https://localhost:${await listen(createHttps({ ...options }, answer(name)))}`;
    const url = await http("url");
    at = {
      url,
      other: await http("other"),
      receiver: await http("receiver"),
      proxy: await http("proxy"),
      tls: await https("tls", pem(pairs.tls)),
      strict: await https("strict", {
        ...pem(pairs.tls),
        ca: readFileSync(authority.ca),
        requestCert: true,
        rejectUnauthorized: true,
      }),
      foreign: await https("foreign", pem(pairs.other)),
      policy: "",
      ca: authority.ca,
      pair: authority.sign("client"),
    };
    at.policy = write("edge.yaml", policyText(`${at.receiver}/api/v1/write`));
    for (const name of Object.keys(process.env))
      if (/^(OUTFLOW_|HTTPS?_PROXY|NO_PROXY)/i.test(name)) delete process.env[name];
    Object.assign(process.env, {
      HOME: dir.path,
      XDG_STATE_HOME: path("state"),
      XDG_CONFIG_HOME: path("config"),
      KUBECONFIG: kubeconfig("usual-config"),
    });
  });
  after(() => {
    for (const server of servers) server.close();
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, environment);
    dir.remove();
  });

  test("every command is tried, here or elsewhere", () => {
    const without = everyName.filter((name) => !(name in commands) && !(name in elsewhere));
    assert.deepEqual(
      without.filter((name) => named(name).options.length > 0),
      [],
    );
  });

  for (const [name, { cases }] of Object.entries(commands))
    describe(`outflow ${name}`, () => {
      for (const option of named(name).options) {
        const flag = option.long ?? option.short!;
        if (`${name} ${flag}` in elsewhere) continue;
        test(flag, async () => {
          const made = cases[flag]?.();
          assert.ok(made, `no case for ${flag}`);
          const without = [...callOf(name, made), ...(made.beside ?? [])];
          const before = await usually(without, made.state);
          const seen = await run([...without, ...made.give], made.state);
          assert.notDeepEqual(seen, before, `${made.give.join(" ")} makes no difference to ${without.join(" ")}`);
        });
      }
    });
});
