// An invalid edit changes nothing that runs: file by file, through the loader of the running agent and real files.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type PolicyFiles, policyFiles } from "../../src/cli/agent/policyfiles.ts";
import { queryRules } from "../../src/cli/querycheck.ts";
import { type Files, systemFiles } from "../../src/platform/files.ts";
import { tempDir } from "../servers/binary.ts";

let dir: ReturnType<typeof tempDir>;
let files: PolicyFiles;

const start = (paths?: string[], disk?: Files, onExhausted: "drop" | "hold" = "drop"): void => {
  files = policyFiles(
    {
      onExhausted,
      policies: paths ?? [dir.path],
      maxPolicySize: 1_048_576,
      maxWindow: 300_000,
      maxBackfill: 86_400_000,
      maxConcurrency: 8,
    },
    queryRules({ enforceFilter: [], forbidLabel: [] }).check,
    undefined,
    disk,
  );
};

const policy = (
  name: string,
  endpoint = "http://127.0.0.1:1/write",
  rest = "",
): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${name} }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks:
    - name: s
      sources: [m]
      target: { prometheusRemoteWrite: { endpoint: "${endpoint}"${rest} } }
`;
const secret = (password: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: c }\ntype: kubernetes.io/basic-auth\nstringData: { username: u, password: ${password} }\n`;
const AUTH = ", authentication: { basicAuth: { secretRef: { name: c } } }";

const write = (name: string, text: string): void => writeFileSync(join(dir.path, name), text, { mode: 0o600 });

/** What runs after a load: name and endpoint of each policy, in order; and how many problems there are. */
function load(): { runs: string[]; problems: string[] } {
  const { policies, problems } = files.load();
  return {
    runs: policies.map(
      (p) => `${p.name} ${p.sinks[0]!.endpoint.replace("http://127.0.0.1:", "").replace("/write", "")}`,
    ),
    problems: problems.filter((p) => p.severity === "problem").map((p) => p.message),
  };
}

beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir.remove());

describe("a running agent's policies", () => {
  test("a broken file keeps what ran of it; other files change as they are edited", () => {
    write("a.yaml", policy("a"));
    write("b.yaml", policy("b"));
    start();
    assert.deepEqual(load().runs, ["a 1", "b 1"]);
    write("a.yaml", `${policy("a", "http://127.0.0.1:2/write")}nonsense: [`);
    write("b.yaml", policy("b", "http://127.0.0.1:3/write"));
    const broken = load();
    assert.deepEqual(broken.runs, ["a 1", "b 3"]);
    assert.equal(broken.problems.length, 1);
    write("a.yaml", policy("a", "http://127.0.0.1:2/write"));
    assert.deepEqual(load(), { runs: ["a 2", "b 3"], problems: [] });
  });

  test("one bad document of a file keeps all of the file as it was", () => {
    write("a.yaml", `${policy("a")}---\n${policy("b")}`);
    start();
    load();
    write("a.yaml", `${policy("a", "http://127.0.0.1:2/write")}---\n${policy("b_")}---\n${policy("c")}`);
    assert.deepEqual(load().runs, ["a 1", "b 1"]);
    write("a.yaml", `${policy("a", "http://127.0.0.1:2/write")}---\n${policy("c")}`);
    assert.deepEqual(load(), { runs: ["a 2", "c 1"], problems: [] });
  });

  test("at a start the valid policies of a broken file run", () => {
    write("a.yaml", `${policy("a")}---\n${policy("b_")}`);
    start();
    assert.deepEqual(load().runs, ["a 1"]);
  });

  test("a new broken file changes nothing; its valid policies start", () => {
    write("a.yaml", policy("a"));
    start();
    load();
    write("b.yaml", `${policy("b")}---\nkind: ExportPolicy\n`);
    const { runs, problems } = load();
    assert.deepEqual(runs, ["a 1", "b 1"]);
    assert.equal(problems.length, 1);
  });

  test("a policy that another file claims too continues from where it ran, whatever the order of names", () => {
    write("b.yaml", policy("p"));
    start();
    load();
    write("a.yaml", policy("p", "http://127.0.0.1:2/write"));
    const { runs, problems } = load();
    assert.deepEqual(runs, ["p 1"]);
    assert.match(problems[0]!, /is already defined at .*b\.yaml:1:1, which was first/);
    unlinkSync(join(dir.path, "b.yaml"));
    assert.deepEqual(load(), { runs: ["p 2"], problems: [] });
  });

  test("a deleted file removes its policies; one that is named itself too, with a warning", () => {
    write("a.yaml", policy("a"));
    write("b.yaml", policy("b"));
    start([join(dir.path, "a.yaml"), join(dir.path, "b.yaml")]);
    load();
    unlinkSync(join(dir.path, "a.yaml"));
    assert.deepEqual(load(), { runs: ["b 1"], problems: [] });
  });

  test("a file that cannot be read keeps what ran of it", () => {
    write("a.yaml", policy("a"));
    start();
    load();
    unlinkSync(join(dir.path, "a.yaml"));
    mkdirSync(join(dir.path, "gone"));
    writeFileSync(join(dir.path, "a.yaml"), Buffer.from([0x61, 0xff, 0xfe]));
    const { runs, problems } = load();
    assert.deepEqual(runs, ["a 1"]);
    assert.match(problems[0]!, /not UTF-8/);
  });

  test("a broken Secret keeps the credentials that worked", () => {
    write("p.yaml", policy("p", "https://sink.example.com/write", AUTH));
    write("s.yaml", secret("one"));
    start();
    const password = () => files.load().policies[0]!.sinks[0]!.credentials?.password;
    assert.equal(password(), "one");
    write("s.yaml", `${secret("two")}data: { x`);
    assert.equal(password(), "one");
    write("s.yaml", secret("two"));
    assert.equal(password(), "two");
    unlinkSync(join(dir.path, "s.yaml"));
    assert.equal(files.load().policies[0]!.sinks[0]!.refusal?.reason, "SecretNotFound");
  });

  test("due(): a change counts when it stands still for one look; nothing changed, nothing due", () => {
    write("a.yaml", policy("a"));
    start();
    load();
    assert.deepEqual([files.look(), files.look()], [false, false]);
    write("a.yaml", policy("a", "http://127.0.0.1:2/write"));
    assert.deepEqual([files.look(), files.look()], [false, true]);
    load();
    assert.equal(files.look(), false);
    write("b.yaml", policy("b"));
    files.look();
    write("b.yaml", policy("b", "http://127.0.0.1:22/write"));
    assert.equal(files.look(), false, "still being written");
    assert.equal(files.look(), true);
  });

  test("what never stands still is read at the third look", () => {
    write("a.yaml", policy("a"));
    start();
    load();
    const looks = [1, 2, 3].map((n) => {
      write("a.yaml", policy("a", `http://127.0.0.1:${"2".repeat(n)}/write`));
      return files.look();
    });
    assert.deepEqual(looks, [false, false, true]);
  });

  test("due(): replaced by a rename, deleted, and a ConfigMap's ..data swapped", () => {
    const volume = join(dir.path, "volume");
    const generation = (n: number) => {
      mkdirSync(join(volume, `..${n}`), { recursive: true });
      writeFileSync(join(volume, `..${n}`, "p.yaml"), policy("p", `http://127.0.0.1:${n}/write`));
      symlinkSync(`..${n}`, join(volume, "..data_tmp"));
      renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
    };
    generation(1);
    symlinkSync("..data/p.yaml", join(volume, "p.yaml"));
    write("a.yaml", policy("a"));
    start();
    assert.deepEqual(load().runs, ["a 1", "p 1"]);
    for (const n of [2, 3, 4]) {
      generation(n);
      rmSync(join(volume, `..${n - 1}`), { recursive: true });
      assert.deepEqual([files.look(), files.look()], [false, true]);
      assert.deepEqual(load().runs, ["a 1", `p ${n}`]);
    }
    write("a.yaml.tmp", policy("a", "http://127.0.0.1:9/write"));
    renameSync(join(dir.path, "a.yaml.tmp"), join(dir.path, "a.yaml"));
    assert.deepEqual([files.look(), files.look()], [false, true]);
    assert.deepEqual(load().runs, ["a 9", "p 4"]);
    unlinkSync(join(dir.path, "a.yaml"));
    assert.deepEqual([files.look(), files.look()], [false, true]);
    assert.deepEqual(load().runs, ["p 4"]);
  });

  test("a directory that cannot be listed keeps what ran of it", () => {
    mkdirSync(join(dir.path, "sub"));
    write("sub/a.yaml", policy("a"));
    let closed = false;
    start([dir.path], {
      ...systemFiles,
      list: (path) => (closed && path.endsWith("sub") ? undefined : systemFiles.list(path)),
    });
    load();
    closed = true;
    assert.deepEqual([files.look(), files.look()], [false, true]);
    const { runs, problems } = load();
    assert.deepEqual(runs, ["a 1"]);
    assert.match(problems[0]!, /cannot be listed/);
  });
});

test("an agent that holds what is exhausted does not warn that it gives up", () => {
  const warnings = () => files.load().problems.filter((p) => /gives up after/.test(p.message)).length;
  writeFileSync(join(dir.path, "a.yaml"), policy("a"));
  start();
  assert.equal(warnings(), 1);
  start(undefined, undefined, "hold");
  assert.equal(warnings(), 0);
});
