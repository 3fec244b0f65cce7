// Directories that are bound to namespaces, and who was first with a name: what one tenant writes does not reach another's policies and Secrets.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type KeptDefinitions, policyFiles } from "../../src/cli/agent/policyfiles.ts";
import { queryRules } from "../../src/cli/querycheck.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { policyPath } from "../../src/policy/paths.ts";
import { openStateStore } from "../../src/state/store.ts";
import { tempDir } from "../servers/binary.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir.remove());

const at = (...names: string[]) => join(dir.path, ...names);
const write = (name: string, ...documents: string[]): void => {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), documents.join("---\n"), { mode: 0o600 });
};
const meta = (name: string, namespace?: string) => `{ name: ${name}${namespace ? `, namespace: ${namespace}` : ""} }`;
const policy = (name: string, namespace?: string, host = "a") => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: ${meta(name, namespace)}
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks:
    - name: s
      sources: [m]
      target: { prometheusRemoteWrite: { endpoint: "https://${host}.example.com/api/v1/push", authentication: { basicAuth: { secretRef: { name: c } } } } }
`;
const secret = (password: string, namespace?: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: ${meta("c", namespace)}\ntype: kubernetes.io/basic-auth\nstringData: { username: u, password: ${password} }\n`;

const NEEDS = { maxPolicySize: 1_048_576, maxWindow: 300_000, maxBackfill: 86_400_000, maxConcurrency: 8 };
const { check } = queryRules({ enforceFilter: [], forbidLabel: [] });
/** An agent's loader: `runs` is `namespace/name host password` of each policy. */
function agent(policies: string[], kept?: KeptDefinitions) {
  const files = policyFiles({ ...NEEDS, policies }, check, kept);
  return () => {
    const { policies: loaded, problems } = files.load();
    return {
      runs: loaded.map(({ namespace, name, sinks: [sink] }) =>
        [
          `${namespace}/${name}`,
          new URL(sink!.endpoint).hostname.split(".")[0],
          sink!.credentials?.password ?? sink!.refusal?.reason,
        ].join(" "),
      ),
      said: problems
        .filter((p) => p.severity === "problem")
        .map((p) => `${p.place.file.slice(dir.path.length + 1)}: ${p.message}`),
    };
  };
}
const teams = () => [`team-a=${at("a")}`, `team-b=${at("b")}`];

describe("a path that is bound to a namespace", () => {
  test("output format", () => {
    assert.deepEqual(policyPath("team-a=/etc/a"), { namespace: "team-a", path: "/etc/a" });
    for (const path of ["/etc/a=b", "./a=b", "Team=x", "a.b=x", "a-=x", "=x", "a="])
      assert.deepEqual(policyPath(path), { path });
  });

  test("documents have that namespace, whether they say so or not", () => {
    write("a/p.yaml", policy("edge"), secret("one"));
    write("b/p.yaml", policy("edge", "team-b"), secret("two", "team-b"));
    assert.deepEqual(agent(teams())(), { runs: ["team-a/edge a one", "team-b/edge a two"], said: [] });
  });

  test("what claims another is a problem: its policies do not run, its Secrets are not there", () => {
    write("a/p.yaml", policy("edge"), secret("one"));
    write("b/p.yaml", policy("edge", "team-a", "evil"), secret("evil", "team-a"), policy("own"));
    const message = "is outside namespace team-b, to which";
    const { runs, said } = agent(teams())();
    assert.deepEqual(runs, ["team-a/edge a one", "team-b/own a SecretNotFound"]);
    assert.equal(said.filter((line) => line.startsWith(`b/p.yaml: ${message}`)).length, 2);
  });

  test("a path that is not bound cannot claim it either, wherever it stands", () => {
    write("a/p.yaml", policy("edge"), secret("one"));
    write("0.yaml", secret("evil", "team-a"), policy("thief", "team-a"), policy("common"));
    for (const paths of [
      [dir.path, `team-a=${at("a")}`],
      [`team-a=${at("a")}`, dir.path],
    ]) {
      const { runs, said } = agent(paths)();
      assert.deepEqual(runs.toSorted(), ["default/common a SecretNotFound", "team-a/edge a one"]);
      assert.equal(
        said.filter((line) => line.includes(`0.yaml: namespace team-a is bound to ${at("a")}; put`)).length,
        2,
      );
    }
  });

  test("a link that leads out of it is not followed, to a file or to a directory; one inside is, as ConfigMaps have them", () => {
    write("a/p.yaml", secret("one"));
    write("b/..data/p.yaml", policy("own"), secret("two"));
    symlinkSync("..data/p.yaml", at("b/own.yaml"));
    symlinkSync("../a/p.yaml", at("b/stolen.yaml"));
    symlinkSync("../a", at("b/all"));
    const { runs, said } = agent(teams())();
    assert.deepEqual(runs, ["team-b/own a two"]);
    assert.deepEqual(
      said.map((line) => line.replace(/ of .*| which.*/, "")),
      [`b/all: leads out`, `b/stolen.yaml: leads out`],
    );
  });

  test("a link may stand for the directory itself; one bound directory may lie in another", () => {
    write("real/inner/p.yaml", policy("inner"));
    write("real/p.yaml", policy("outer"));
    symlinkSync(at("real"), at("link"));
    const { runs, said } = agent([`team-a=${at("link")}`, `team-b=${at("link/inner")}`])();
    assert.deepEqual([runs.toSorted(), said], [["team-a/outer a SecretNotFound", "team-b/inner a SecretNotFound"], []]);
  });
});

describe("whoever was first stays", () => {
  test("a second definition is refused and named; the rest of its file runs, and so does the first one's", () => {
    write("m.yaml", policy("edge"), secret("one"));
    const load = agent([dir.path]);
    assert.deepEqual(load().runs, ["default/edge a one"]);
    write("a.yaml", policy("edge", undefined, "evil"), secret("evil"), policy("other"));
    const { runs, said } = load();
    assert.deepEqual(runs, ["default/other a one", "default/edge a one"]);
    assert.deepEqual(said, [
      `a.yaml: policy default/edge is already defined at ${at("m.yaml")}:1:1, which was first; rename or remove this one`,
      `a.yaml: Secret default/c is already defined at ${at("m.yaml")}:11:1, which was first; rename or remove this one`,
    ]);
    write("m.yaml", policy("edge", undefined, "b"), secret("three"));
    assert.deepEqual(load().runs, ["default/other a three", "default/edge b three"], "its own edits take effect");
    rmSync(at("m.yaml"));
    assert.deepEqual(load(), { runs: ["default/edge evil evil", "default/other a evil"], said: [] });
  });

  test("also across a restart, whatever the order of names", () => {
    const state = () => openStateStore(at("state"), systemClock, (t) => assert.fail(t.message));
    write("m.yaml", policy("edge"), secret("one"));
    let store = state();
    agent([dir.path], store)();
    store.close();
    write("a.yaml", policy("edge", undefined, "evil"), secret("evil"));
    store = state();
    assert.deepEqual(agent([dir.path], store)().runs, ["default/edge a one"]);
    store.close();
  });

  test("also while its file has problems, and across a restart then", () => {
    const kept = new Map<string, string>();
    const keep: KeptDefinitions = {
      definitions: () => kept,
      saveDefinitions: (now) => {
        const entries = [...now];
        kept.clear();
        for (const [what, file] of entries) kept.set(what, file);
      },
    };
    write("m.yaml", policy("edge"));
    agent([dir.path], keep)();
    write("m.yaml", policy("edge").replace("kind:", "knd:"));
    write("a.yaml", policy("edge", undefined, "evil"));
    const broken = agent([dir.path], keep)();
    assert.deepEqual(broken.runs, []);
    assert.ok(
      broken.said.some(
        (line) =>
          line.startsWith("a.yaml: policy default/edge was first defined in") &&
          line.includes("fix that file, or rename this one"),
      ),
      broken.said.join("\n"),
    );
    write("m.yaml", policy("edge"));
    assert.deepEqual(agent([dir.path], keep)().runs, ["default/edge a SecretNotFound"]);
  });

  test("where nobody was first: the order of --policies, then of names", () => {
    write("x/z.yaml", policy("edge", undefined, "x"));
    write("y/a.yaml", policy("edge", undefined, "y"));
    assert.deepEqual(agent([at("x"), at("y")])().runs, ["default/edge x SecretNotFound"]);
    assert.deepEqual(agent([at("y"), at("x")])().runs, ["default/edge y SecretNotFound"]);
  });
});
