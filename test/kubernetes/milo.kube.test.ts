// Milo on real API servers: the platform with its Projects, and control planes of projects behind path prefixes of the same address, by a
// small proxy. Also what a real server says seldom: 429 with Retry-After.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import type { PolicyObject } from "../../src/kubernetes/policy-objects.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { type FakeSource, startFakeSource } from "../fakes/source.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { policyObject, secretObject } from "./policies.ts";

const root = resolve(import.meta.dirname, "../..");
const FINALIZER = "exportpolicy.telemetry.miloapis.com/controller";
const PREFIX = /^\/apis\/resourcemanager\.miloapis\.com\/v1alpha1\/projects\/([^/]+)\/control-plane/;
const POLICY = "/apis/telemetry.miloapis.com/v1alpha1/namespaces/default/exportpolicies/edge";
const PROJECTS = "/apis/resourcemanager.miloapis.com/v1alpha1/projects";

const PROJECT_CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: projects.resourcemanager.miloapis.com }
spec:
  group: resourcemanager.miloapis.com
  scope: Cluster
  names: { kind: Project, listKind: ProjectList, plural: projects, singular: project }
  versions:
    - name: v1alpha1
      served: true
      storage: true
      subresources: { status: {} }
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;

type Server_ = { kube: Kubernetes; token: string };
type Front = {
  url: string;
  /** Retry-After, s, of the 429 that everything gets. */
  throttle: number | undefined;
  /** What was asked while everything was throttled, and when (monotonic ms). */
  throttled: { what: string; atMs: number }[];
  close(): Promise<void>;
};

/** Each server gets its own credentials: Milo knows those of the platform everywhere. */
async function startFront(platform: Server_, projects: Record<string, Server_>): Promise<Front> {
  const open = new Set<ServerResponse>();
  const server: Server = createServer((asked: IncomingMessage, response) => {
    const path = asked.url ?? "/";
    if (front.throttle !== undefined) {
      front.throttled.push({ what: `${asked.method} ${path.replace(/\?.*/, "")}`, atMs: performance.now() });
      response.writeHead(429, { "retry-after": String(front.throttle), "content-type": "application/json" });
      response.end('{"kind":"Status","code":429,"message":"too many requests, please try again later"}');
      return;
    }
    const project = PREFIX.exec(path)?.[1];
    const { kube, token } = project === undefined ? platform : (projects[project] ?? platform);
    const passed = request(
      `${kube.url}${path.replace(PREFIX, "")}`,
      {
        method: asked.method,
        ca: readFileSync(join(kube.dir, "ca.crt")),
        headers: { ...asked.headers, host: `127.0.0.1:${kube.port}`, authorization: `Bearer ${token}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    passed.on("error", () => response.destroy());
    open.add(response);
    response.on("close", () => {
      open.delete(response);
      passed.destroy();
    });
    asked.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    throttle: undefined,
    throttled: [],
    async close() {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return front;
}

describe("Milo on real API servers", needsKubernetes(), () => {
  const dir = tempDir();
  let planes: Record<"platform" | "p1" | "p2", Kubernetes>;
  let front: Front;
  let source: FakeSource;
  /** Of each project: both send the same series, each in its order. */
  let receivers: { p1: Receiver; p2: Receiver };
  let agent: Running | undefined;

  before(async () => {
    const now = Date.now();
    const samples = Array.from({ length: 6_000 }, (_, i): [number, string] => [now - 20_000 + 100 * i, String(i)]);
    // The platform has the second project too, so that two servers do.
    const [platform, p1, aSource, ...itsReceivers] = await Promise.all([
      startKubernetes(),
      startKubernetes(),
      startFakeSource([{ labels: { __name__: "m" }, samples }]),
      startReceiver(),
      startReceiver(),
    ]);
    source = aSource;
    receivers = { p1: itsReceivers[0], p2: itsReceivers[1] };
    planes = { platform, p1, p2: platform };
    for (const kube of [platform, p1])
      for (const file of ["base/crd.yaml", "base/rbac.yaml", "adopt/rbac.yaml"])
        await kube.applyFile(join(root, "packaging/kubernetes", file));
    await platform.apply(PROJECT_CRD);
    await platform.applyFile(join(root, "packaging/kubernetes/milo/rbac.yaml"));
    const account = async (kube: Kubernetes): Promise<Server_> => {
      await kube.serviceAccount("outflow-system", "outflow");
      return { kube, token: readFileSync(join(kube.dir, "outflow-system-outflow-3600/token"), "utf8") };
    };
    const [onPlatform, onP1] = [await account(platform), await account(p1)];
    front = await startFront(onPlatform, { p1: onP1, p2: onPlatform });
    for (const name of ["p1", "p2"] as const) {
      const project = {
        apiVersion: "resourcemanager.miloapis.com/v1alpha1",
        kind: "Project",
        metadata: { name },
      };
      await platform.apply(JSON.stringify(project));
      await ready(name, name === "p1");
      await planes[name].apply(JSON.stringify(secretObject("cred", { username: name, password: "p" })));
      const policy = policyObject("edge", { endpoint: receivers[name].writeUrl, query: "m", secret: "cred" });
      const metadata = { ...policy.metadata, finalizers: [FINALIZER, "example.com/other"] };
      await planes[name].apply(JSON.stringify({ ...policy, metadata }));
    }
    const kubeconfig = join(dir.path, "config");
    writeFileSync(
      kubeconfig,
      `current-context: c\nclusters: [{ name: k, cluster: { server: "${front.url}" } }]\nusers: []\ncontexts: [{ name: c, context: { cluster: k } }]\n`,
    );
    agent = await runAgent([
      ...["--kubernetes", "--kubeconfig", kubeconfig, "--milo", "projects", "--adopt", "--source-url", source.url],
      ...["--state-dir", join(dir.path, "state"), "--poll-interval", "1s", "--settle", "0s", "--start", "5s"],
    ]);
  });
  after(async () => {
    await agent?.stop("SIGKILL");
    await front?.close();
    await Promise.all([
      planes?.platform.remove(),
      planes?.p1.remove(),
      source?.close(),
      receivers?.p1.close(),
      receivers?.p2.close(),
    ]);
    dir.remove();
  });

  async function ready(name: string, is: boolean): Promise<void> {
    const status = { conditions: [{ type: "Ready", status: is ? "True" : "False" }] };
    const { status: code, body } = await planes.platform.ask(
      "PATCH",
      `${PROJECTS}/${name}/status`,
      { status },
      "application/merge-patch+json",
    );
    assert.equal(code, 200, String(body.message));
  }
  const policy = async (name: "p1" | "p2") => (await planes[name].ask("GET", POLICY)).body as never as PolicyObject;
  const reason = async (name: "p1" | "p2") =>
    (await policy(name)).status?.conditions?.find((c) => c.type === "Ready")?.reason;
  const failure = async () =>
    (
      (await (await fetch(`${agent!.adminUrl}/api/v1/snapshot`)).json()) as {
        cluster?: { failure?: { message: string } };
      }
    ).cluster?.failure?.message ?? "none";
  const requests = () => [...receivers.p1.requests, ...receivers.p2.requests];
  const users = () =>
    new Set(
      requests().map((r) => Buffer.from(String(r.headers.authorization).slice(6), "base64").toString().split(":")[0]),
    );
  const isReady = (name: "p1" | "p2") =>
    eventually(
      `${name} is ready`,
      () => reason(name),
      (r) => r === "AllSinksReady",
    );

  test("a project that is ready is exported with its own Secret, and its control plane has the status; one that is not waits", async () => {
    await isReady("p1");
    assert.deepEqual([...users()], ["p1"]);
    assert.equal(await reason("p2"), undefined);
    await ready("p2", true);
    await isReady("p2");
    await eventually("p2 sends", () => users().has("p2"), Boolean);
    assert.equal(await failure(), "none");
    for (const name of ["p1", "p2"])
      assert.ok(
        source.asked.some(({ query }) => query.includes(`resourcemanager_datumapis_com_project_name="${name}"`)),
        name,
      );
  });

  test("--adopt removes the finalizer of the operator before and no other: a policy can be deleted again", async () => {
    for (const name of ["p1", "p2"] as const)
      await eventually(
        `${name} is adopted`,
        async () => (await policy(name)).metadata.finalizers?.join(),
        (finalizers) => finalizers === "example.com/other",
      );
    assert.equal((await planes.p2.ask("DELETE", POLICY)).status, 200);
    await eventually(
      "its sink ends, though another finalizer holds the object",
      async () => [...(await agent!.metrics()).keys()].some((key) => key.includes('policy="p2:default/edge"')),
      (has) => !has,
    );
    await planes.p2.ask("PATCH", POLICY, { metadata: { finalizers: [] } }, "application/merge-patch+json");
    assert.equal((await planes.p2.ask("GET", POLICY)).status, 404);
  });

  test("429 with Retry-After: nothing is asked again before its time, exporting continues, and then all is well", async () => {
    await isReady("p1");
    front.throttle = 2;
    await eventually("it is said", failure, (message) => /the API server answered 429\b/.test(message));
    const sent = requests().length;
    await eventually(
      "throttled several times, while data is sent",
      () => [front.throttled.length, requests().length - sent] as const,
      ([throttled, more]) => throttled >= 8 && more >= 3,
    );
    front.throttle = undefined;
    await eventually("nothing fails", failure, (message) => message === "none");
    const last = new Map<string, number>();
    for (const { what, atMs } of front.throttled) {
      const gap = atMs - (last.get(what) ?? Number.NEGATIVE_INFINITY);
      assert.ok(gap >= 1_950, `${what} again after ${gap} ms`);
      last.set(what, atMs);
    }
    await planes.p1.ask(
      "PATCH",
      POLICY,
      { spec: policyObject("edge", { endpoint: receivers.p1.writeUrl, query: 'm{x=""}', secret: "cred" }).spec },
      "application/merge-patch+json",
    );
    await eventually(
      "an edit takes effect",
      () => policy("p1"),
      ({ metadata: { generation }, status }) =>
        status?.sinks?.[0]?.conditions?.every((c) => c.observedGeneration === generation) === true,
    );
  });

  test("with the shipped roles nothing is forbidden; a project that is deleted ends", async () => {
    assert.doesNotMatch(agent!.log, /forbidden/);
    assert.equal((await planes.platform.ask("DELETE", `${PROJECTS}/p1`)).status, 200);
    await eventually(
      "its sinks are gone",
      async () => [...(await agent!.metrics()).keys()].some((key) => key.includes('policy="p1:default/edge"')),
      (has) => !has,
    );
    assert.equal(await agent!.stop(), 0);
    agent = undefined;
  });
});
