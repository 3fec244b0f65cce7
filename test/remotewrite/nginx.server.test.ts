// The compiled binary through a real forward proxy (tinyproxy, CONNECT, basic auth) to a real receiver behind nginx: TLS, client
// certificates, basic auth, a body limit (413), a rate limit (429), and a certificate of somebody else.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { type Authority, createAuthority } from "../servers/certificates.ts";
import { needs, pathOf } from "../servers/found.ts";
import { type Contents, canonical, freePort, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const PASSWORD = "pä$$:wörd #1";
const PROXY_PASSWORD = "proxy-hunter2";
const SERIES = 120;

describe("through tinyproxy and nginx", needs("victoria-metrics", "nginx", "tinyproxy"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let sink: VictoriaMetrics;
  let ours: Authority;
  let theirs: Authority;
  let agent: Running;
  const children: ChildProcess[] = [];
  let [port, foreign, proxy] = [0, 0, 0];
  const daemon = (program: "nginx" | "tinyproxy", args: string[]) => {
    const child = spawn(pathOf(program)!, args, { stdio: "ignore" });
    children.push(child);
    process.once("exit", () => child.kill("SIGKILL"));
  };

  before(async () => {
    [source, sink, port, foreign, proxy] = await Promise.all([
      startVictoriaMetrics(),
      startVictoriaMetrics(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    [ours, theirs] = [createAuthority(), createAuthority()];
    const [server, client, other] = [ours.sign("localhost"), ours.sign("edge-1"), theirs.sign("localhost")];
    const hash = execFileSync("openssl", ["passwd", "-apr1", "-stdin"], { input: PASSWORD }).toString();
    writeFileSync(join(dir.path, "htpasswd"), `tenant:${hash}`);
    const to = (name: string, more = "") =>
      `location = /${name} { ${more} proxy_pass ${sink.writeUrl}?extra_label=sink=${name}; }\n`;
    // Basic auth is UTF-8 (RFC 7617); a password may hold a colon.
    writeFileSync(
      join(dir.path, "nginx.conf"),
      `daemon off; master_process off; pid ${dir.path}/nginx.pid; error_log ${dir.path}/error.log;
events {}
http {
  access_log ${dir.path}/access.log;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((t) => `${t}_temp_path ${dir.path}/${t};`).join(" ")}
  limit_req_zone $server_port zone=slow:1m rate=2r/s;
  limit_req_status 429;
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${server.cert}; ssl_certificate_key ${server.key};
    ssl_client_certificate ${ours.ca}; ssl_verify_client on;
    auth_basic "metrics"; auth_basic_user_file ${dir.path}/htpasswd;
    ${to("well")} ${to("wrong")} ${to("small", "client_max_body_size 2k;")} ${to("slow", "limit_req zone=slow; add_header Retry-After 1 always;")}
  }
  server {
    listen 127.0.0.1:${foreign} ssl;
    ssl_certificate ${other.cert}; ssl_certificate_key ${other.key};
    ${to("foreign")}
  }
}
`,
    );
    writeFileSync(
      join(dir.path, "tinyproxy.conf"),
      `Port ${proxy}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogFile "${dir.path}/tinyproxy.log"\nLogLevel Connect\nAllow 127.0.0.1\nBasicAuth edge ${PROXY_PASSWORD}\n`,
    );
    daemon("nginx", ["-c", join(dir.path, "nginx.conf"), "-p", dir.path, "-e", join(dir.path, "error.log")]);
    daemon("tinyproxy", ["-d", "-c", join(dir.path, "tinyproxy.conf")]);

    const policies = join(dir.path, "policies");
    mkdirSync(policies);
    const to443 = (name: string, at: number, secret: string, maxSize: number) => `
    - name: ${name}
      sources: [all]
      target:
        prometheusRemoteWrite:
          endpoint: https://localhost:${at}/${name}
          authentication: { basicAuth: { secretRef: { name: ${secret} } } }
          batch: { maxSize: ${maxSize}, timeout: 500ms }
          retry: { maxAttempts: 10, backoffDuration: 500ms }`;
    const secret = (name: string, password: string) => `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
type: kubernetes.io/basic-auth
stringData: { username: tenant, password: ${JSON.stringify(password)} }`;
    const sinks = [
      to443("well", port, "right", 50),
      to443("wrong", port, "wrong", 50),
      to443("small", port, "right", 500),
      to443("slow", port, "right", 50),
      to443("foreign", foreign, "right", 50),
    ];
    writeFileSync(
      join(policies, "p.yaml"),
      `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources: [{ name: all, metrics: { metricsql: '{job="fleet"}' } }]
  sinks:${sinks.join("")}${secret("right", PASSWORD)}${secret("wrong", `${PASSWORD}x`)}
`,
      { mode: 0o600 },
    );
    const args = ["--policies", policies, "--source-url", source.url, "--state-dir", join(dir.path, "state")];
    const tls = ["--sink-ca", ours.ca, "--sink-cert", client.cert, "--sink-key", client.key];
    const way = ["--proxy", `http://edge:${PROXY_PASSWORD}@127.0.0.1:${proxy}`, "--max-concurrency", "2"];
    agent = await runAgent([...args, ...tls, ...way, "--poll-interval", "2s", "--settle", "2s"]);
    await eventually(
      "the agent is ready",
      () => fetch(`${agent.adminUrl}/readyz`).then((r) => r.status),
      (s) => s === 200,
    );
    const now = Date.now();
    await source.import(
      Array.from({ length: SERIES }, (_, i) => ({
        labels: { __name__: "m", job: "fleet", i: String(i), id: (i * 2654435761).toString(36) },
        samples: [
          [now, i + 0.1],
          [now + 1, i + 0.2],
        ],
      })),
    );
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    const ended = children.map((c) => new Promise((done) => (c.exitCode === null ? c.once("exit", done) : done(0))));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all([...ended, source?.remove(), sink?.remove()]);
    ours?.remove();
    theirs?.remove();
    dir.remove();
  });

  /** What the sink has from one of the paths, with the labels of the source. */
  async function of(name: string): Promise<Contents> {
    const found = await sink.read(`{sink="${name}"}`);
    const plain = (key: string) =>
      canonical(Object.fromEntries((JSON.parse(key) as [string, string][]).filter(([k]) => k !== "sink")));
    return new Map([...found].map(([key, samples]) => [plain(key), samples]));
  }
  const size = (c: Contents) => [...c.values()].reduce((n, samples) => n + samples.length, 0);

  for (const [name, what] of [
    ["well", "TLS with a client certificate and basic auth in UTF-8, by CONNECT: every sample, bit for bit"],
    ["small", "413: smaller requests until all has arrived"],
    ["slow", "429: as fast as it allows, and nothing is lost"],
  ] as const)
    test(what, async () => {
      const have = await eventually(
        what,
        () => of(name),
        (c) => size(c) === 2 * SERIES,
        60_000,
      );
      assert.deepEqual(new Map([...have].sort()), new Map([...(await source.read('{job="fleet"}'))].sort()));
      // One that was limited flaps until it has been calm for two minutes; by then there is nothing more to send it.
      const ready = await eventually(
        `${name} is ready`,
        () => agent.ready(name),
        (r) => r.startsWith("True"),
        200_000,
      );
      assert.match(ready, name === "slow" ? /^True (Delivering|Idle)$/ : /^True Delivering$/);
    });

  test("413 and 429 were really answered", () => {
    const access = readFileSync(join(dir.path, "access.log"), "utf8");
    assert.match(access, /"POST \/small HTTP\/1.1" 413/);
    assert.match(access, /"POST \/slow HTTP\/1.1" 429/);
    assert.match(access, /"POST \/wrong HTTP\/1.1" 401/);
  });

  test("a wrong password: held, one request, nothing dropped", async () => {
    const ready = await eventually(
      "it is noticed",
      () => agent.ready("wrong"),
      (r) => r.startsWith("False"),
    );
    assert.equal(ready, "False AuthenticationRejected");
    const metrics = await agent.metrics();
    const dropped = [...metrics].filter(([k]) => /samples_dropped_total/.test(k)).reduce((n, [, v]) => n + v, 0);
    assert.equal(dropped, 0, "nothing is dropped at any sink");
  });

  test("a certificate of an authority that nobody trusts: TLSFailure, and nothing is sent", async () => {
    const ready = await eventually(
      "it is noticed",
      () => agent.ready("foreign"),
      (r) => r.startsWith("False"),
    );
    assert.equal(ready, "False TLSFailure");
    assert.equal(size(await of("foreign")), 0);
  });

  test("all of it went through the proxy, whose password is nowhere to be seen", async () => {
    const log = readFileSync(join(dir.path, "tinyproxy.log"), "utf8");
    assert.match(log, new RegExp(`CONNECT localhost:${port}`));
    const seen = agent.log + (await (await fetch(`${agent.adminUrl}/api/v1/snapshot`)).text());
    for (const secret of [PROXY_PASSWORD, PASSWORD, "wörd"]) assert.equal(seen.includes(secret), false, secret);
  });
});
