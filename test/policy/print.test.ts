// A policy printed for the screen says what runs and holds no secret.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../src/policy/load.ts";
import { policyYaml } from "../../src/policy/print.ts";

const text = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge, namespace: shop, annotations: { outflow/settle: 7s } }
spec:
  sources:
    - name: metrics
      metrics: { metricsql: 'up{job="a: b"} # "quoted\u202e"' }
  sinks:
    - name: cloud
      sources: [metrics]
      target:
        prometheusRemoteWrite:
          endpoint: https://cloud.example.com/write?token=topsecret
          authentication: { basicAuth: { secretRef: { name: credentials } } }
---
apiVersion: v1
kind: Secret
metadata: { name: credentials, namespace: shop }
type: kubernetes.io/basic-auth
stringData: { username: somebody, password: hunter2 }
`;
const load = (yaml: string) => loadText("a.yaml", yaml, () => ({ ok: true, kind: "raw", warnings: [] }));

test("policyYaml() prints what runs, defaults filled in, secrets by name only", () => {
  const policy = load(text).policies[0]!;
  assert.equal(policy.sinks[0]!.credentials?.password, "hunter2");
  const yaml = policyYaml(policy);
  assert.doesNotMatch(yaml, /hunter2|somebody|topsecret|\u202e/);
  for (const line of [
    "endpoint: https://cloud.example.com/write?token=hidden",
    "name: credentials",
    "outflow/settle: 7s",
    "maxAttempts: 3",
  ])
    assert.ok(yaml.includes(line), `${line} in\n${yaml}`);
});

test("policyYaml() of a policy without odd characters loads to the same policy again", () => {
  const plain = text.replace("\u202e", "").replace("?token=topsecret", "");
  const strip = ({ sinks, ...policy }: ReturnType<typeof load>["policies"][number]) =>
    JSON.parse(
      JSON.stringify({ ...policy, sinks }, (key, value) =>
        key === "place" || key === "secretPlace" || key === "credentials" || key === "refusal" ? undefined : value,
      ),
    );
  const [policy] = load(plain).policies;
  assert.deepEqual(strip(load(policyYaml(policy!)).policies[0]!), strip(policy!));
});
