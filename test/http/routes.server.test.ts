// The compiled binary behind Debian's nginx and tinyproxy: client certificates, basic auth, a body limit (413), a rate limit (429), a
// server of TLS 1.1 only, a source behind TLS with gzip; a forward proxy that asks for credentials. Every sample arrives, exactly.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { type Authority, createAuthority, type Pair } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";
import { type Front, startNginx, startTinyproxy } from "../servers/fronts.ts";
import { type Row, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SELECTOR = '{job="ways"}';
const SERIES = 300;
const SAMPLES = 8;
const NEEDED = needs("victoria-metrics", "nginx", "tinyproxy");
const SECRETS = ["p4ss-wörd-mark", "s0urce-mark", "pr0xy-mark", "b3arer-mark"];
const here = NEEDED.skip === false;

let vm: VictoriaMetrics;
let authority: Authority;
let server: Pair;
let client: Pair;
const dir = tempDir();
const ends: (() => unknown)[] = [];

before(async () => {
  if (!here) return;
  authority = createAuthority();
  server = authority.sign("localhost");
  client = authority.sign("edge-1");
  vm = await startVictoriaMetrics();
  const now = Date.now();
  const rows: Row[] = Array.from({ length: SERIES }, (_, i) => ({
    labels: { __name__: "ways", job: "ways", i: String(i), pod: `a-pod-with-a-long-name-${i * 7919}` },
    samples: Array.from({ length: SAMPLES }, (_, s): [number, number] => [now - 120_000 + s * 5_000, i + s / 8]),
  }));
  await vm.import(rows);
  await eventually(
    "the source has all",
    () => vm.read(SELECTOR),
    (c) => c.size === SERIES,
  );
});
after(async () => {
  for (const end of ends.reverse()) await end();
  await vm?.remove();
  authority?.remove();
  dir.remove();
});

const tls = () => `ssl_certificate ${server.cert}; ssl_certificate_key ${server.key};`;
const forward = (to: string) => `location / { proxy_pass ${to}; proxy_set_header Host $http_host; }`;

async function receiver(): Promise<Receiver> {
  const r = await startReceiver();
  ends.push(() => r.close());
  return r;
}
async function nginx(...args: Parameters<typeof startNginx>): Promise<Front> {
  const front = await startNginx(...args);
  ends.push(() => front.stop());
  return front;
}

const SECRET = (name: string, data: string) =>
  `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\n${data}\n`;

function policyFile(
  name: string,
  annotations: string,
  sinks: { name: string; url: string; basic?: true }[],
  secrets = "",
): string {
  const file = join(dir.path, `${name}.yaml`);
  const sink = (s: (typeof sinks)[number]) => `    - name: ${s.name}
      sources: [m]
      target:
        prometheusRemoteWrite:
          endpoint: ${s.url}
          batch: { maxSize: 500, timeout: 500ms }
          retry: { maxAttempts: 10, backoffDuration: 200ms }
${s.basic ? "          authentication: { basicAuth: { secretRef: { name: basic } } }\n" : ""}`;
  writeFileSync(
    file,
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name}, annotations: { ${annotations} } }
spec:
  sources: [{ name: m, metrics: { metricsql: '${SELECTOR}' } }]
  sinks:
${sinks.map(sink).join("")}${secrets}`,
    { mode: 0o600 },
  );
  return file;
}

/** What the source has, as the receiver keeps it. */
async function wanted(): Promise<Map<string, string>> {
  const contents = await vm.read(SELECTOR);
  return new Map([...contents].map(([labels, samples]) => [labels, samples.map(([ts, v]) => `${ts} ${v}`).join()]));
}

const float = new DataView(new ArrayBuffer(8));
function got(r: Receiver): Map<string, string> {
  return new Map(
    [...r.stored].map(([labels, samples]) => {
      const texts = new Set(
        samples.map(([ts, bits]) => {
          float.setBigUint64(0, bits);
          return `${ts} ${float.getFloat64(0)}`;
        }),
      );
      return [labels, [...texts].sort().join()];
    }),
  );
}

async function arrives(r: Receiver, what: string): Promise<void> {
  const want = await wanted();
  const all = (map: Map<string, string>) => [...map.values()].reduce((n, v) => n + v.split(",").length, 0);
  await eventually(
    what,
    () => all(got(r)),
    (n) => n === SERIES * SAMPLES,
    90_000,
  );
  assert.deepEqual([...got(r)].sort(), [...want].sort(), what);
}

const FLAGS = ["--poll-interval", "2s", "--settle", "1s", "--start", "5m", "--log-level", "debug"];

async function agent(policies: string, flags: string[], env: Record<string, string> = {}): Promise<Running> {
  const running = await runAgent(
    ["--policies", policies, "--state-dir", join(dir.path, `state-${ends.length}`), ...FLAGS, ...flags],
    { HTTP_PROXY: "", HTTPS_PROXY: "", http_proxy: "", https_proxy: "", ...env },
  );
  ends.push(() => running.stop());
  return running;
}

async function noSecretIn(running: Running): Promise<void> {
  const status = await (await fetch(`${running.adminUrl}/api/v1/status`)).text();
  const metrics = await (await fetch(`${running.adminUrl}/metrics`)).text();
  for (const secret of SECRETS) {
    const packed = Buffer.from(secret).toString("base64");
    for (const [where, text] of Object.entries({ log: running.log, status, metrics })) {
      assert.equal(text.includes(secret), false, `${secret} in ${where}`);
      assert.equal(text.includes(packed), false, `${packed} in ${where}`);
    }
  }
}

describe("behind nginx", () => {
  let running: Running;
  let locked: Front;
  let limited: Front;
  let sourceFront: Front;
  let a: Receiver;
  let b: Receiver;

  before(async () => {
    if (!here) return;
    [a, b] = [await receiver(), await receiver()];
    const htpasswd = join(dir.path, "htpasswd");
    writeFileSync(htpasswd, `edge:{PLAIN}${SECRETS[0]}\nreader:{PLAIN}${SECRETS[1]}\n`);
    const auth = `auth_basic x; auth_basic_user_file ${htpasswd};`;
    locked = await nginx(
      `${tls()} ssl_client_certificate ${authority.ca}; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3; ${auth} client_max_body_size 2k; ${forward(a.url)}`,
      "$status $ssl_client_s_dn $remote_user $http_x_scope_orgid",
    );
    limited = await nginx(
      `${tls()} limit_req zone=z burst=1 nodelay; limit_req_status 429; ${forward(b.url)}`,
      "$status",
      "limit_req_zone $binary_remote_addr zone=z:1m rate=2r/s;",
    );
    const old = await nginx(
      `${tls()} ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0; ${forward(a.url)}`,
      "$status",
    );
    sourceFront = await nginx(
      `${tls()} ${auth} gzip on; gzip_types application/json; gzip_min_length 1; ${forward(vm.url)}`,
      "$status $remote_user $http_x_tenant $sent_http_content_encoding",
    );
    const password = join(dir.path, "password");
    writeFileSync(password, `${SECRETS[1]}\n`, { mode: 0o600 });
    const policies = policyFile(
      "nginx",
      "outflow/header-x-scope-orgid: team-a",
      [
        { name: "locked", url: `https://localhost:${locked.port}/api/v1/write`, basic: true },
        { name: "limited", url: `https://127.0.0.1:${limited.port}/api/v1/write` },
        { name: "old", url: `https://localhost:${old.port}/api/v1/write` },
      ],
      SECRET("basic", `type: kubernetes.io/basic-auth\nstringData: { username: edge, password: ${SECRETS[0]} }`),
    );
    running = await agent(policies, [
      ...["--source-url", `https://0.0.0.0:${sourceFront.port}`, "--source-ca", authority.ca],
      ...["--source-server-name", "localhost"], // 0.0.0.0 leads here, and is not loopback: gzip is asked for
      ...["--source-username", "reader", "--source-password-file", password, "--source-header", "X-Tenant=7"],
      ...["--sink-ca", authority.ca, "--sink-cert", client.cert, "--sink-key", client.key],
    ]);
  });

  test(
    "TLS, a client certificate, basic auth and a body limit: every sample arrives, in smaller requests",
    NEEDED,
    async () => {
      await arrives(a, "through the locked front");
      const lines = locked.log();
      assert.ok(
        lines.some((line) => line.startsWith("413 ")),
        lines.slice(0, 5).join("\n"),
      );
      assert.ok(lines.includes("204 CN=edge-1 edge team-a"), lines.slice(-5).join("\n"));
    },
  );

  test("a rate limit: every sample arrives, later", NEEDED, async () => {
    await arrives(b, "through the limited front");
    assert.ok(limited.log().includes("429"), limited.log().join());
  });

  test("a server of TLS 1.1 only is not used, and the condition says why", NEEDED, async () => {
    await eventually(
      "not ready",
      () => running.ready("old"),
      (r) => r === "False TLSFailure",
    );
    assert.match(running.log, /no TLS 1\.2 or newer/);
  });

  test("the source is read through TLS with its credentials and headers, gzipped", NEEDED, () => {
    assert.ok(sourceFront.log().includes("200 reader 7 gzip"), sourceFront.log().slice(0, 5).join("\n"));
  });

  test("no secret is in log, status or metrics", NEEDED, () => noSecretIn(running));
});

describe("through tinyproxy", () => {
  test(
    "CONNECT for https, the whole URL for http, with credentials; NO_PROXY keeps the source direct",
    NEEDED,
    async () => {
      const [a, b] = [await receiver(), await receiver()];
      const front = await nginx(`${tls()} ${forward(a.url)}`, "$status $http_authorization");
      const proxy = await startTinyproxy({ user: "edge", password: SECRETS[2]! });
      ends.push(() => proxy.stop());
      const policies = policyFile(
        "proxied",
        "outflow/bearer-secret: bearer",
        [
          { name: "tunnel", url: `https://localhost:${front.port}/api/v1/write` },
          { name: "plain", url: b.writeUrl.replace("127.0.0.1", "localhost") },
        ],
        SECRET("bearer", `stringData: { token: ${SECRETS[3]} }`),
      );
      const running = await agent(policies, ["--source-url", vm.url, "--sink-insecure"], {
        HTTP_PROXY: `http://edge:${SECRETS[2]}@127.0.0.1:${proxy.port}`,
        HTTPS_PROXY: `http://edge:${SECRETS[2]}@127.0.0.1:${proxy.port}`,
        NO_PROXY: "127.0.0.1",
      });
      await arrives(a, "through the tunnel");
      await arrives(b, "through the proxy in plain text");
      assert.ok(front.log().includes(`204 Bearer ${SECRETS[3]}`));
      const log = proxy.log().join("\n");
      assert.match(log, new RegExp(`CONNECT localhost:${front.port}`));
      assert.match(log, new RegExp(`POST http://localhost:${new URL(b.url).port}/api/v1/write`));
      assert.doesNotMatch(log, new RegExp(`:${new URL(vm.url).port}`));
      assert.match(running.log, /--sink-insecure: the certificate of sinks is not checked/);
      await noSecretIn(running);
    },
  );

  test("a metadata address is refused, and the condition says so", NEEDED, async () => {
    const policies = policyFile("meta", "", [{ name: "meta", url: "http://169.254.169.254/latest" }]);
    const running = await agent(policies, ["--source-url", vm.url]);
    await eventually(
      "not ready",
      () => running.ready("meta"),
      (r) => r === "False EndpointUnreachable",
    );
    assert.match(running.log, /link-local and cloud metadata addresses are refused/);
  });
});
