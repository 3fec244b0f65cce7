// Marked secrets, and control characters everywhere: the compiled binary runs against receivers and a source that echo what they got,
// in every spelling; then all that it printed, served and wrote is searched.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { spellings } from "../platform/spellings.ts";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";

const run = promisify(execFile);

// Each holds a mark; what surrounds it must be spelled in several ways by whoever echoes it.
const DOCUMENT = `doc-MARK1hunter2hunter2/"<ü>&'+ x`;
const MOUNTED = `mounted-MARK2hunter2hunter2/"<é>&'+ y`;
const TOKEN = "admin-MARK3hunter2hunter2-token";
const BEARER = "bearer-MARK4hunter2hunter2/+=";
const HEADER = `header-MARK5hunter2hunter2"'<&`;
const SOURCE = "source-MARK6hunter2hunter2/+=";
const secrets = [DOCUMENT, MOUNTED, TOKEN, BEARER, HEADER, SOURCE];

/** As they might show up; base64 of it in all three alignments a neighbour can give it, without the ends that neighbours change. */
const searched = secrets.flatMap((s) => {
  const mark = /MARK\dhunter2hunter2/.exec(s)![0];
  const base64s = ["", "a", "ab"].map((before) =>
    Buffer.from(before + mark)
      .toString("base64")
      .slice(4, -4),
  );
  const spelled = Object.entries(spellings)
    .filter(([name]) => !name.startsWith("base64"))
    .map(([, spell]) => spell(mark).slice(4, -4));
  return [...[mark, ...base64s].flatMap((text) => [text, [...text].reverse().join("")]), ...spelled];
});

const statuses = [200, 302, 400, 401, 403, 404, 406, 409, 413, 415, 422, 429, 500, 503];
const CONTROLS = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\u200b\r\n\x7f";
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/;

/** A server that says everything it was told, in every spelling it can think of. */
function echo(request: IncomingMessage, body: string, n: number): string {
  const authorization = request.headers.authorization ?? "";
  const plain = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString("utf8");
  const password = plain.slice(plain.indexOf(":") + 1);
  const all = Object.values(spellings);
  const spell = all[n % all.length]!;
  return [
    CONTROLS,
    spell(password),
    spell(authorization),
    spell(String(request.headers["x-key"])),
    password,
    plain,
    authorization,
    authorization.replace(/^\w+ /, ""),
    JSON.stringify(request.headers),
    encodeURIComponent(String(request.headers["x-key"])),
    JSON.stringify({ password, authorization }),
    encodeURIComponent(password),
    encodeURIComponent(authorization),
    new URLSearchParams({ password }).toString(),
    password.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    Buffer.from(password).toString("base64"),
    body.slice(0, 50),
  ].join(" ");
}

describe("a run with marked secrets and control characters", () => {
  const dir = tempDir();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (d) => {
      body += d;
    });
    request.on("end", () => {
      const path = request.url ?? "";
      if (path.startsWith("/write/")) {
        asked.push(request.headers.authorization ?? "", String(request.headers["x-key"] ?? ""));
        // Of some it takes writes without samples: those sinks drop what is refused, the others hold it.
        const status = path.endsWith("?takes") && body.length === 1 ? 204 : Number.parseInt(path.slice(7), 10);
        // What comes first differs, so that secrets stand at any distance from the end of what is shown.
        const text = echo(request, body, asked.length);
        response.writeHead(status, {
          location: `http://127.0.0.1:1/${encodeURIComponent(text)}?${encodeURIComponent(text)}`,
        });
        return void response.end(status < 300 ? "" : ".".repeat(asked.length % 60) + text);
      }
      asked.push(request.headers.authorization ?? "");
      const query = new URLSearchParams(body).get("query") ?? "";
      if (query.includes("refused")) {
        response.writeHead(422, { "content-type": "application/json" });
        return void response.end(
          JSON.stringify({ status: "error", error: `${CONTROLS} ${echo(request, "", asked.length)}` }),
        );
      }
      const now = Date.now();
      const result = Array.from({ length: 30 }, (_, i) => ({
        metric: { __name__: `up${i}\u001b[2J`, job: "j", hard: `${CONTROLS}${i}`, "l\u001b[2J\u202e": "x" },
        values: [[Math.floor(now / 1000) - 3, String(i)]],
      }));
      response.writeHead(200, { "content-type": "application/json", "x-server-hostname": "h" });
      response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
    });
  });
  let agent: Running;
  const output = new Map<string, string>();

  before(async () => {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const policies = join(dir.path, "policies");
    const mounted = join(dir.path, "secrets/default/mounted");
    for (const folder of [policies, mounted]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(mounted, "username"), "tenant", { mode: 0o600 });
    writeFileSync(join(mounted, "password"), MOUNTED, { mode: 0o600 });
    writeFileSync(join(dir.path, "token"), TOKEN, { mode: 0o600 });
    chmodSync(join(dir.path, "token"), 0o600);
    const sink = (name: string, endpoint: string, secret: string | undefined, source: string) => `
    - name: ${name}
      sources: [${source}]
      target:
        prometheusRemoteWrite:
          endpoint: ${endpoint}
${secret === undefined ? "" : `          authentication: { basicAuth: { secretRef: { name: ${secret} } } }\n`}          batch: { maxSize: 10, timeout: 500ms }
          retry: { maxAttempts: 2, backoffDuration: 100ms }`;
    const policy = (name: string, sinks: string[], annotations = {}) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name}, annotations: ${JSON.stringify(annotations)} }
spec:
  sources:
    - { name: all, metrics: { metricsql: '{job="j"}' } }
    - { name: refused, metrics: { metricsql: '{job="refused"}' } }
  sinks:${sinks.join("")}
---
`;
    writeFileSync(
      join(policies, "p.yaml"),
      `${policy("p", [
        ...statuses.map((s) => sink(`d${s}`, `${url}/write/${s}?takes`, "document", "all")),
        sink("query", `${url}/write/200`, "document", "refused"),
        sink("tls", `${url.replace("http:", "https:")}/write/200`, "document", "all"),
        sink("nobody", "http://127.0.0.1:1/write?token=MARK1hunter2hunter2", "mounted", "all"),
      ])}${policy(
        "m",
        statuses.map((s) => sink(`m${s}`, `${url}/write/${s}`, "mounted", "all")),
      )}${policy(
        "b",
        statuses.map((s) => sink(`b${s}`, `${url}/write/${s}`, undefined, "all")),
        { "outflow/bearer-secret": "bearer", "outflow/headers-secret": "headers" },
      )}apiVersion: v1
kind: Secret
metadata: { name: bearer }
stringData: { token: ${JSON.stringify(BEARER)} }
---
apiVersion: v1
kind: Secret
metadata: { name: headers }
stringData: { x-key: ${JSON.stringify(HEADER)} }
---
apiVersion: v1
kind: Secret
metadata: { name: document }
type: kubernetes.io/basic-auth
stringData: { username: tenant, password: ${JSON.stringify(DOCUMENT)} }
`,
    );
    // Files with problems, some of them of the Secret itself, and a name that would paint a terminal.
    writeFileSync(
      join(policies, `bad\u001b[31m\u202e.yaml`),
      `apiVersion: v1
kind: Secret
metadata: { name: broken, nmae: x }
type: kubernetes.io/basic-auth
data: { username: dGVuYW50, password: ${DOCUMENT.slice(0, 9)} }
stringData: { password: { MARK1hunter2hunter2: "MARK1hunter2hunter2" }, MARK1hunter2hunter2 }
---
kind: Secret
stringData: "MARK1hunter2hunter2
---
apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: q }
spec:
  sources: [{ name: a, metrics: { metricsql: "up{\\e[31m=" } }]
  sinks: [{ name: s, sources: [a], target: { prometheusRemoteWrite: { endpoint: "https://user:MARK1hunter2hunter2@h/", batch: {} } } }]
`,
    );
    const args = ["--policies", policies, "--secrets-dir", join(dir.path, "secrets"), "--source-url", url];
    const flags = ["--poll-interval", "1s", "--settle", "1s", "--log-level", "debug", "--log-format", "text"];
    const folders = ["--state-dir", join(dir.path, "state"), "--dead-letter-dir", join(dir.path, "letters")];
    writeFileSync(join(dir.path, "bearer"), SOURCE, { mode: 0o600 });
    const network = ["--source-bearer-file", join(dir.path, "bearer"), "--source-proxy", "off"];
    const token = ["--admin-token-file", join(dir.path, "token"), "--allow-actions"];
    agent = await runAgent([...args, ...flags, ...folders, ...network, ...token]);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const get = async (path: string) => (await fetch(agent.adminUrl + path, { headers })).text();
    await eventually(
      "every receiver has answered, and refused series are listed",
      async () => {
        const { sinks } = JSON.parse(await get("/api/v1/snapshot")) as {
          sinks: {
            attemptsTotal: number;
            info: { sink: string };
            rejected: unknown[];
            sources: { failure?: object }[];
          }[];
        };
        return (
          sinks.filter(
            (s) => s.info.sink !== "query" && s.attemptsTotal < 2 && !/30|40[1345]|415|[mb]4(00|22)/.test(s.info.sink),
          ).length +
          sinks.filter((s) => s.info.sink === "query" && s.sources[0]!.failure === undefined).length +
          (sinks.some((s) => s.rejected.length > 0) ? 0 : 1) +
          (sinks.length < 3 * statuses.length ? 1 : 0)
        );
      },
      (n) => n === 0,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${agent.log.slice(-3000)}`);
    });
    for (const path of ["/metrics", "/api/v1/status", "/api/v1/snapshot", "/healthz", "/readyz"])
      output.set(path, await get(path));
    const events = await fetch(`${agent.adminUrl}/api/v1/events`, { headers });
    const reader = events.body!.getReader();
    let stream = "";
    while (!stream.includes("attempt-ended")) stream += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    output.set("/api/v1/events", stream);
    const top = ["top", agent.adminUrl, "--token-file", join(dir.path, "token"), "--once"];
    const outputOf = async (commandArgs: string[]) => {
      const { stdout, stderr } = await run(binary, commandArgs, { maxBuffer: 64 << 20 }).catch(
        (e: { stdout: string; stderr: string }) => e,
      );
      output.set(`outflow ${commandArgs[0]} ${commandArgs.at(-1)}`, stdout + stderr);
    };
    await outputOf(top);
    await outputOf([...top, "--json"]);
    await outputOf([...top, "--screen-reader"]);
    for (const format of ["text", "json", "github"])
      await outputOf(["check", policies, "--secrets-dir", join(dir.path, "secrets"), "--print", "--format", format]);
    await agent.stop();
    output.set("log", agent.log);
    output.set("stdout", agent.stdout);
    for (const folder of ["state", "letters"])
      for (const entry of readdirSync(join(dir.path, folder), { recursive: true, withFileTypes: true }))
        if (entry.isFile()) {
          const bytes = readFileSync(join(entry.parentPath, entry.name));
          output.set(
            `${folder}: ${entry.name}`,
            (entry.name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1"),
          );
        }
  });

  after(async () => {
    await agent?.stop("SIGKILL");
    server.close();
    server.closeAllConnections();
    dir.remove();
  });

  test("the secrets were used: the receivers got them", () => {
    const sent = new Set(asked);
    for (const password of [DOCUMENT, MOUNTED])
      assert.ok(sent.has(`Basic ${Buffer.from(`tenant:${password}`).toString("base64")}`), password);
    for (const text of [`Bearer ${BEARER}`, HEADER, `Bearer ${SOURCE}`]) assert.ok(sent.has(text), text);
  });

  test("what is searched has something in it", () => {
    for (const what of ["log", "/metrics", "/api/v1/status", "/api/v1/snapshot", "/api/v1/events"])
      assert.ok((output.get(what) ?? "").length > 500, what);
    assert.match(output.get("log")!, /\[redacted\]/);
    assert.ok([...output.keys()].some((k) => k.startsWith("letters: ") && k.endsWith(".gz")));
    assert.ok([...output.keys()].some((k) => k.startsWith("state: ")));
  });

  test("no output holds a secret, in whatever spelling", () => {
    for (const [what, text] of output)
      for (const mark of searched) {
        const at = text.indexOf(mark);
        assert.equal(at, -1, `${what} has ${mark}: ${JSON.stringify(text.slice(Math.max(0, at - 200), at + 40))}`);
      }
  });

  test("no control character reaches log, status, metrics, screen or events raw", () => {
    for (const [what, text] of output) {
      if (/^(?:state|letters)/.test(what)) continue; // dead letters are data, JSON-escaped; the state is SQLite's
      const at = text.search(UNSAFE);
      assert.equal(at, -1, `${what}: ${JSON.stringify(text.slice(Math.max(0, at - 200), at + 40))}`);
    }
  });

  test("nor do parsed JSON answers hold one", () => {
    for (const what of ["/api/v1/status", "/api/v1/snapshot"]) {
      JSON.parse(output.get(what)!, (_, value: unknown) => {
        // A policy's YAML has lines.
        if (typeof value === "string") assert.doesNotMatch(value.replaceAll("\n", ""), UNSAFE, what);
        return value;
      });
    }
  });

  test("a crash report has none either", async () => {
    const main = join(import.meta.dirname, "../../src/main.ts");
    const script = `process.argv.splice(1, 9, "outflow", "demo", "--for", "60s", "--no-tui"); await import(${JSON.stringify(main)});
setTimeout(() => { throw new Error(${JSON.stringify(CONTROLS)}); }, 10);`;
    const { code, stderr } = (await run(process.execPath, ["-e", script]).catch(
      (e: { code: number; stderr: string }) => e as { code?: number; stderr: string },
    )) as { code?: number; stderr: string };
    assert.equal(code, 1);
    assert.match(stderr, /outflow: a bug: .*red/);
    assert.doesNotMatch(stderr, UNSAFE);
  });

  test("dead letters are JSON lines without a raw control character", () => {
    for (const [what, text] of output)
      if (what.startsWith("letters: ")) assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/, what);
  });
});
