// The Helm chart makes the objects of the kustomize folders. It is linted and rendered where helm is found
// (go install helm.sh/helm/v3/cmd/helm@v3.22.0); what needs no helm is looked at everywhere.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { runOptions } from "../../src/config/settings.ts";
import { version } from "../../src/version.ts";

const manifests = resolve(import.meta.dirname, "../../packaging/kubernetes");
const chart = join(manifests, "helm");
const helm = [...(process.env.PATH ?? "").split(":"), join(homedir(), "go/bin")]
  .map((dir) => join(dir, "helm"))
  .find(existsSync);

type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { template?: { spec: { containers: { args: string[] }[]; volumes: object[] } }; strategy?: object };
};

/** As Kubernetes takes them: without comments, anchors and the order of keys. */
const objectsOf = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml, { merge: true })
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null);
const nameOf = ({ kind, metadata: { name, namespace = "" } }: Manifest) => `${kind} ${namespace}/${name}`;
const byName = (objects: Manifest[]) => new Map(objects.map((object) => [nameOf(object), object]));

const folder = (name: string): Manifest[] =>
  readdirSync(join(manifests, name))
    .filter((file) => file !== "kustomization.yaml")
    .flatMap((file) => objectsOf(readFileSync(join(manifests, name, file), "utf8")));

describe("the Helm chart", () => {
  test("has the CRD of the base, and the version of outflow", () => {
    assert.equal(
      readFileSync(join(chart, "crds/crd.yaml"), "utf8"),
      readFileSync(join(manifests, "base/crd.yaml"), "utf8"),
    );
    const { version: chartVersion, appVersion } = parse(readFileSync(join(chart, "Chart.yaml"), "utf8"));
    assert.deepEqual([chartVersion, appVersion], [version, version]);
  });

  test("every value has its effect in a template and its bounds in the schema", () => {
    const values = parse(readFileSync(join(chart, "values.yaml"), "utf8")) as object;
    const { properties } = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as {
      properties: Record<string, object>;
    };
    const templates = readdirSync(join(chart, "templates"))
      .map((file) => readFileSync(join(chart, "templates", file), "utf8"))
      .join("\n");
    const used = new Set([...templates.matchAll(/\.Values\.(\w+)/g)].map(([, name]) => name!));
    const { global: _, ...bounded } = properties; // helm's own
    assert.deepEqual([...used].sort(), Object.keys(values).sort());
    assert.deepEqual(Object.keys(bounded).sort(), Object.keys(values).sort());
  });
});

if (helm === undefined) console.log("helm is not installed: the chart is neither linted nor rendered here");
else
  describe("the Helm chart, rendered", () => {
    const run = (...args: string[]) =>
      spawnSync(helm, args, { encoding: "utf8", env: { ...process.env, HOME: "/nonexistent" } });
    const render = (...set: string[]): Manifest[] => {
      const { status, stdout, stderr } = run(
        ...[
          "template",
          "outflow",
          chart,
          "--namespace",
          "outflow-system",
          "--include-crds",
          "--kube-version",
          "1.31.0",
        ],
        ...set.flatMap((one) => ["--set", one]),
      );
      assert.equal(status, 0, stderr);
      return objectsOf(stdout);
    };
    const deployment = (objects: Manifest[]) => objects.find((o) => o.kind === "Deployment")!.spec!;
    const argsOf = (objects: Manifest[]) => deployment(objects).template!.spec.containers[0]!.args;

    test("passes helm lint --strict", () => {
      const { status, stdout } = run("lint", "--strict", chart);
      assert.equal(status, 0, stdout);
    });

    test("with its own values it makes the objects of the kustomize base", () => {
      const base = byName(folder("base").filter(({ kind }) => kind !== "Namespace")); // helm makes it: --create-namespace
      const made = byName(render());
      assert.deepEqual([...made.keys()].sort(), [...base.keys()].sort());
      for (const [name, object] of base) assert.deepEqual(made.get(name), object, name);
    });

    for (const [name, ...set] of [
      ["fleet", "fleet=true", "replicas=3"],
      ["milo", "milo=projects"],
      ["adopt", "adopt=true"],
      ["monitoring", "serviceMonitor=true"],
    ] as [string, ...string[]][])
      test(`${set.join(" and ")}: with the objects of packaging/kubernetes/${name}, and flags that exist`, () => {
        const objects = render(...set);
        const made = byName(objects);
        for (const object of folder(name)) assert.deepEqual(made.get(nameOf(object)), object, nameOf(object));
        const options = runOptions().map((option) => option.long);
        for (const flag of argsOf(objects).slice(1)) assert.ok(options.includes(flag.replace(/=.*/, "")), flag);
      });

    test("a fleet has no volume and rolls; more replicas without a fleet are refused", () => {
      const objects = render("fleet=true", "replicas=2");
      assert.ok(!objects.some((o) => o.kind === "PersistentVolumeClaim"));
      assert.equal(deployment(objects).strategy, undefined);
      assert.ok(argsOf(objects).includes("--fleet=kubernetes"));
      const { status, stderr } = run("template", "outflow", chart, "--kube-version", "1.31.0", "--set", "replicas=2");
      assert.notEqual(status, 0);
      assert.match(stderr, /each of them would export everything; set fleet=true/);
    });

    test("namespaces are bound one by one, and nothing in the cluster", () => {
      const objects = render("namespaces={team-a,team-b}");
      assert.deepEqual(argsOf(objects).slice(3), ["--namespace=team-a", "--namespace=team-b"]);
      assert.ok(!objects.some((o) => o.kind === "ClusterRoleBinding"));
      assert.deepEqual(
        objects.filter((o) => o.kind === "RoleBinding").map((o) => o.metadata.namespace),
        ["team-a", "team-b"],
      );
    });

    test("a value that is misspelt or of the wrong kind is refused", () => {
      for (const set of ["sourceURL=http://x", "sourceUrl=x", "milo=on", "replicas=many"]) {
        const { status, stderr } = run("template", "outflow", chart, "--kube-version", "1.31.0", "--set", set);
        assert.notEqual(status, 0, set);
        assert.match(stderr, /values don't meet the specifications of the schema/, set);
      }
    });
  });
