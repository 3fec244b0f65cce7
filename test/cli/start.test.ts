// The compiled binary with each wrong setting there is, made from the table of settings, and with the admin port on: the start ends with
// exit 2 and one clear line. And `run --check`, which does everything but run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Option } from "commander";
import { runOptions } from "../../src/config/settings.ts";
import { buildBinary, eventually, runAgent, tempDir } from "../servers/binary.ts";

const dir = tempDir();
after(() => dir.remove());
const policies = join(dir.path, "policies");
mkdirSync(policies);
const file = (name: string, text: string) => {
  writeFileSync(join(dir.path, name), text);
  return join(dir.path, name);
};

type Ended = { code: number | null; stdout: string; stderr: string };

function outflow(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(buildBinary(), args, {
    cwd: dir.path,
    env: { PATH: process.env.PATH ?? "", HOME: dir.path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (d) => {
    ended.stdout += String(d);
  });
  child.stderr.on("data", (d) => {
    ended.stderr += String(d);
  });
  return new Promise((done) => child.once("close", (code) => done({ ...ended, code })));
}

const base = (states: string) => [
  "--no-tui",
  "--listen",
  "127.0.0.1:0",
  "--policies",
  policies,
  "--source-url",
  "http://127.0.0.1:9",
  "--state-dir",
  join(dir.path, states),
];

/** By what a setting takes. */
const WRONG: Record<string, string> = {
  "yes|no": "maybe",
  duration: "soon",
  "now|duration": "tomorrow",
  "auto|duration": "soon",
  n: "many",
  bytes: "1.5",
  url: "ftp://x",
  "url|off": "htp:/x",
  "name=value": "=",
  regex: "(",
  pattern: "10.0.0.0/8/8",
  selector: "{",
  file: "nope.file",
  dir: "/proc/nope",
  "file|dir": "nope.yaml",
  "file|dir|namespace=dir": "nope.yaml",
  "addr|off": "here",
};
/** Of a setting that differs from others of its kind. */
const OWN_WRONG: Record<string, string> = {
  "forbid-label": " ",
  "source-username": "alone",
  "fleet-name": "Upper",
  "fleet-namespace": "Upper",
  "agent-name": "no spaces",
  "etcd-username": "without-fleet",
  context: "without-kubernetes",
  namespace: "Upper",
};
/** Any text may be right. */
const FREE = ["sink-server-name", "source-server-name"];

function wrong(option: Option): string {
  const [, what = "yes|no"] = /<(.*)>/.exec(option.flags) ?? [];
  if (option.argChoices !== undefined) return "nope";
  const value = OWN_WRONG[option.name()] ?? WRONG[what];
  assert.ok(
    value !== undefined,
    `${option.flags}: give it a wrong value in this test, or add it to those that take any text`,
  );
  return value;
}

describe("each wrong setting: exit 2, one clear line that names it, with the admin port on", () => {
  for (const option of runOptions().filter((o) => !FREE.includes(o.name()))) {
    const flag = option.long!;
    test(`${flag} as a flag`, async () => {
      const { code, stdout, stderr } = await outflow(["run", ...base("wrong"), `${flag}=${wrong(option)}`]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, named(flag), "it names the setting");
      assert.match(stderr, /^outflow: [^\n]+[.?)]\n(\(outflow run --help lists the flags\)\n)?$/, "one line");
    });
  }

  for (const name of ["read-only", "settle", "proxy", "on-exhausted", "sink-ca"])
    test(`${name} as a variable and as a key`, async () => {
      const option = runOptions().find((o) => o.name() === name)!;
      const byVariable = await outflow(["run", ...base("wrong")], { [option.envVar!]: wrong(option) });
      assert.equal(byVariable.code, 2, byVariable.stderr);
      assert.match(byVariable.stderr, new RegExp(`${option.envVar}|--${name}`));
      const config = file(`wrong-${name}.yaml`, `${name}: ${wrong(option)}\n`);
      const byKey = await outflow(["run", ...base("wrong"), "--config", config]);
      assert.equal(byKey.code, 2, byKey.stderr);
      assert.match(byKey.stderr, new RegExp(name));
    });

  const pairs: [string, string[], RegExp][] = [
    [
      "a certificate that is not PEM",
      ["--sink-cert", file("c", "x"), "--sink-key", file("k", "x")],
      /no PEM certificate/,
    ],
    ["a CA that is not PEM", ["--source-ca", file("ca", "x")], /--source-ca.*no PEM certificate/],
    ["a certificate without its key", ["--sink-cert", file("c2", "x")], /needs its key/],
    ["a bearer file that is not there", ["--source-bearer-file", "nope"], /--source-bearer-file nope \(ENOENT\)/],
    [
      "a password file that is not there",
      ["--source-username", "u", "--source-password-file", "nope"],
      /password-file nope/,
    ],
    ["an admin address without a token", ["--listen", "0.0.0.0:0"], /--admin-token-file/],
    ["a secrets directory that is a file", ["--secrets-dir", file("s", "")], /--secrets-dir .* not a directory/],
    ["a state directory that is a file", ["--state-dir", file("st", "")], /state directory .*--state-dir/],
    [
      "a dead-letter directory that is a file",
      ["--dead-letter-dir", file("dl", "")],
      /--dead-letter-dir .*not a directory/,
    ],
  ];
  for (const [name, args, said] of pairs)
    test(name, async () => {
      const { code, stderr } = await outflow(["run", ...base("wrong"), ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    });

  test("a start that fails leaves no state behind", () => {
    assert.equal(existsSync(join(dir.path, "wrong")), false);
  });

  test("no credential is repeated", async () => {
    for (const args of [
      ["--proxy", "htp://user:geheim99@x"],
      ["--source-url", "ftp://user:geheim99@x"],
      ["--source-header", "geheim99"],
    ]) {
      const { code, stderr } = await outflow(["run", ...base("wrong"), ...args]);
      assert.equal(code, 2, stderr);
      assert.doesNotMatch(stderr, /geheim99/);
    }
  });
});

/** A flag of a pair is named with the other. */
const named = (flag: string): RegExp =>
  new RegExp(
    flag === "--policies"
      ? "policies"
      : flag === "--state-dir"
        ? "state directory"
        : flag === "--config"
          ? "--config"
          : flag,
  );

describe("variables", () => {
  test("one that no setting reads is warned of, with a suggestion; one without a value counts as not set", async () => {
    const { code, stderr } = await outflow(["run", ...base("vars"), "--check"], {
      OUTFLOW_POLL_INTERVALL: "5s",
      OUTFLOW_READ_ONLY: "",
      OUTFLOW_PROXY: "",
    });
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^outflow: warning: the variable OUTFLOW_POLL_INTERVALL is not a setting and has no effect \(did you mean "OUTFLOW_POLL_INTERVAL"\?\)\.$/m,
    );
    assert.doesNotMatch(stderr, /READ_ONLY|PROXY/);
  });
});

describe("outflow run --check", () => {
  const policy = (password: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: a }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks:
    - name: s
      sources: [m]
      target:
        prometheusRemoteWrite:
          endpoint: https://example.com/write
          authentication: { basicAuth: { secretRef: { name: c } } }
---
apiVersion: v1
kind: Secret
metadata: { name: c }
type: kubernetes.io/basic-auth
stringData: { username: u, ${password} }
`;

  test("ends with 0 where the start would succeed, and leaves nothing behind", async () => {
    const good = file("good.yaml", policy("password: secret123"));
    const state = join(dir.path, "checked", "deep");
    const args = ["run", ...base("unused"), "--policies", good, "--state-dir", state, "--check"];
    const { code, stdout, stderr } = await outflow(args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^The start would succeed: 1 policy, 1 sink\.$/m);
    assert.equal(existsSync(join(dir.path, "checked")), false);
  });

  test("ends with 2 for a policy, a secret, a port or a state directory that would not do", async () => {
    const bad = file("bad.yaml", "kind: ExportPolicy\n");
    const noPassword = file("no-password.yaml", policy("passwort: x"));
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => holder.once("listening", done));
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    const cases: [string[], RegExp][] = [
      [["--policies", bad], /problems? in the policies/],
      [["--policies", noPassword], /problems? in the policies/],
      [["--listen", taken], /the address is in use by another process/],
      [["--state-dir", "/proc/nope"], /state directory/],
    ];
    for (const [args, said] of cases) {
      const { code, stderr, stdout } = await outflow(["run", ...base("check2"), ...args, "--check"]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
      assert.equal(stdout, "");
    }
    holder.close();
    assert.equal(existsSync(join(dir.path, "check2")), false);
  });

  test("does not touch the state of an agent that runs, and says that it would be in the way", async () => {
    const args = ["--policies", policies, "--source-url", "http://127.0.0.1:9", "--state-dir", join(dir.path, "held")];
    const agent = await runAgent(args);
    await eventually(
      "it lives",
      () => fetch(`${agent.adminUrl}/healthz`).then((r) => r.status),
      (s) => s === 200,
    );
    const before = readdirSync(join(dir.path, "held")).sort();
    const { code, stderr } = await outflow(["run", "--no-tui", "--listen", "off", ...args, "--check"]);
    assert.equal(code, 2);
    assert.match(stderr, /another outflow is using it/);
    assert.deepEqual(readdirSync(join(dir.path, "held")).sort(), before);
    assert.equal(await agent.stop(), 0);
  });
});

describe("outflow config", () => {
  test("prints the effective settings, each with where it came from, credentials covered, as text, YAML or JSON", async () => {
    const config = file("config.yaml", "max-labels: 7\n");
    const args = ["--settle", "90s", "--config", config, "--proxy", "http://u:geheim99@p:1"];
    const env = { OUTFLOW_LATE_WINDOW: "45s" };
    const text = await outflow(["config", ...args], env);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^settle +1m30s +flag$/m);
    assert.match(text.stdout, /^late-window +45s +variable OUTFLOW_LATE_WINDOW$/m);
    assert.match(text.stdout, new RegExp(`^max-labels +7 +file ${config}$`, "m"));
    assert.match(text.stdout, /^poll-interval +15s +default$/m);
    const json = JSON.parse((await outflow(["config", ...args, "-o", "json"], env)).stdout);
    assert.deepEqual(json.settle, { value: "1m30s", from: "flag" });
    assert.deepEqual(json.proxy, { value: "http://***@p:1", from: "flag" });
    const yaml = await outflow(["config", ...args, "-o", "yaml"], env);
    assert.match(yaml.stdout, /^settle: 1m30s # flag$/m);
    assert.doesNotMatch(text.stdout + JSON.stringify(json) + yaml.stdout, /geheim99/);
    // It is a file for --config: with it the same settings hold.
    const again = await outflow(["config", "--config", file("again.yaml", yaml.stdout), "-o", "json"]);
    const values = (o: Record<string, { value: unknown }>) =>
      Object.fromEntries(Object.entries(o).map(([k, { value }]) => [k, value]));
    assert.deepEqual(values(JSON.parse(again.stdout)), values(json));
  });

  test("what run would refuse as a setting ends with 2", async () => {
    const { code, stderr } = await outflow(["config", "--settle", "soon"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^outflow: --settle: "soon" is not a valid duration; write for example 15s, 500ms or 1m30s\.$/m,
    );
  });
});
