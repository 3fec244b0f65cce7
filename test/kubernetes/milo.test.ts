// Milo: the control plane of each project is found by its Project, its policies see the data of the project alone, and metrics carry
// the labels of the operator before. The agent over HTTP, with a small API in place of Milo's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubeObject } from "../../src/kubernetes/client/api.ts";
import { type FakeKubeApi, startFakeKubeApi } from "../fakes/kube-api.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { type FakeSource, startFakeSource } from "../fakes/source.ts";
import { binary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { policyObject, secretObject } from "./policies.ts";

const FINALIZER = "exportpolicy.telemetry.miloapis.com/controller";
const pathOf = (project: string) => `/apis/resourcemanager.miloapis.com/v1alpha1/projects/${project}/control-plane`;
const project = (name: string, ready: string): KubeObject =>
  ({
    apiVersion: "resourcemanager.miloapis.com/v1alpha1",
    kind: "Project",
    metadata: { name },
    status: { conditions: [{ type: "Ready", status: ready }] },
  }) as KubeObject;

describe("Milo", () => {
  const dir = tempDir();
  let api: FakeKubeApi;
  let source: FakeSource;
  /** Of each project: both send the same series, each in its order. */
  let receivers: { p1: Receiver; p2: Receiver };
  let agent: Running;

  before(async () => {
    const now = Date.now();
    const samples = Array.from({ length: 6_000 }, (_, i): [number, string] => [now - 20_000 + 100 * i, String(i)]);
    const [kube, data, p1, p2] = await Promise.all([
      startFakeKubeApi(),
      startFakeSource([{ labels: { __name__: "m" }, samples }]),
      startReceiver(),
      startReceiver(),
    ]);
    [api, source, receivers] = [kube, data, { p1, p2 }];
    for (const name of ["p1", "p2"] as const) {
      api.put("projects", project(name, name === "p1" ? "True" : "False"));
      const policy = policyObject("edge", { endpoint: receivers[name].writeUrl, query: "m", secret: "cred" });
      api.put(
        "exportpolicies",
        { ...policy, metadata: { ...policy.metadata, finalizers: [FINALIZER, "other"] } },
        pathOf(name),
      );
      api.put("secrets", secretObject("cred", { username: name, password: "p" }), pathOf(name));
    }
    const kubeconfig = join(dir.path, "config");
    writeFileSync(
      kubeconfig,
      `current-context: c\nclusters: [{ name: k, cluster: { server: "${api.url}" } }]\nusers: []\ncontexts: [{ name: c, context: { cluster: k } }]\n`,
    );
    agent = await runAgent(
      [
        ...[
          "--kubernetes",
          "--kubeconfig",
          kubeconfig,
          "--milo",
          "projects",
          "--adopt",
          "--state-dir",
          join(dir.path, "state"),
        ],
        ...["--poll-interval", "1s", "--settle", "0s", "--start", "5s"],
      ],
      {
        TELEMETRY_SERVICE_METRICS_ENDPOINT: `${source.url}/federate`,
        TELEMETRY_SERVICE_METRICS_USERNAME: "u",
        TELEMETRY_SERVICE_METRICS_PASSWORD: "s3cret",
      },
    );
  });
  after(async () => {
    await agent?.stop("SIGKILL");
    await Promise.all([api.close(), source.close(), receivers.p1.close(), receivers.p2.close()]);
    dir.remove();
  });

  const users = () =>
    new Set(
      [...receivers.p1.requests, ...receivers.p2.requests].map(
        (r) => Buffer.from(String(r.headers.authorization).slice(6), "base64").toString().split(":")[0],
      ),
    );

  test("a project that is ready is exported, with its own Secret; one that is not waits", async () => {
    await eventually("p1 sends", () => users().has("p1"), Boolean);
    assert.deepEqual([...users()], ["p1"]);
    api.put("projects", project("p2", "True"));
    await eventually("p2 sends", () => users().has("p2"), Boolean);
  });

  test("each query is held to the data of its project", () => {
    // The probe of the source names no series.
    const queries = source.asked.map(({ query }) => query).filter((query) => /__name__|^m\b|\{/.test(query));
    for (const name of ["p1", "p2"])
      assert.ok(queries.some((q) => q.includes(`resourcemanager_datumapis_com_project_name="${name}"`)));
    assert.deepEqual(
      queries.filter((q) => !q.includes("resourcemanager_datumapis_com_project_name=")),
      [],
    );
  });

  test("metrics carry the labels of the operator before", async () => {
    const uid = api.object("exportpolicies", `${pathOf("p1")}|default/edge`)?.metadata.uid;
    const key = `outflow_sink_samples_delivered_total{policy="p1:default/edge",sink="cloud",service_name="telemetry.miloapis.com",resource_kind="ExportPolicy",resourcemanager_datumapis_com_project_name="p1",resource_namespace="default",resource_name="edge",resource_uid="${uid}",sink_name="cloud"}`;
    const metrics = await agent.metrics();
    assert.ok((metrics.get(key) ?? 0) > 0, [...metrics.keys()].filter((k) => k.includes("delivered")).join("\n"));
  });

  test("the status is written into each project's control plane", async () => {
    for (const name of ["p1", "p2"])
      await eventually(
        `${name} is ready`,
        () => JSON.stringify(api.object("exportpolicies", `${pathOf(name)}|default/edge`)),
        (text) => /"reason":"AllSinksReady"/.test(text),
      );
  });

  test("the finalizer of the operator before is removed, once, and no other", async () => {
    for (const name of ["p1", "p2"])
      await eventually(
        `${name} is adopted`,
        () => api.object("exportpolicies", `${pathOf(name)}|default/edge`)?.metadata.finalizers?.join(),
        (finalizers) => finalizers === "other",
      );
    assert.equal(api.asked.filter((a) => a === "patch exportpolicies").length, 2);
  });

  test("a policy cannot filter on the project", async () => {
    const policy = policyObject("foreign", {
      endpoint: receivers.p1.writeUrl,
      query: 'm{resourcemanager_datumapis_com_project_name="p2"}',
    });
    api.put("exportpolicies", policy, pathOf("p1"));
    await eventually(
      "it is refused",
      () => JSON.stringify(api.object("exportpolicies", `${pathOf("p1")}|default/foreign`)),
      (text) => /"reason":"InvalidQuery"/.test(text) && /which the operator forbids/.test(text),
    );
  });

  test("a trial start reads the projects too", async () => {
    const trial = spawn(
      binary,
      [
        ...["run", "--check", "--kubernetes", "--kubeconfig", join(dir.path, "config"), "--milo", "projects"],
        ...["--source-url", source.url, "--state-dir", join(dir.path, "trial"), "--listen", "off"],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let stderr = "";
    trial.stderr.on("data", (d) => {
      stderr += String(d);
    });
    // The policy that filters on the project is the one problem.
    assert.equal(await new Promise((done) => trial.once("close", done)), 2, stderr);
    assert.match(stderr, /^p1:default\/foreign: spec\.sources\[0\]\.metrics\.metricsql: .*which the operator forbids/m);
    assert.match(stderr, /1 problem in the policies/);
  });

  test("a project that is deleted ends, and the others continue", async () => {
    api.remove("projects", "p1");
    await eventually(
      "its sinks are gone",
      async () => [...(await agent.metrics()).keys()].some((k) => k.includes('policy="p1:')),
      (has) => !has,
    );
    const sent = receivers.p2.requests.length;
    await eventually(
      "p2 continues",
      () => receivers.p2.requests.length,
      (n) => n > sent,
    );
    assert.ok(!agent.log.includes("s3cret"));
  });
});
