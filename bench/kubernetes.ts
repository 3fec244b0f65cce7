// Kubernetes mode with 1,000 policies and as many Secrets against a real API server: start, memory, requests a minute, one edit.
//   bun bench/kubernetes.ts [policies]
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type KubeApi, POLICIES, SECRETS } from "../src/kubernetes/client/api.ts";
import { createKubeApi } from "../src/kubernetes/client/client.ts";
import { kubeconfigAccess } from "../src/kubernetes/client/kubeconfig.ts";
import type { PolicyObject } from "../src/kubernetes/policy-objects.ts";
import { systemFiles } from "../src/platform/files.ts";
import { policyObject, secretObject } from "../test/kubernetes/policies.ts";
import { tempDir } from "../test/servers/binary.ts";
import { startKubernetes } from "../test/servers/kubernetes/kubernetes.ts";
import { freePort, startVictoriaMetrics } from "../test/servers/servers.ts";

const root = resolve(import.meta.dirname, "..");
const count = Number(process.argv[2] ?? 1_000);
const dir = tempDir();
const probe = join(dir.path, "probe");
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

const [kube, vm] = await Promise.all([startKubernetes(), startVictoriaMetrics()]);
for (const file of ["crd.yaml", "rbac.yaml"]) await kube.applyFile(join(root, "packaging/kubernetes/base", file));
const admin: KubeApi = createKubeApi({
  access: kubeconfigAccess([kube.kubeconfig], {
    files: systemFiles,
    runPlugin: async () => "",
    now: () => Date.now(),
    tell: () => {},
  }),
  proxy: () => undefined,
  userAgent: "bench",
  tell: () => {},
});
const at = { namespace: "default" };
const parts = (i: number, query = `m{job="j${i}"}`) => ({ query, secret: `s${i}`, endpoint: vm.writeUrl });
const numbers = Array.from({ length: count }, (_, i) => i);
await Promise.all(
  Array.from({ length: 16 }, async (_, worker) => {
    for (const i of numbers.filter((n) => n % 16 === worker)) {
      const made = [
        await admin.create(SECRETS, at, secretObject(`s${i}`, { username: "u", password: `p${i}` })),
        await admin.create(POLICIES, at, policyObject(`p${i}`, parts(i))),
      ];
      for (const one of made) if (!one.ok) throw new Error(one.failure.message);
    }
  }),
);
const feed = () =>
  vm.import(numbers.map((i) => ({ labels: { __name__: "m", job: `j${i}` }, samples: [[Date.now(), i]] })));
await feed();
const feeding = setInterval(() => feed().catch(() => {}), 5_000);

const port = await freePort();
const startedMs = performance.now();
const agent = spawn(
  process.execPath,
  [
    ...[
      "--preload",
      join(root, "bench/load/loop-probe.ts"),
      join(root, "src/main.ts"),
      "run",
      "--no-tui",
      "--kubernetes",
    ],
    ...["--kubeconfig", (await kube.serviceAccount("outflow-system", "outflow")).kubeconfig, "--source-url", vm.url],
    ...[
      "--state-dir",
      join(dir.path, "state"),
      "--listen",
      `127.0.0.1:${port}`,
      "--start",
      "60s",
      "--poll-interval",
      "60s",
      "--log-format",
      "text",
    ],
  ],
  { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, LOOP_PROBE: probe } },
);
let log = "";
agent.stderr.on("data", (d) => {
  log += String(d);
});
const seconds = (fromMs: number) => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
const metrics = async () => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name}(?:{[^}]*})? (.*)$`, "m").exec(text)?.[1] ?? Number.NaN);
  const requests = [
    ...text.matchAll(/^outflow_kubernetes_requests_total\{verb="(\w+)",resource="([^"]+)",code="(\d+)"\} (\d+)/gm),
  ];
  return {
    value,
    requests: new Map(requests.map(([, verb, resource, code, n]) => [`${verb} ${resource} ${code}`, Number(n)])),
  };
};
const ready = async () => {
  let n = 0;
  for (let from: string | undefined; ; ) {
    const page = await admin.list<PolicyObject>(POLICIES, at, { limit: 100, continue: from });
    if (!page.ok) return -1; // the API server is busy
    n += page.value.items.filter((p) =>
      p.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
    ).length;
    from = page.value.continue;
    if (from === undefined) return n;
  }
};
const held = () => (existsSync(probe) ? readFileSync(probe, "utf8") : "under 5 ms");
const reset = async () => {
  rmSync(probe, { force: true });
  await sleep(50);
  await Bun.write(probe, "0");
};
try {
  // Until then modules are loaded.
  while (!/API server .*: connected/.test(log)) await sleep(5);
  await reset();
  while (!/Loaded/.test(log)) await sleep(20);
  console.log(`start to all ${count} policies loaded: ${seconds(startedMs)}`);
  while ((await ready()) < count) await sleep(1_000);
  console.log(
    `start to Ready=True of all in the API: ${seconds(startedMs)}; the event loop was held for at most ${held()}`,
  );
  await sleep(45_000);
  const before = await metrics();
  await sleep(60_000);
  const after = await metrics();
  console.log(`resident memory: ${(after.value("process_resident_memory_bytes") / 1e6).toFixed(0)} MB`);
  for (const [key, n] of after.requests) {
    const more = n - (before.requests.get(key) ?? 0);
    if (more > 0) console.log(`requests in one minute: ${key}: ${more}`);
  }
  console.log("all requests so far:", Object.fromEntries(after.requests));
  await reset();
  await sleep(20_000);
  console.log(`event loop in 20 s without an edit: ${held()}`);
  const took: number[] = [];
  const loops: string[] = [];
  for (let i = 0; i < 10; i++) {
    const name = `p${(i * 97) % count}`;
    const known = await admin.get<PolicyObject>(POLICIES, { ...at, name });
    if (!known.ok) throw new Error(known.failure.message);
    const { resourceVersion } = known.value.metadata;
    const edited = {
      ...policyObject(name, parts(i, `m{job="j${i}",edit!="${i}"}`)),
      metadata: { ...at, name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    };
    await reset();
    const editedMs = performance.now();
    const put = await admin.update(POLICIES, { ...at, name }, edited);
    if (!put.ok) throw new Error(put.failure.message);
    for (;;) {
      const now = await admin.get<PolicyObject>(POLICIES, { ...at, name });
      if (
        now.ok &&
        now.value.status?.sinks?.[0]?.conditions?.every((c) => c.observedGeneration === now.value.metadata.generation)
      )
        break;
      await sleep(10);
    }
    took.push(performance.now() - editedMs);
    loops.push(held());
    await sleep(2_000);
  }
  console.log(
    `one edit, from PUT to its generation observed in the status: ${took.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`,
  );
  console.log(`the event loop meanwhile: ${loops.join(", ")}`);
  const lists = async () =>
    [...(await metrics()).requests].reduce((n, [key, m]) => n + (/^list .* 200$/.test(key) ? m : 0), 0);
  const listed = await lists();
  await reset();
  await kube.stopApi("SIGKILL");
  await kube.startApi();
  for (let i = 0; i < 20; i++)
    await kube.ask(
      "PATCH",
      "/apis/telemetry.miloapis.com/v1alpha1/namespaces/default/exportpolicies/p0",
      { metadata: { labels: { i: `${i}` } } },
      "application/merge-patch+json",
    );
  kube.compact();
  await kube.stopApi("SIGKILL");
  await kube.startApi();
  for (let i = 0; i < 300 && (await lists()) < listed + count / 100; i++) await sleep(100);
  await sleep(2_000);
  console.log(`the event loop through a resync after 410 (${(await lists()) - listed} lists): ${held()}`);
} finally {
  clearInterval(feeding);
  agent.kill("SIGTERM");
  await new Promise((done) => agent.once("exit", done));
  console.log(
    log
      .split("\n")
      .filter((l) => /WARN|ERROR/.test(l) && !/gives up after/.test(l))
      .slice(0, 10)
      .join("\n"),
  );
  await Promise.all([kube.remove(), vm.remove()]);
  dir.remove();
}
process.exit();
