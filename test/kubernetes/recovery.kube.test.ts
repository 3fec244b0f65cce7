// Kubernetes mode through what happens to API servers: each time exporting continues, the agent recovers automatically, and nothing is
// written into a status that says the same already. The compiled binary, a real API server, and a relay between the two.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import type { StoredStatus } from "../../src/kubernetes/policy-objects.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { feed } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Account, type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";
import { policyObject } from "./policies.ts";

const root = resolve(import.meta.dirname, "../..");
const skip = needsKubernetes().skip || needs("victoria-metrics").skip;
const POLICIES = "/apis/telemetry.miloapis.com/v1alpha1/namespaces/default/exportpolicies";

/** A relay to a port that can make the connections it has deaf: nothing comes back any more, and nobody closes. */
async function startRelay(to: number): Promise<{ port: number; deafen(): number; close(): void }> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  const server: NetServer = createServer((near) => {
    const pair = { near, far: connect(to, "127.0.0.1") };
    pairs.add(pair);
    near.pipe(pair.far);
    pair.far.pipe(near);
    for (const [one, other] of [
      [near, pair.far],
      [pair.far, near],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    deafen() {
      for (const { near, far } of pairs) {
        far.unpipe(near);
        far.resume();
      }
      return pairs.size;
    },
    close() {
      for (const { near } of pairs) near.destroy();
      server.close();
    },
  };
}

describe("Kubernetes mode recovers", { skip }, () => {
  const dir = tempDir();
  let kube: Kubernetes;
  let source: VictoriaMetrics;
  let receiver: Receiver;
  let relay: Awaited<ReturnType<typeof startRelay>>;
  let agent: Running;
  let account: Account;
  let feeding: NodeJS.Timeout;
  let edits = 0;

  before(async () => {
    [kube, source, receiver] = await Promise.all([startKubernetes(), startVictoriaMetrics(), startReceiver()]);
    receiver.inOrder = false;
    relay = await startRelay(kube.port);
    await kube.applyFile(join(root, "packaging/kubernetes/base/rbac.yaml"));
    account = await kube.serviceAccount("outflow-system", "outflow");
    writeFileSync(
      account.kubeconfig,
      readFileSync(account.kubeconfig, "utf8").replace(`:${kube.port}"`, `:${relay.port}"`),
    );
    feeding = feed(source);
  });
  after(async () => {
    clearInterval(feeding);
    await agent?.stop("SIGKILL");
    relay.close();
    await Promise.all([kube.remove(), source.remove(), receiver.close()]);
    dir.remove();
  });

  const put = async (query: string): Promise<void> => {
    const path = `${POLICIES}/edge?fieldManager=test&force=true`;
    const object = policyObject("edge", { endpoint: receiver.writeUrl, query });
    const { status, body } = await kube.ask("PATCH", path, object, "application/apply-patch+yaml");
    assert.ok(status <= 201, `${status} ${body.message}`);
  };
  /** Samples that have arrived. */
  const arrived = () => [...receiver.stored.values()].reduce((n, rows) => n + rows.length, 0);
  const exports_ = async () => {
    const before = arrived();
    await eventually("exporting continues", arrived, (n) => n > before + 2);
  };
  const requests = async (wanted: (labels: string) => boolean) =>
    [...(await agent.metrics())]
      .filter(([key]) => key.startsWith("outflow_kubernetes_requests_total") && wanted(key))
      .reduce((n, [, value]) => n + value, 0);
  const patches = () =>
    requests((labels) => labels.includes('verb="patch",resource="exportpolicies.telemetry.miloapis.com",code="200"'));
  const watches = () => requests((labels) => labels.includes('verb="watch"'));
  const failure = async () =>
    (
      (await (await fetch(`${agent.adminUrl}/api/v1/snapshot`)).json()) as {
        cluster?: { failure?: { message: string } };
      }
    ).cluster?.failure?.message ?? "none";
  const isWell = () => eventually("nothing fails", failure, (message) => message === "none");
  const observed = () =>
    eventually(
      "the edit is observed in the status",
      async () =>
        (await kube.ask("GET", `${POLICIES}/edge`)).body as { metadata: { generation: number }; status?: StoredStatus },
      ({ metadata, status }) =>
        status?.sinks?.[0]?.conditions?.length === 2 &&
        status.sinks[0].conditions.every((c) => c.observedGeneration === metadata.generation) &&
        status.conditions?.find((c) => c.type === "Ready")?.status === "True",
    );

  const took = (what: string, after: string, fromMs: number) =>
    console.log(`${what}: an edit took effect ${((performance.now() - fromMs) / 1000).toFixed(1)} s after ${after}`);

  /** Nothing more is written; how many status writes there were. */
  async function quiet(): Promise<number> {
    // A sink that has just begun says CatchingUp and then Delivering: until that is written, and nothing is new any more.
    await eventually(
      "Delivering is written",
      async () => (await kube.ask("GET", `${POLICIES}/edge`)).body as { status?: StoredStatus },
      ({ status }) => status?.sinks?.[0]?.conditions?.find((c) => c.type === "Ready")?.reason === "Delivering",
    );
    let written = -1;
    for (let now = await patches(); now !== written; now = await patches()) {
      written = now;
      await new Promise((done) => setTimeout(done, 3_000));
    }
    return written;
  }

  /** What happens while the server is away, then that it comes back: exporting never stops, no status is written twice. */
  async function through(what: string, down: () => Promise<unknown>, up: () => Promise<unknown>): Promise<void> {
    const written = await quiet();
    await down();
    await exports_();
    await up();
    const backMs = performance.now();
    await isWell();
    assert.equal(await patches(), written, "no status was written again");
    await put(`m{job="x",edit!="${++edits}"}`);
    await observed();
    took(what, "the server was back", backMs);
    await exports_();
  }

  test("without the CRD it waits, and says so; then it begins", async () => {
    agent = await runAgent([
      ...["--kubernetes", "--kubeconfig", account.kubeconfig, "--source-url", source.url],
      ...["--state-dir", join(dir.path, "state"), "--poll-interval", "1s", "--settle", "1s"],
    ]);
    const missing =
      /has no resource "exportpolicies" in API group "telemetry\.miloapis\.com": install its CustomResourceDefinition/;
    await eventually("it is said", failure, (message) => missing.test(message));
    const ready = await fetch(`${agent.adminUrl}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), missing);
    await kube.applyFile(join(root, "packaging/kubernetes/base/crd.yaml"));
    await put("m");
    await observed();
    await isWell();
  });

  test("kill -9 of the API server", () =>
    through(
      "kill -9 of the API server",
      async () => {
        await kube.stopApi("SIGKILL");
        await eventually("it is noticed", failure, (m) => /connection refused|closed/.test(m));
      },
      () => kube.startApi(),
    ));

  test("kill -9 of etcd", () =>
    through(
      "kill -9 of etcd",
      async () => {
        // Watches continue from the server's memory: nothing need be noticed.
        await kube.stopEtcd("SIGKILL");
      },
      async () => {
        await kube.startEtcd();
        await eventually(
          "the API server is ready",
          async () => (await kube.ask("GET", "/readyz")).status,
          (s) => s === 200,
        );
      },
    ));

  test("an API server that is frozen", () =>
    through(
      "a frozen API server",
      async () => {
        kube.signalApi("SIGSTOP");
        await exports_();
      },
      async () => kube.signalApi("SIGCONT"),
    ));

  test("connections that are deaf: what is edited meanwhile takes effect, over new ones", async () => {
    await quiet();
    assert.ok(relay.deafen() >= 2);
    await put(`m{job="x",edit!="${++edits}"}`);
    const editedMs = performance.now();
    await observed();
    took("a deaf watch", "it was made", editedMs);
    await isWell();
    await exports_();
    assert.ok((await watches()) > 0);
  });

  test("two watches are renewed 40 times a minute, and nothing else is asked while nothing changes", async () => {
    await quiet();
    const [before, beforeMs] = [await watches(), performance.now()];
    const others = () => requests((labels) => !labels.includes('verb="watch"'));
    const othersBefore = await others();
    await eventually("watches are renewed", watches, (n) => n >= before + 8, 120_000);
    const after = await watches();
    const minutes = (performance.now() - beforeMs) / 60_000;
    assert.ok(after - before <= 40 * minutes + 2, `${after} after ${before}`);
    assert.equal(await others(), othersBefore);
  });

  test("410: what the server has forgotten is listed again", () =>
    through(
      "410",
      async () => {
        await kube.stopApi("SIGKILL");
        await eventually("it is noticed", failure, (m) => m !== "none");
      },
      async () => {
        await kube.startApi();
        // Versions that nobody has seen, and then none of the old ones.
        for (let i = 0; i < 20; i++)
          await kube.ask(
            "PATCH",
            `${POLICIES}/edge`,
            { metadata: { labels: { i: `${i}` } } },
            "application/merge-patch+json",
          );
        kube.compact();
        await kube.stopApi("SIGKILL");
        await kube.startApi();
      },
    ));

  test("a token that is no longer valid, until there is a new one", () =>
    through(
      "a new token",
      async () => {
        const path = "/api/v1/namespaces/outflow-system/serviceaccounts/outflow";
        assert.equal((await kube.ask("DELETE", path)).status, 200);
        await kube.applyFile(join(root, "packaging/kubernetes/base/rbac.yaml"));
        await eventually("it is said", failure, (m) => /did not accept the credentials \(401\)/.test(m), 90_000);
      },
      () => account.renew(),
    ));

  test("another CA: the file is read again", () =>
    through(
      "another CA",
      async () => {
        await kube.stopApi("SIGKILL");
        kube.rotateCa();
      },
      () => kube.startApi(),
    ));

  test("a role that is taken away is named with verb and resource, in log, status and screen", async () => {
    const role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/outflow-policies";
    const { rules } = (await kube.ask("GET", role)).body as { rules: { resources: string[]; verbs: string[] }[] };
    const without = rules.filter((r) => !r.resources.includes("exportpolicies"));
    await kube.ask("PATCH", role, { rules: without }, "application/merge-patch+json");
    const said =
      /forbidden: a role must allow verb "(watch|list)" on resource "exportpolicies" in API group "telemetry\.miloapis\.com", in all namespaces\./;
    await eventually("it is said", failure, (m) => said.test(m), 90_000);
    assert.match(agent.log.replaceAll('\\"', '"'), said);
    assert.match(
      execFileSync(join(root, "dist/outflow"), ["status", "--url", agent.adminUrl], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }),
      /edge/,
    );
    await exports_();
    await kube.ask("PATCH", role, { rules }, "application/merge-patch+json");
    await isWell();
    await put("m");
    await observed();
  });
});
