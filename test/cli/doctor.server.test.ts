// outflow doctor as its users call it: each planted fault is the one thing that it finds, with the remedy that fixes it. Real servers,
// real certificates; a black hole is a socket that listens and never answers.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps, type ServerOptions } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { buildBinary, tempDir } from "../servers/binary.ts";
import { type Authority, createAuthority, type Pair } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";
import {
  freePort,
  type Server as RealServer,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

const SINK = "default/edge/cloud";
const HOUR_MS = 3_600_000;
const { skip } = needs("victoria-metrics", "prometheus", "openssl");

const dir = tempDir();
const open: Server[] = [];
let vm: VictoriaMetrics;
let late: VictoriaMetrics;
let strict: RealServer;
let authority: Authority;

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

const http = async (answer: RequestListener) =>
  `http://127.0.0.1:${await listen(createHttp(answer) as unknown as Server)}`;

const https = async ({ cert, key }: Pair, options: ServerOptions = {}) => {
  const server = createHttps({ ...options, cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  return `https://localhost:${await listen(server as unknown as Server)}/api/v1/write`;
};

const answering = (status: number, body = "", headers: Record<string, string> = {}): RequestListener => {
  return (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(status, headers).end(body));
  };
};

before(async () => {
  if (skip) return;
  buildBinary();
  authority = createAuthority();
  [vm, late, strict] = await Promise.all([
    startVictoriaMetrics(),
    startVictoriaMetrics("-search.latencyOffset=2m"),
    startPrometheus(),
  ]);
});
after(async () => {
  for (const server of open) server.close();
  await Promise.all([vm?.remove(), late?.remove(), strict?.remove()]);
  authority?.remove();
  dir.remove();
});

type Planted = {
  endpoint?: string;
  source?: string;
  query?: string;
  /** What the sink's list of sources is. */
  sources?: string;
  args?: string[];
  openFiles?: number;
  stateDir?: string;
};

let runs = 0;

async function doctor(planted: Planted, output = "json"): Promise<{ code: number | null; out: string; err: string }> {
  const at = join(dir.path, String(runs++));
  mkdirSync(at);
  writeFileSync(
    join(at, "edge.yaml"),
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge, annotations: { outflow/on-exhausted: hold } }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: '${planted.query ?? '{job="node"}'}' }
  sinks:
    - name: cloud
      sources: ${planted.sources ?? "[metrics]"}
      target: { prometheusRemoteWrite: { endpoint: "${planted.endpoint ?? vm.writeUrl}" } }
`,
  );
  const args = [
    ...["doctor", "-o", output, "--policies", join(at, "edge.yaml"), "--source-url", planted.source ?? vm.url],
    ...["--state-dir", planted.stateDir ?? join(at, "state"), "--listen", "off", "--proxy", "off", "--timeout", "3s"],
    ...["--max-buffered-samples", "100000", ...(planted.args ?? [])],
  ];
  const limit = planted.openFiles === undefined ? "" : `ulimit -n ${planted.openFiles}; `;
  const child = spawn("sh", ["-c", `${limit}exec "$@"`, "sh", buildBinary(), ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: dir.path },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (d) => {
    out += String(d);
  });
  child.stderr.on("data", (d) => {
    err += String(d);
  });
  return new Promise((done) => child.once("close", (code) => done({ code, out, err })));
}

const findings = (out: string): Finding[] => (JSON.parse(out) as { checks: Finding[] }).checks;

type Fault = {
  name: string;
  plant(): Promise<Planted> | Planted;
  found: Pick<Finding, "subject" | "check" | "level"> & { message: RegExp; remedy: RegExp };
  undo?(): void;
  /** What `outflow check` warns of too. */
  also?: RegExp;
};

const sinkFails = (check: string, message: RegExp, remedy: RegExp): Fault["found"] => ({
  ...{ subject: SINK, check, level: "fail", message, remedy },
});
const agentFails = (check: string, message: RegExp, remedy: RegExp): Fault["found"] => ({
  ...{ subject: "agent", check, level: "fail", message, remedy },
});
const sourceFails = (check: string, message: RegExp, remedy: RegExp): Fault["found"] => ({
  ...{ subject: "source", check, level: "fail", message, remedy },
});

const disk = join(dir.path, "disk");
const mounts = (() => {
  try {
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "pipe" });
    execFileSync("umount", [disk], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
})();

const faults: Fault[] = [
  {
    name: "DNS",
    plant: () => ({ endpoint: "http://no-such-host.invalid/api/v1/write" }),
    found: sinkFails("dns", /no-such-host\.invalid does not resolve/, /host name in endpoint/),
  },
  {
    name: "connection refused",
    plant: async () => ({ endpoint: `http://127.0.0.1:${await freePort()}/api/v1/write` }),
    found: sinkFails(
      "tcp",
      /connection refused by 127\.0\.0\.1:\d+/,
      /Start the receiver, or correct the port in endpoint/,
    ),
  },
  {
    name: "a black hole",
    plant: async () => ({ endpoint: `http://127.0.0.1:${await listen(createTcp(() => {}))}/api/v1/write` }),
    found: sinkFails("write", /./, /accepts connections there and does not answer.*firewalls/),
  },
  {
    name: "a black hole behind https",
    plant: async () => ({ endpoint: `https://127.0.0.1:${await listen(createTcp(() => {}))}/api/v1/write` }),
    found: sinkFails("tls", /handshake with 127\.0\.0\.1:\d+ timed out/, /does not answer/),
  },
  {
    name: "an expired certificate",
    plant: async () => ({
      endpoint: await https(authority.sign("old", { expired: true })),
      args: ["--sink-ca", authority.ca],
    }),
    found: sinkFails("tls", /has expired.*valid until 2020-01-02T/, /Renew the server's certificate/),
  },
  {
    name: "a certificate of another name",
    plant: async () => ({
      endpoint: await https(authority.sign("other", { names: "DNS:other.example.com" })),
      args: ["--sink-ca", authority.ca],
    }),
    found: sinkFails("tls", /not valid for localhost: it is for other\.example\.com/, /--sink-server-name/),
  },
  {
    name: "a certificate of an unknown authority",
    plant: async () => ({ endpoint: await https(authority.sign("unknown")) }),
    found: sinkFails(
      "tls",
      /not signed by an authority that is trusted here.*issued by CN=outflow test authority/,
      /--sink-ca/,
    ),
  },
  {
    name: "a missing client certificate",
    plant: async () => ({
      endpoint: await https(authority.sign("strict"), {
        ca: readFileSync(authority.ca),
        requestCert: true,
        rejectUnauthorized: true,
      }),
      args: ["--sink-ca", authority.ca],
    }),
    found: sinkFails("tls", /client certificate/, /--sink-cert and --sink-key/),
  },
  {
    name: "401",
    plant: async () => ({ endpoint: `${await http(answering(401, "who are you?"))}/api/v1/write` }),
    found: sinkFails("auth", /401.*who are you\?/, /basicAuth\.secretRef/),
  },
  {
    name: "403",
    plant: async () => ({ endpoint: `${await http(answering(403))}/api/v1/write` }),
    found: sinkFails("auth", /403/, /Allow this user to write/),
  },
  {
    name: "404",
    plant: async () => ({ endpoint: `${await http(answering(404))}/api/v1/write` }),
    found: sinkFails("write", /404/, /Correct the path of endpoint/),
  },
  {
    name: "404, and another path takes writes",
    plant: async () => ({ endpoint: `${strict.url}/api/v1/push` }),
    found: sinkFails("write", /404/, /Set endpoint to http:\/\/127\.0\.0\.1:\d+\/api\/v1\/write: /),
  },
  {
    name: "HTML at 200",
    plant: async () => ({
      endpoint: `${await http(answering(200, "<!doctype html><title>Sign in</title>", { "content-type": "text/html" }))}/api/v1/write`,
    }),
    found: sinkFails("write", /a page of HTML \(200\)/, /login page/),
  },
  {
    name: "a path of VictoriaMetrics that answers 2xx and stores nothing",
    plant: () => ({ endpoint: `${vm.url}/api/v1/import` }),
    also: /is not a path for remote write at VictoriaMetrics/,
    found: sinkFails(
      "write",
      /\/api\/v1\/import answers 20\d, but is not a path for remote write/,
      /Set endpoint to http:.*\/api\/v1\/write: /,
    ),
  },
  {
    name: "a path of VictoriaMetrics that does not exist",
    plant: () => ({ endpoint: `${vm.url}/api/v1/wrote` }),
    found: sinkFails("write", /unsupported path/, /Set endpoint to http:.*\/api\/v1\/write: /),
  },
  {
    name: "the clock of the source is an hour off",
    plant: async () => ({
      source: await http((request, response) => {
        request.resume();
        response.setHeader("date", new Date(Date.now() + HOUR_MS).toUTCString());
        response.end('{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}');
      }),
    }),
    found: sourceFails("clock", /(59m\d\ds|1h00m) ahead of the clock of this host/, /NTP.*timedatectl/),
  },
  {
    name: "the clock of the receiver is an hour off",
    plant: async () => ({
      endpoint: `${await http((request, response) => {
        request.resume();
        response.setHeader("date", new Date(Date.now() - HOUR_MS).toUTCString());
        response.writeHead(204).end();
      })}/api/v1/write`,
    }),
    found: sinkFails("clock", /(59m\d\ds|1h00m) behind the clock of this host/, /NTP.*timedatectl/),
  },
  {
    name: "the source is unreachable",
    plant: async () => ({ source: `http://127.0.0.1:${await freePort()}` }),
    found: sourceFails("tcp", /connection refused/, /Start the source, or correct the port in --source-url/),
  },
  {
    name: "a wrong prefix of the source",
    plant: () => ({ source: `${vm.url}/select/prometheus` }),
    found: sourceFails(
      "query",
      /unsupported path/,
      /Set --source-url to http:\/\/127\.0\.0\.1:\d+: the query API answers there/,
    ),
  },
  {
    name: "a Prometheus without out-of-order window",
    plant: () => ({ endpoint: strict.writeUrl }),
    found: {
      ...{ subject: SINK, check: "order", level: "warn" },
      message: /no out_of_order_time_window/,
      remedy: /out_of_order_time_window: 1h/,
    },
  },
  {
    name: "latency offset above eval delay",
    plant: () => ({ source: late.url, query: 'sum(up{job="node"})' }),
    found: {
      ...{ subject: "source", check: "latency", level: "warn" },
      message: /metrics of default\/edge: evaluated 35s after its time.*-search\.latencyOffset 2m/,
      remedy: /--eval-delay 2m5s/,
    },
  },
  {
    name: "a state directory that cannot be written",
    plant: () => ({ stateDir: "/proc/outflow/state" }),
    found: agentFails("state", /cannot write in \/proc, where \/proc\/outflow\/state would be created/, /--state-dir/),
  },
  {
    name: "a state directory below a file",
    plant: () => ({ stateDir: join(process.execPath, "state") }),
    found: agentFails("state", /is not a directory/, /--state-dir/),
  },
  ...(mounts
    ? [
        {
          name: "a full disk",
          plant: () => {
            execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
            writeFileSync(join(disk, "ballast"), new Uint8Array(32_768));
            return { stateDir: join(disk, "state") };
          },
          undo: () => execFileSync("umount", ["-l", disk]),
          found: agentFails("state", /the disk is full.*ENOSPC/, /Free space there/),
        },
      ]
    : []),
  {
    name: "too few open files",
    plant: () => ({ openFiles: 256 }),
    found: agentFails("open files", /at most 256, and 1 sink with --max-concurrency 8 may need 310/, /LimitNOFILE/),
  },
  {
    name: "a policy with an unknown source",
    plant: () => ({ sources: "[metrix]" }),
    found: agentFails(
      "policies",
      /edge\.yaml:10:\d+: spec\.sinks\[0\]\.sources\[0\]: names no source: "metrix"/,
      /[Dd]efine it in spec\.sources/,
    ),
  },
  {
    name: "a file of the settings that is not there",
    plant: () => ({ args: ["--sink-ca", "/nowhere/ca.pem"] }),
    found: agentFails("settings", /cannot read \/nowhere\/ca\.pem/, /outflow config/),
  },
];

describe("outflow doctor", { skip }, () => {
  test("where nothing is wrong: every check is ok, exit 0, and nothing is left behind", async () => {
    const { code, out, err } = await doctor({ endpoint: late.writeUrl });
    assert.equal(err, "");
    const all = findings(out);
    assert.deepEqual(
      all.filter((f) => f.level !== "ok"),
      [],
    );
    assert.equal(code, 0);
    const checks = (subject: string) => all.filter((f) => f.subject === subject).map((f) => f.check);
    assert.deepEqual(checks("agent"), ["policies", "state", "permissions", "open files", "memory"]);
    assert.deepEqual(checks("source"), ["dns", "tcp", "query", "clock", "kind", "limits"]);
    assert.deepEqual(checks(SINK), ["dns", "tcp", "auth", "write", "clock", "kind", "limits"]);
    assert.ok(!existsSync(join(dir.path, "0", "state")), "no state directory was made");
    assert.equal((await late.read('{__name__=~".+",job="node"}')).size, 0, "nothing was stored");
  });

  for (const { name, plant, found, undo, also } of faults)
    test(`finds: ${name}`, async () => {
      try {
        const { code, out, err } = await doctor(await plant());
        assert.equal(err, "");
        const wrong = findings(out).filter(
          (f) => f.level !== "ok" && !(f.check === "policies" && also?.test(f.message)),
        );
        assert.equal(wrong.length, 1, JSON.stringify(wrong, null, 1));
        const [{ subject, check, level, message, remedy }] = wrong as [Finding];
        assert.deepEqual({ subject, check, level }, { subject: found.subject, check: found.check, level: found.level });
        assert.match(message, found.message);
        assert.match(remedy!, found.remedy);
        assert.equal(code, found.level === "fail" ? 1 : 0);
      } finally {
        undo?.();
      }
    });

  test("text for people: a heading for each subject, the remedy below the problem, a summary", async () => {
    const { code, out } = await doctor({ endpoint: `http://127.0.0.1:${await freePort()}/api/v1/write` }, "text");
    assert.equal(code, 1);
    assert.deepEqual(
      out
        .split("\n")
        .filter((line) => /^\S/.test(line))
        .slice(0, 3),
      ["agent", "source", SINK],
    );
    assert.match(out, /\n {2}fail {2}tcp {11}connection refused.*\n {22}To do: Start the receiver/);
    assert.match(out, /\nnot healthy: \d+ checks: \d+ ok, 0 warnings, 1 failed\n$/);
  });

  test("no sink of that name: 2", async () => {
    const { code, err } = await doctor({ args: ["nobody/cloud"] });
    assert.equal(code, 2);
    assert.match(err, /no policy or sink is named nobody\/cloud/);
  });
});
