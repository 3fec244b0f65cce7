// The compiled binary between real servers while its policies are edited 24 times: endpoint, credentials, batch, retry, query; bad
// edits; deleted and put back; a ConfigMap's links swapped. No gap; nothing sent twice where the sink was reachable.
//   source: VictoriaMetrics; sinks of policies p and q: VictoriaMetrics behind two doors each, that count and ask for a password; of policy
//   steady, which is never edited: Prometheus
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import {
  type Contents,
  canonical,
  type Server,
  startPrometheus,
  startVictoriaMetrics,
  type VictoriaMetrics,
} from "../servers/servers.ts";

type Wanted = {
  name?: string;
  endpoint: string;
  batch?: string;
  retry?: string;
  query?: string;
  auth?: boolean;
};

const policy = (w: Wanted): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${w.name ?? "p"} }
spec:
  sources:
    - name: fleet
      metrics: { metricsql: '${w.query ?? '{job="fleet"}'}' }
  sinks:
    - name: cloud
      sources: [fleet]
      target:
        prometheusRemoteWrite:
          endpoint: ${w.endpoint}
          batch: ${w.batch ?? "{ maxSize: 40, timeout: 500ms }"}
          retry: ${w.retry ?? "{ maxAttempts: 10, backoffDuration: 500ms }"}
${w.auth ? "          authentication: { basicAuth: { secretRef: { name: door } } }\n" : ""}`;

const SERIES = 12;
const EVERY_MS = 500;

/** Lets through who has the password, if one is set, and remembers every sample that went through. */
async function door(behind: Server): Promise<Receiver & { password: string | undefined }> {
  const receiver = Object.assign(await startReceiver(), { password: undefined as string | undefined });
  receiver.answer = async ({ headers, body }) => {
    const wanted = receiver.password && `Basic ${Buffer.from(`edge:${receiver.password}`).toString("base64")}`;
    if (wanted !== undefined && headers.authorization !== wanted) return { status: 401 };
    const { status } = await fetch(behind.writeUrl, {
      method: "POST",
      headers: { "content-encoding": "snappy", "content-type": "application/x-protobuf" },
      body: new Uint8Array(body),
    });
    return { status };
  };
  return receiver;
}

/** What went through these doors: how often each sample. */
function passed(...doors: Receiver[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { stored } of doors)
    for (const [labels, samples] of stored)
      for (const [ts] of samples) {
        const key = `${canonical(Object.fromEntries(JSON.parse(labels) as [string, string][]))} ${ts}`;
        times.set(key, (times.get(key) ?? 0) + 1);
      }
  return times;
}

const keysOf = (contents: Contents): string[] =>
  [...contents].flatMap(([series, samples]) => samples.map(([ts]) => `${series} ${ts}`));

describe("24 edits while it runs", needs("victoria-metrics", "prometheus"), () => {
  const dir = tempDir();
  const volume = join(dir.path, "volume");
  const at = (name: string) => join(dir.path, name);
  const servers: (Server | Receiver)[] = [];
  let source: VictoriaMetrics;
  let prometheus: Server;
  let a: Receiver & { password: string | undefined };
  let b: typeof a;
  let c: typeof a;
  let d: typeof a;
  let agent: Running;
  let living = true;
  let life: Promise<void>;

  /** One sample of each series, every half second. */
  async function live(): Promise<void> {
    for (let n = 0; living; n++) {
      const now = Date.now();
      await source.import(
        Array.from({ length: SERIES }, (_, i) => ({
          labels: { __name__: "m", job: "fleet", i: String(i) },
          samples: [[now, n]] as [number, number][],
        })),
      );
      await new Promise((done) => setTimeout(done, Math.max(0, EVERY_MS - (Date.now() - now)))); // the pace of the source
    }
  }

  const reloads = async () => {
    const metrics = await agent.metrics();
    const of = (result: string) => metrics.get(`outflow_policy_reloads_total{result="${result}"}`)!;
    return { ok: of("ok"), error: of("error"), errors: metrics.get("outflow_policy_reload_errors_total")! };
  };

  /** Does an edit and waits until it was taken, or refused. */
  async function edit(what: string, how: () => unknown, result: "ok" | "error" = "ok"): Promise<void> {
    const was = await reloads();
    await how();
    await eventually(`${what}: taken notice of`, reloads, (now) => now[result] > was[result], 20_000);
    // Something is exported in between: at least one more sample through the door of p, wherever it is.
    const before = passed(a, b).size;
    await eventually(
      `${what}: p delivers`,
      () => passed(a, b).size,
      (n) => n > before,
      30_000,
    );
  }

  const write = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o600 });
  const secret = (password: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: door }\ntype: kubernetes.io/basic-auth\nstringData: { username: edge, password: ${password} }\n`;
  const swap = (n: number, text: string) => {
    mkdirSync(join(volume, `..${n}`), { recursive: true });
    writeFileSync(join(volume, `..${n}`, "q.yaml"), text);
    symlinkSync(`..${n}`, join(volume, "..data_tmp"));
    renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
    rmSync(join(volume, `..${n - 1}`), { recursive: true, force: true });
  };

  before(async () => {
    const [vm, other, prom] = await Promise.all([startVictoriaMetrics(), startVictoriaMetrics(), startPrometheus()]);
    source = vm;
    prometheus = prom;
    const doors = await Promise.all(Array.from({ length: 4 }, () => door(other)));
    [a, b, c, d] = doors as [typeof a, typeof a, typeof a, typeof a];
    servers.push(vm, other, prom, ...doors);
    life = live();
    // New series of VictoriaMetrics show after some seconds: the edits begin when they do.
    await eventually(
      "the source has series",
      () => source.read('{job="fleet"}'),
      (r) => r.size === SERIES,
    );
    write("p.yaml", policy({ endpoint: a.writeUrl }));
    write("steady.yaml", policy({ name: "steady", endpoint: prometheus.writeUrl }));
    swap(1, policy({ name: "q", endpoint: c.writeUrl }));
    symlinkSync("..data/q.yaml", join(volume, "q.yaml"));
    agent = await runAgent([
      ...["--policies", dir.path, "--source-url", source.url, "--state-dir", at(".state")],
      ...["--poll-interval", "1s", "--settle", "2s"],
    ]);
    await eventually(
      "p delivers",
      () => passed(a).size,
      (n) => n > 0,
    );
  });

  after(async () => {
    living = false;
    await life;
    await agent?.stop("SIGKILL");
    for (const server of servers) await ("remove" in server ? server.remove() : server.stop());
    dir.remove();
  });

  test("no gap, nothing twice, a sibling undisturbed", async () => {
    const A: Wanted = { endpoint: a.writeUrl };
    const B: Wanted = { endpoint: b.writeUrl };
    const p = (w: Wanted) => () => write("p.yaml", policy(w));

    await edit("1 another endpoint", p(B));
    await edit("2 a smaller batch", p({ ...B, batch: "{ maxSize: 5, timeout: 500ms }" }));
    await edit("3 a longer batch", p({ ...B, batch: "{ maxSize: 5000, timeout: 2s }" }));
    await edit("4 another retry", p({ ...B, retry: "{ maxAttempts: 5, backoffDuration: 1s }" }));
    await edit("5 no YAML", () => write("p.yaml", `${policy(A)}]`), "error");
    await edit("6 an unknown field", () => write("p.yaml", policy(A).replace("endpoint", "endpont")), "error");
    await edit("7 a query that is not valid", p({ ...A, query: '{job="fleet"' }), "error");
    const { errors } = await reloads();
    assert.equal(errors, 3);
    assert.match(agent.log, /p\.yaml:\d+:\d+/);
    await edit("8 a query with the same series", p({ ...B, query: '{job="fleet", i!="none"}' }));
    await edit("9 replaced by a rename", () => {
      writeFileSync(at("p.yaml.new"), policy(A));
      renameSync(at("p.yaml.new"), at("p.yaml"));
    });
    await edit("10 credentials that nobody asks for yet", () => {
      write("secret.yaml", secret("one"));
      write("p.yaml", policy({ ...A, auth: true }));
    });
    a.password = "one";
    await edit("11 a password that is asked for", () => write("secret.yaml", `# the same\n${secret("one")}`));
    a.password = "two";
    await eventually(
      "12 the door is closed",
      () => agent.ready("cloud"),
      (r) => r.includes("AuthenticationRejected"),
    );
    await edit("12 the new password opens it at once", () => write("secret.yaml", secret("two")));
    await edit(
      "13 a broken Secret",
      () => write("secret.yaml", secret("two").replace("stringData", "stringdata")),
      "error",
    );
    await edit("14 a Secret that is well again", () => write("secret.yaml", secret("two")));
    await edit("15 the same policy in another file", () => write("copy.yaml", policy(B)), "error");
    await edit("16 the copy is gone", () => unlinkSync(at("copy.yaml")));
    await edit("17 SIGHUP", () => void agent.child.kill("SIGHUP"));
    await edit("18 POST /-/reload", () => fetch(`${agent.adminUrl}/-/reload`, { method: "POST" }));
    await edit("19 q's volume swapped", () => swap(2, policy({ name: "q", endpoint: d.writeUrl })));
    await edit("20 q's volume swapped to something bad", () => swap(3, "kind: ExportPolicy\n"), "error");
    await edit("21 q's volume swapped back", () => swap(4, policy({ name: "q", endpoint: c.writeUrl })));
    const was = await reloads();
    unlinkSync(at("p.yaml"));
    await eventually("22 p is deleted", reloads, (now) => now.ok > was.ok);
    await eventually(
      "22 it drains",
      () => agent.log,
      (log) => /default\/p\/cloud was removed\. Its cursors:/.test(log),
    );
    const seen = passed(a).size;
    await eventually(
      "22 time goes by",
      () => passed(c).size,
      (n) => n > seen + 5 * SERIES,
    );
    assert.equal(passed(a).size, seen, "nothing is sent for a policy that is gone");
    await edit("23 p is put back", p({ ...A, auth: true }));
    await edit("24 its first endpoint and no credentials: what it was", () => {
      a.password = undefined;
      write("p.yaml", policy(A));
    });

    living = false;
    await life;
    const want = keysOf(await source.read('{job="fleet"}'));
    const fromStart = (times: { has(key: string): boolean }, keys: Iterable<string>) => {
      const first = Math.min(...[...keys].map((key) => Number(key.slice(key.lastIndexOf(" ")))));
      return want.filter((key) => Number(key.slice(key.lastIndexOf(" "))) >= first && !times.has(key));
    };
    const gap = (doors: Receiver[]) => {
      const times = passed(...doors);
      return fromStart(times, times.keys());
    };
    await eventually(
      "all of p has arrived",
      () => gap([a, b]),
      (g) => g.length === 0,
    );
    await eventually(
      "all of q has arrived",
      () => gap([c, d]),
      (g) => g.length === 0,
    );
    const steady = async () => {
      const times = new Set(keysOf(await prometheus.read('{job="fleet"}')));
      return fromStart(times, times);
    };
    await eventually("all of steady has arrived", steady, (g) => g.length === 0);
    assert.ok(want.length > 50 * SERIES, `${want.length} samples`);
    for (const [name, doors] of [
      ["p", [a, b]],
      ["q", [c, d]],
    ] as const) {
      const twice = [...passed(...doors)].filter(([, times]) => times > 1);
      assert.deepEqual(twice.slice(0, 5), [], `${twice.length} samples of ${name} were sent twice`);
    }
    const metrics = await agent.metrics();
    const dropped = [...metrics].filter(([k, v]) => k.startsWith("outflow_sink_samples_dropped_total") && v > 0);
    assert.deepEqual(dropped, []);
    assert.doesNotMatch(agent.log, /two/, "no password in the log");
  });
});
