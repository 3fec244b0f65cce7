// docs/kubernetes.md: each command of its first part is run as it stands there, from nothing to data in a real Prometheus; and the
// manifests say what the agent really has.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { runOptions } from "../../src/config/settings.ts";
import { buildBinary, eventually, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { type Server, startPrometheus, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const root = resolve(import.meta.dirname, "../..");
const skip = needsKubernetes().skip || needs("victoria-metrics", "prometheus", "kubectl").skip;
const text = readFileSync(join(root, "docs/kubernetes.md"), "utf8");

/** The indented lines of a section. */
function commandsOf(section: string): string[] {
  const from = text.indexOf(`## ${section}`);
  const to = text.indexOf("\n## ", from + 3);
  return text
    .slice(from, to)
    .split("\n")
    .filter((line) => /^ {7,}\S/.test(line))
    .map((line) => line.trim());
}

const SHOWS: [begin: string, what: RegExp][] = [
  ["kubectl get exportpolicies", /^edge +True +AllSinksReady/m],
  ["kubectl describe", /Normal +Ready /],
  ["outflow check --kubernetes", /^valid: 1 policy with 1 sink understood in 1 object;/],
];

describe("docs/kubernetes.md", { skip }, () => {
  const dir = tempDir();
  let kube: Kubernetes;
  let source: VictoriaMetrics;
  let prometheus: Server;
  let agent: ChildProcess | undefined;
  let feeding: NodeJS.Timeout;

  before(async () => {
    [kube, source, prometheus] = await Promise.all([startKubernetes(), startVictoriaMetrics(), startPrometheus("1h")]);
    mkdirSync(join(dir.path, "bin"));
    symlinkSync(buildBinary(), join(dir.path, "bin/outflow"));
    feeding = setInterval(() => {
      source.import([{ labels: { __name__: "up", job: "x" }, samples: [[Date.now(), 1]] }]).catch(() => {});
    }, 1_000);
  });
  after(async () => {
    clearInterval(feeding);
    agent?.kill("SIGKILL");
    await Promise.all([kube.remove(), source.remove(), prometheus.remove()]);
    dir.remove();
  });

  test("from nothing to data: each command is run", async () => {
    const env = {
      ...process.env,
      PATH: `${dir.path}/bin:${process.env.PATH}`,
      KUBECONFIG: kube.kubeconfig,
      SINK_URL: prometheus.url,
      SOURCE_URL: source.url,
      OUTFLOW_LISTEN: "off",
      OUTFLOW_POLL_INTERVAL: "1s",
      OUTFLOW_SETTLE: "1s",
    };
    const commands = commandsOf("From nothing to data");
    assert.equal(commands.length, 13, commands.join("\n"));
    for (const command of commands) {
      if (command.startsWith("outflow run")) {
        agent = spawn("bash", ["-c", `exec ${command.replace("./state", join(dir.path, "state"))}`], {
          cwd: root,
          env,
          stdio: "ignore",
        });
        continue;
      }
      const run = () =>
        execFileSync("bash", ["-ceu", command], {
          cwd: root,
          env,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "pipe"],
        });
      const shows = SHOWS.find(([begin]) => command.startsWith(begin))?.[1];
      if (shows === undefined) run();
      else await eventually(command, run, (printed) => shows.test(printed)); // Events come a moment later
    }
    await eventually(
      "data in Prometheus",
      async () => [...(await prometheus.read("up")).values()].flat().length,
      (n) => n > 3,
    );
  });
});

describe("the manifests", () => {
  type Manifest = {
    kind: string;
    metadata: { name: string; namespace?: string };
    spec?: Record<string, never>;
    rules?: object[];
  };
  const dirs = readdirSync(join(root, "packaging/kubernetes")).filter((name) => name !== "helm"); // helm.test.ts
  const all = dirs.flatMap((name) =>
    readdirSync(join(root, "packaging/kubernetes", name))
      .filter((file) => file !== "kustomization.yaml")
      .flatMap((file) =>
        parseAllDocuments(readFileSync(join(root, "packaging/kubernetes", name, file), "utf8"), { merge: true }).map(
          (document) => ({ path: `${name}/${file}`, ...(document.toJS() as Manifest) }),
        ),
      ),
  );
  const one = (kind: string) => all.find((m) => m.kind === kind)! as never as { spec: Record<string, never> };
  type Pod = {
    serviceAccountName: string;
    terminationGracePeriodSeconds: number;
    containers: {
      env: { name: string; value: string }[];
      ports: { name: string; containerPort: number }[];
      livenessProbe: { httpGet: { path: string; port: string } };
      readinessProbe: { httpGet: { path: string; port: string } };
      args: string[];
    }[];
  };
  const template = (one("Deployment").spec as never as { template: { metadata: { labels: object }; spec: Pod } })
    .template;
  const container = template.spec.containers[0]!;

  test("every file is listed in its kustomization", () => {
    for (const name of dirs.filter((d) => d !== "sample")) {
      const folder = join(root, "packaging/kubernetes", name);
      const { resources } = parseAllDocuments(readFileSync(join(folder, "kustomization.yaml"), "utf8"))[0]!.toJS() as {
        resources: string[];
      };
      assert.deepEqual(
        resources.toSorted(),
        readdirSync(folder)
          .filter((f) => f !== "kustomization.yaml")
          .sort(),
        name,
      );
    }
  });

  test("variables and flags are settings that exist; the admin port is the one that probes, service and policy name", () => {
    const options = runOptions();
    for (const { name } of container.env)
      assert.ok(
        options.some((o) => o.envVar === name),
        name,
      );
    for (const flag of container.args.slice(1))
      assert.ok(
        options.some((o) => o.long === flag),
        flag,
      );
    const listen = container.env.find((e) => e.name === "OUTFLOW_LISTEN")?.value;
    const port = container.ports[0]!;
    assert.equal(listen, `0.0.0.0:${port.containerPort}`);
    for (const probe of [container.livenessProbe, container.readinessProbe])
      assert.equal(probe.httpGet.port, port.name);
    assert.deepEqual(
      [container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path],
      ["/healthz", "/readyz"],
    );
    const { ports } = one("Service").spec as never as { ports: { port: number; targetPort: string }[] };
    assert.deepEqual(
      ports.map((p) => [p.port, p.targetPort]),
      [[port.containerPort, port.name]],
    );
  });

  test("selectors match the pod, and it has time to drain", () => {
    const { labels } = template.metadata;
    const selectors = [
      (one("Deployment").spec as never as { selector: { matchLabels: object } }).selector.matchLabels,
      (one("PodDisruptionBudget").spec as never as { selector: { matchLabels: object } }).selector.matchLabels,
      (one("NetworkPolicy").spec as never as { podSelector: { matchLabels: object } }).podSelector.matchLabels,
      (one("Service").spec as never as { selector: object }).selector,
    ];
    for (const selector of selectors) assert.deepEqual(selector, labels);
    const drain = runOptions().find((o) => o.long === "--drain-timeout")!.defaultValue as number;
    assert.ok(template.spec.terminationGracePeriodSeconds * 1000 >= drain + 5_000);
    assert.equal(template.spec.serviceAccountName, (one("ServiceAccount") as never as Manifest).metadata.name);
  });
});
