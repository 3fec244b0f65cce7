// outflow run --kubernetes against a real Kubernetes API server with the shipped CRD and roles, a real source and a real Prometheus: as
// the compiled binary, and under Deno. What users see comes from kubectl.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import type { StoredStatus } from "../../src/kubernetes/policy-objects.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { buildBinary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { feed } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Account, type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { type Server, startPrometheus, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";
import { type PolicyParts, policyObject, secretObject } from "./policies.ts";

const root = resolve(import.meta.dirname, "../..");
const skip = needsKubernetes().skip || needs("victoria-metrics", "prometheus", "kubectl", "curl").skip;
const API = "/apis/telemetry.miloapis.com/v1alpha1";

const RUNTIMES: Record<string, () => string[]> = {
  "the compiled binary": () => [buildBinary()],
  Deno: () => [join(root, "node_modules/.bin/deno"), "run", "-A", "--quiet", join(root, "src/main.ts")],
};

describe("Kubernetes mode", { skip }, () => {
  let kube: Kubernetes;
  before(async () => {
    kube = await startKubernetes();
    for (const file of ["crd.yaml", "rbac.yaml"]) await kube.applyFile(join(root, "packaging/kubernetes/base", file));
  });
  after(() => kube?.remove());

  for (const [runtime, command] of Object.entries(RUNTIMES))
    describe(runtime, () => {
      const dir = tempDir();
      let source: VictoriaMetrics;
      let prometheus: Server;
      let receiver: Receiver;
      let agent: Running | undefined;
      let account: Account;
      let feeding: NodeJS.Timeout;

      before(async () => {
        // Nothing is left of the runtime before.
        for (const kind of [`${API}/namespaces/default/exportpolicies`, "/api/v1/namespaces/default/secrets"])
          assert.equal((await kube.ask("DELETE", kind)).status, 200);
        for (const api of ["/api/v1", "/apis/events.k8s.io/v1"])
          assert.equal((await kube.ask("DELETE", `${api}/namespaces/default/events`)).status, 200);
        [source, prometheus, receiver] = await Promise.all([
          startVictoriaMetrics(),
          startPrometheus("1h"),
          startReceiver(),
        ]);
        receiver.inOrder = false;
        account = await kube.serviceAccount("outflow-system", "outflow");
        feeding = feed(source);
      });
      after(async () => {
        clearInterval(feeding);
        await agent?.stop("SIGKILL");
        await Promise.all([source.remove(), prometheus.remove(), receiver.close()]);
        dir.remove();
      });

      const flags = (state: string): string[] => [
        ...["--kubernetes", "--kubeconfig", account.kubeconfig, "--source-url", source.url],
        ...["--state-dir", join(dir.path, state), "--poll-interval", "1s", "--settle", "1s", "--start", "10s"],
      ];
      const put = async (name: string, parts: PolicyParts): Promise<void> => {
        const path = `${API}/namespaces/default/exportpolicies/${name}?fieldManager=test&force=true`;
        const { status, body } = await kube.ask(
          "PATCH",
          path,
          policyObject(name, parts),
          "application/apply-patch+yaml",
        );
        assert.ok(status <= 201, String(body.message));
      };
      const putSecret = async (name: string, values: Record<string, string>, type?: string): Promise<void> => {
        const path = `/api/v1/namespaces/default/secrets/${name}?fieldManager=test&force=true`;
        const { status, body } = await kube.ask(
          "PATCH",
          path,
          secretObject(name, values, type),
          "application/apply-patch+yaml",
        );
        assert.ok(status <= 201, String(body.message));
      };
      const remove = async (path: string) => assert.equal((await kube.ask("DELETE", path)).status, 200);
      const policy = async (name: string) =>
        (await kube.ask("GET", `${API}/namespaces/default/exportpolicies/${name}`)).body;
      const said = async (name: string): Promise<string> => {
        const { status } = (await policy(name)) as { status?: StoredStatus };
        const told = (of: StoredStatus["conditions"]) =>
          (of ?? []).map((c) => `${c.type}=${c.status} ${c.reason}`).join(", ");
        return [told(status?.conditions), ...(status?.sinks ?? []).map((s) => `${s.name}: ${told(s.conditions)}`)].join(
          "; ",
        );
      };
      const says = (name: string, pattern: RegExp) =>
        eventually(
          `${name} says ${pattern}`,
          () => said(name),
          (s) => pattern.test(s),
        );
      const READY =
        /^Accepted=True PolicyValid, Ready=True AllSinksReady; cloud: Accepted=True SinkConfigured, Ready=True Delivering$/;
      const kubectl = (...args: string[]): string =>
        execFileSync("kubectl", args, { encoding: "utf8", env: { ...process.env, KUBECONFIG: kube.kubeconfig } });
      const stored = async () => [...(await prometheus.read("m")).values()].reduce((n, rows) => n + rows.length, 0);

      test("a policy that is created exports to Prometheus, and kubectl shows that it is ready", async () => {
        agent = await runAgent(flags("state"), {}, command());
        await put("edge", { endpoint: prometheus.writeUrl });
        await says("edge", READY);
        await eventually("data in Prometheus", stored, (n) => n > 3);
        assert.match(kubectl("get", "exportpolicies"), /^NAME +READY +REASON +AGE\nedge +True +AllSinksReady +\d+s\n$/);
        assert.equal(
          kubectl(
            "get",
            "xp",
            "edge",
            "-o",
            "jsonpath={.status.sinks[0].conditions[?(@.type=='Ready')].observedGeneration}",
          ),
          "1",
        );
        const events = kubectl(
          "get",
          "events",
          "-o",
          "custom-columns=T:.type,R:.reason,O:.involvedObject.name",
          "--no-headers",
        );
        assert.match(events, /^Normal +Ready +edge$/m);
      });

      test("an edit takes effect, and its generation is observed; one that cannot be used leaves what runs", async () => {
        await put("edge", { endpoint: prometheus.writeUrl, query: 'm{job="x"}' });
        await eventually(
          "observed",
          async () => JSON.stringify((await policy("edge")).status),
          (s) => !s.includes('"observedGeneration":1'),
        );
        await put("edge", { endpoint: prometheus.writeUrl, query: "sum(" });
        await says("edge", /^Accepted=False InvalidQuery, Ready=True AllSinksReady; cloud: Accepted=True/);
        const { conditions } = (await policy("edge")).status as StoredStatus;
        assert.match(conditions![0]!.message, /^spec\.sources\[0\]\.metrics\.metricsql: /);
        assert.equal(conditions![0]!.observedGeneration, 3);
        const before = await stored();
        await eventually("it is still exported", stored, (n) => n > before);
        await put("edge", { endpoint: prometheus.writeUrl });
        await says("edge", READY);
      });

      test("a policy that is not valid from the start says so at each of its sinks", async () => {
        await put("broken", { query: "sum(" });
        await says(
          "broken",
          /^Accepted=False InvalidQuery, Ready=False InvalidQuery; cloud: Accepted=False InvalidQuery, Ready=False InvalidQuery$/,
        );
        await remove(`${API}/namespaces/default/exportpolicies/broken`);
      });

      test("the status through a missing Secret, a wrong type, a wrong password, an outage and a deletion", async () => {
        const password = "right-password";
        receiver.answer = ({ headers }) => ({
          status: headers.authorization === `Basic ${Buffer.from(`u:${password}`).toString("base64")}` ? 204 : 401,
        });
        await put("auth", { endpoint: receiver.writeUrl, secret: "cred" });
        await says("auth", /Accepted=False SecretNotFound, Ready=False SecretNotFound$/);
        await putSecret("cred", { username: "u", password }, "Opaque");
        // No watch shows it: it is looked up separately.
        await says("auth", /Accepted=False InvalidAuthentication, Ready=False InvalidAuthentication$/);
        await remove("/api/v1/namespaces/default/secrets/cred");
        await putSecret("cred", { username: "u", password: "wrong" });
        await says("auth", /Accepted=True SinkConfigured, Ready=False AuthenticationRejected$/);
        await putSecret("cred", { username: "u", password });
        await says("auth", READY);
        await receiver.stop();
        await says(
          "auth",
          /Ready=False SinksNotReady; cloud: Accepted=True SinkConfigured, Ready=False EndpointUnreachable$/,
        );
        await receiver.start();
        await says("auth", READY);
        const described = kubectl("describe", "exportpolicy", "auth");
        for (const reason of ["SecretNotFound", "InvalidAuthentication", "NotReady", "Ready"])
          assert.match(described, new RegExp(`(Warning|Normal) +${reason} `), described);
        for (const secret of [password, "wrong"]) assert.ok(!`${described}${agent!.log}`.includes(secret));
        await remove(`${API}/namespaces/default/exportpolicies/auth`);
        await eventually(
          "gone",
          async () => [...(await agent!.metrics()).keys()].some((k) => k.includes('policy="default/auth"')),
          (has) => !has,
        );
      });

      test("a bearer token from a Secret that only an annotation names", async () => {
        await putSecret("token", { token: "t0ken" }, "Opaque");
        receiver.answer = ({ headers }) => ({ status: headers.authorization === "Bearer t0ken" ? 204 : 401 });
        await put("bearer", { endpoint: receiver.writeUrl, annotations: { "outflow/bearer-secret": "token" } });
        await says("bearer", READY);
        await remove(`${API}/namespaces/default/exportpolicies/bearer`);
      });

      test("a restart without its state moves no lastTransitionTime and writes nothing that says the same", async () => {
        await says("edge", READY);
        const before = await policy("edge");
        await agent!.stop();
        agent = await runAgent(flags("another-state"), {}, command());
        const from = await stored();
        await eventually("it exports again", stored, (n) => n > from + 3);
        const after = await policy("edge");
        assert.deepEqual(
          (after.status as StoredStatus).conditions?.map((c) => [c.type, c.lastTransitionTime]),
          (before.status as StoredStatus).conditions?.map((c) => [c.type, c.lastTransitionTime]),
        );
        const version = (p: typeof after) => (p.metadata as { resourceVersion: string }).resourceVersion;
        assert.equal(version(after), version(before), await said("edge"));
      });

      test("with exactly the shipped roles nothing that is needed is forbidden, and writes of specs and Secrets are", async () => {
        assert.doesNotMatch(agent!.log, /forbidden/);
        const refused = [...(await agent!.metrics()).keys()].filter((key) =>
          /^outflow_kubernetes_requests.*code="4(?!0[49]|10)/.test(key),
        );
        assert.deepEqual(refused, []);
        const token = execFileSync("cat", [join(kube.dir, "outflow-system-outflow-3600/token")], { encoding: "utf8" });
        const as = (method: string, path: string, body: object, type = "application/merge-patch+json") =>
          execFileSync(
            "curl",
            [
              ...[
                "-sS",
                "--cacert",
                join(kube.dir, "ca.crt"),
                "-H",
                `Authorization: Bearer ${token}`,
                "-o",
                "/dev/null",
              ],
              ...[
                "-w",
                "%{http_code}",
                "-X",
                method,
                "-H",
                `Content-Type: ${type}`,
                "-d",
                JSON.stringify(body),
                kube.url + path,
              ],
            ],
            { encoding: "utf8" },
          );
        const one = `${API}/namespaces/default/exportpolicies/edge`;
        assert.equal(as("PATCH", one, { spec: { sources: [] } }), "403");
        assert.equal(as("PUT", one, {}, "application/json"), "403");
        assert.equal(as("DELETE", one, {}), "403");
        assert.equal(
          as("POST", `${API}/namespaces/default/exportpolicies`, policyObject("x"), "application/json"),
          "403",
        );
        assert.equal(as("PATCH", "/api/v1/namespaces/default/secrets/token", { data: {} }), "403");
        assert.equal(
          as("POST", "/api/v1/namespaces/default/secrets", secretObject("x", {}), "application/json"),
          "403",
        );
        assert.equal(as("DELETE", "/api/v1/namespaces/default/secrets/token", {}), "403");
      });

      test("check, run --check and replay read from the API server, and name objects as kubectl does", async () => {
        const outflow = (...args: string[]) => {
          const [program = "", ...before] = command();
          const { status, stdout, stderr } = spawnSync(
            program,
            [...before, ...args, "--kubernetes", "--kubeconfig", account.kubeconfig],
            { encoding: "utf8", env: { PATH: process.env.PATH ?? "", HOME: dir.path } },
          );
          return { status, stdout, stderr };
        };
        await put("edge", { endpoint: prometheus.writeUrl });
        await put("broken", { query: "sum(", secret: "nowhere" });
        const checked = outflow("check");
        assert.equal(checked.status, 1, checked.stderr);
        assert.match(checked.stderr, /^default\/broken: spec\.sources\[0\]\.metrics\.metricsql: /m);
        assert.match(checked.stdout, /^not valid: 1 policy with 1 sink understood in 2 objects; 1 problem, /);
        assert.match(outflow("check", "--format", "json").stdout, /"file":"default\/broken","line":0/);
        await remove(`${API}/namespaces/default/exportpolicies/broken`);
        assert.equal(outflow("check").status, 0);
        assert.equal(outflow("check", "--namespace", "kube-system").status, 2);
        assert.match(
          outflow("check", "--context", "x").stderr,
          /^outflow: cannot use the Kubernetes API: \S+ has no context "x": it has test\.$/m,
        );
        const trial = outflow("run", "--check", "--source-url", source.url, "--listen", "off");
        assert.deepEqual(
          [trial.status, trial.stdout],
          [0, "The start would succeed: 1 policy, 1 sink.\n"],
          trial.stderr,
        );
        const replayed = outflow(
          ...[
            "replay",
            "--source-url",
            source.url,
            "--policy",
            "default/edge",
            "--from",
            "20s",
            "--to",
            "now",
            "--dry-run",
          ],
          ...["--state-dir", join(dir.path, "replay")],
        );
        assert.equal(replayed.status, 0, replayed.stderr);
      });
    });
});
