// Whatever goes wrong between real servers: status, explanation, snapshot, screen and metrics tell the same right reason, and after the
// repair they agree on Ready. nginx stands in front of the receiver and misbehaves.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readyOf } from "../../src/status/conditions.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { buildBinary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { type Authority, createAuthority, type Pair } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";
import { type Nginx, startNginx } from "../servers/nginx.ts";
import {
  freePort,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

/** Sink, what is wrong with it, and the reason that must be told; what the explanation must show of the evidence. */
const cases: Record<string, { reason: string; evidence: RegExp }> = {
  password: {
    reason: "AuthenticationRejected",
    evidence: /rejected the credentials \(401\).*Correct username and password/s,
  },
  certificate: {
    reason: "TLSFailure",
    evidence: /CERT_HAS_EXPIRED.*certificate of CN=old\.example.*valid from 20\d\d-\d\d-\d\d to 20\d\d/s,
  },
  path: { reason: "NotFound", evidence: /\(404\).*path of endpoint/s },
  down: { reason: "EndpointUnreachable", evidence: /ECONNREFUSED/ },
  limited: { reason: "RateLimited", evidence: /limits the rate \(429\)/ },
  slow: { reason: "Timeout", evidence: /did not respond in time/ },
  query: { reason: "QueryFailed", evidence: /422.*topk\(up\)/s },
};
const names = Object.keys(cases);
const SINKS = names.map((name) => (name === "query" ? "default/bad/query" : `default/edge/${name}`));

const dir = tempDir();
const policies = join(dir.path, "policies");
let source: VictoriaMetrics;
let receiver: VictoriaMetrics;
let prometheus: Server;
let nginx: Nginx;
let authority: Authority;
let agent: Running;
let hole: TcpServer;
let old: Pair;
let fresh: Pair;
let writing: ReturnType<typeof setInterval>;
const port = { http: 0, https: 0, down: 0, hole: 0 };

const servers = (fixed: boolean) => {
  const { key, cert } = fixed ? fresh : old;
  const write = `proxy_pass ${receiver.writeUrl};`;
  return `
server {
  listen 127.0.0.1:${port.http};
  location = /password { auth_basic "metrics"; auth_basic_user_file ${dir.path}/htpasswd; ${write} }
  location = /limited { ${fixed ? "" : "limit_req zone=slow; limit_req_status 429;"} ${write} }
  location = /slow { proxy_read_timeout 60s; ${fixed ? write : `proxy_pass http://127.0.0.1:${port.hole};`} }
  ${fixed ? `location = /path { ${write} }` : ""}
}
server { listen 127.0.0.1:${port.https} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; location = /api/v1/write { ${write} } }
${fixed ? `server { listen 127.0.0.1:${port.down}; location = /api/v1/write { ${write} } }` : ""}`;
};

const endpoint = (name: string): string =>
  name === "certificate"
    ? `https://127.0.0.1:${port.https}/api/v1/write`
    : name === "down"
      ? `http://127.0.0.1:${port.down}/api/v1/write`
      : `http://127.0.0.1:${port.http}/${name}`;

const sink = (name: string, url: string) => `    - name: ${name}
      sources: [m]
      target:
        prometheusRemoteWrite:
          endpoint: ${url}
          batch: { maxSize: 100, timeout: 300ms }
          retry: { maxAttempts: 10, backoffDuration: 300ms }
${name === "password" ? "          authentication: { basicAuth: { secretRef: { name: cloud } } }\n" : ""}`;

const policy = (name: string, query: string, sinks: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name} }
spec:
  sources: [{ name: m, metrics: { metricsql: '${query}' } }]
  sinks:
${sinks}`;

const secret = (password: string) => `apiVersion: v1
kind: Secret
metadata: { name: cloud }
type: kubernetes.io/basic-auth
stringData: { username: edge, password: ${password} }
`;

function put(file: string, text: string): void {
  writeFileSync(join(dir.path, "new"), text, { mode: 0o600 });
  renameSync(join(dir.path, "new"), join(policies, file));
}

function outflow(...args: string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(buildBinary(), args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH ?? "", HOME: dir.path, COLUMNS: "200" },
  });
  let out = "";
  child.stdout.on("data", (d) => {
    out += String(d);
  });
  return new Promise((done) => child.once("close", (code) => done({ code, out })));
}

/** What each of the five says about Ready of each sink: "False AuthenticationRejected". */
async function told(): Promise<Record<string, Record<string, string>>> {
  const get = async (path: string) => (await fetch(`${agent.adminUrl}${path}`)).json();
  const snapshot = (await get("/api/v1/snapshot")) as Snapshot;
  type Condition = { type: string; status: string; reason: string };
  const list = (await get("/api/v1/status")) as {
    items: { status: { sinks: { name: string; conditions: Condition[] }[] } }[];
  };
  const table = (await outflow("status", "--url", agent.adminUrl)).out;
  const metrics = await agent.metrics();
  const of = (name: (id: string, sink: string) => string) =>
    Object.fromEntries(SINKS.map((id) => [id, name(id, id.split("/")[2]!)]));
  return {
    snapshot: of((id) => {
      const found = snapshot.sinks.find((s) => s.id === id);
      const ready = found && readyOf(found);
      return `${ready?.status} ${ready?.reason}`;
    }),
    status: of((_, name) => {
      const ready = list.items
        .flatMap((i) => i.status.sinks)
        .find((s) => s.name === name)
        ?.conditions.find((c) => c.type === "Ready");
      return `${ready?.status} ${ready?.reason}`;
    }),
    command: of(
      (_, name) => new RegExp(`^\\S+/${name} +(\\w+) +(\\w+)`, "m").exec(table)?.slice(1).join(" ") ?? "nothing",
    ),
    metrics: of((id, name) => {
      const labels = (status: string) =>
        `outflow_sink_condition{policy="${id.split("/").slice(0, 2).join("/")}",sink="${name}",type="Ready",status="${status}"}`;
      return ["True", "False", "Unknown"].filter((s) => metrics.get(labels(s)) === 1).join();
    }),
  };
}

const agree = (all: Record<string, Record<string, string>>): boolean =>
  SINKS.every((id) => {
    const [status] = all.snapshot![id]!.split(" ");
    return (
      all.status![id] === all.snapshot![id] && all.command![id] === all.snapshot![id] && all.metrics![id] === status
    );
  });

describe("the truth between real servers", needs("victoria-metrics", "prometheus", "nginx", "openssl"), () => {
  before(async () => {
    mkdirSync(policies);
    [source, receiver] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics()]);
    for (const name of Object.keys(port) as (keyof typeof port)[]) port[name] = await freePort();
    hole = createServer((socket) => socket.on("error", () => {})).listen(port.hole, "127.0.0.1");
    authority = createAuthority();
    old = authority.sign("old.example", { expired: true });
    fresh = authority.sign("fresh.example");
    writeFileSync(join(dir.path, "htpasswd"), "edge:{PLAIN}right-password\n");
    nginx = startNginx(dir.path, servers(false));
    put(
      "edge.yaml",
      policy(
        "edge",
        '{job="node"}',
        names
          .filter((n) => n !== "query")
          .map((n) => sink(n, endpoint(n)))
          .join(""),
      ),
    );
    put("bad.yaml", policy("bad", "topk(up)", sink("query", receiver.writeUrl)));
    put("secret.yaml", secret("wrong-password"));
    const write = () =>
      source.import([
        { labels: { __name__: "up", job: "node" }, samples: [[Date.now(), 1]] },
        { labels: { __name__: "load", job: "node" }, samples: [[Date.now(), Math.random()]] },
      ]);
    await write();
    writing = setInterval(() => void write().catch(() => {}), 500);
    agent = await runAgent(
      [
        "--policies",
        policies,
        "--source-url",
        source.url,
        "--state-dir",
        join(dir.path, "state"),
        "--allow-actions",
        "--on-exhausted",
        "hold",
        "--poll-interval",
        "1s",
        "--settle",
        "1s",
        "--eval-delay",
        "1s",
        "--send-timeout",
        "1s",
        "--ready-lag",
        "5m",
        "--log-format",
        "text",
      ],
      { NODE_EXTRA_CA_CERTS: authority.ca },
    );
    prometheus = await startPrometheus(
      undefined,
      `scrape_configs:\n  - job_name: outflow\n    scrape_interval: 1s\n    static_configs: [{ targets: ["${new URL(agent.adminUrl).host}"] }]`,
    );
  });
  after(async () => {
    clearInterval(writing);
    await agent?.stop();
    await nginx?.stop();
    authority?.remove();
    hole?.close();
    await Promise.all([source?.remove(), receiver?.remove(), prometheus?.remove()]);
    dir.remove();
  });

  test("each sink's trouble has its right name, in snapshot, status, command and metrics", async () => {
    const want = Object.fromEntries(SINKS.map((id, i) => [id, `False ${cases[names[i]!]!.reason}`]));
    const all = await eventually(
      "the right reasons",
      told,
      (t) => JSON.stringify(t.snapshot) === JSON.stringify(want) && agree(t),
      90_000,
    );
    assert.deepEqual(all.snapshot, want);
    const { code } = await outflow("status", "--url", agent.adminUrl);
    assert.equal(code, 1);
  });

  for (const [name, { reason, evidence }] of Object.entries(cases)) {
    test(`${name}: the explanation has the evidence, and no secret`, async () => {
      const { out } = await eventually(
        "the evidence",
        () => outflow("status", "--explain", `${name === "query" ? "bad" : "edge"}/${name}`, "--url", agent.adminUrl),
        ({ out }) => evidence.test(out),
      );
      assert.match(out, new RegExp(`Not ready for \\S+: ${reason}`));
      assert.match(out, /No data has been lost so far/);
      assert.doesNotMatch(out, /wrong-password/);
    });
  }

  test("no answer of the admin API holds a secret", async () => {
    for (const path of ["/metrics", "/api/v1/status", "/api/v1/snapshot", "/readyz"]) {
      const answer = await (await fetch(`${agent.adminUrl}${path}`)).text();
      assert.doesNotMatch(answer, /wrong-password|d3JvbmctcGFzc3dvcmQ|ZWRnZTp3cm9uZ/, path); // plain, in base64, as basic auth
    }
  });

  test("the screen tells the same", async () => {
    const { out } = await outflow("top", agent.adminUrl, "--once");
    for (const { reason } of Object.values(cases)) assert.ok(out.includes(reason), `${reason}\n${out}`);
  });

  test("a real Prometheus scrapes it and knows the same", async () => {
    const ask = async () => {
      const query = 'outflow_sink_condition{type="Ready",status="False"} == 1';
      const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`);
      const { data } = (await answer.json()) as {
        data: { result: { metric: { policy: string; sink: string; job: string } }[] };
      };
      return data.result.map(({ metric }) => `${metric.policy}/${metric.sink}`).sort();
    };
    assert.deepEqual(await eventually("seven sinks", ask, (ids) => ids.length === SINKS.length), [...SINKS].sort());
  });

  test("after the repairs all agree on Ready; what failed meanwhile was told in few lines, and no secret", async () => {
    nginx.reload(servers(true));
    put("secret.yaml", secret("right-password"));
    put("bad.yaml", policy("bad", "topk(1, up)", sink("query", receiver.writeUrl)));
    const retry = async () => {
      for (const id of SINKS) await fetch(`${agent.adminUrl}/api/v1/sinks/${id}/retry`, { method: "POST" });
      return told();
    };
    const all = await eventually(
      "all ready",
      retry,
      (t) => SINKS.every((id) => t.snapshot![id]!.startsWith("True")) && agree(t),
      90_000,
    );
    assert.deepEqual(new Set(Object.values(all.metrics!)), new Set(["True"]));
    const { code, out } = await outflow("status", "--explain", "--url", agent.adminUrl);
    assert.deepEqual([code, out], [0, `All ${SINKS.length} sinks are ready.\n`]);
    for (const id of SINKS)
      assert.ok(agent.log.split("\n").filter((l) => l.includes(`${id}: `)).length <= 12, agent.log);
    assert.doesNotMatch(agent.log, /wrong-password|right-password/);
  });

  test("the source is down: every sink says so; it is back: all are ready, and nothing was dropped", async () => {
    await source.stop();
    const down = await eventually(
      "SourceUnavailable",
      told,
      (t) => SINKS.every((id) => t.snapshot![id] === "False SourceUnavailable") && agree(t),
      60_000,
    );
    assert.equal(new Set(Object.values(down.snapshot!)).size, 1);
    assert.match(
      (await outflow("status", "--explain", "edge/down", "--url", agent.adminUrl)).out,
      /Source "m" cannot be read: .*ECONNREFUSED/,
    );
    assert.match(await (await fetch(`${agent.adminUrl}/readyz`)).text(), /the source has not responded/);
    await source.start();
    await eventually(
      "ready again",
      told,
      (t) => SINKS.every((id) => t.snapshot![id]!.startsWith("True")) && agree(t),
      60_000,
    );
    const dropped = [...(await agent.metrics())].filter(
      ([name, value]) => name.startsWith("outflow_sink_samples_dropped_total") && value > 0,
    );
    assert.deepEqual(dropped, []);
  });

  test("conditions survive a restart: since the same time", async () => {
    const times = async () => {
      const { sinks } = (await (await fetch(`${agent.adminUrl}/api/v1/snapshot`)).json()) as Snapshot;
      return sinks.map((s) => `${s.id} ${readyOf(s).status} ${readyOf(s).lastTransitionTime}`);
    };
    const before = await times();
    assert.equal(await agent.stop(), 0);
    const { host } = new URL(agent.adminUrl);
    agent = await runAgent(
      [
        "--policies",
        policies,
        "--source-url",
        source.url,
        "--state-dir",
        join(dir.path, "state"),
        "--poll-interval",
        "1s",
        "--settle",
        "1s",
        "--eval-delay",
        "1s",
        "--listen",
        host,
      ],
      { NODE_EXTRA_CA_CERTS: authority.ca },
    );
    agent.adminUrl = `http://${host}`;
    assert.deepEqual(await eventually("the same", times, (now) => now.length === before.length), before);
  });
});
