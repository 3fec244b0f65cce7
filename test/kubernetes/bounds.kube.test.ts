// Each field of the ExportPolicy API at and beyond its limit: the CRD on a real API server and `outflow check` give the same verdict.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { queryRules } from "../../src/cli/querycheck.ts";
import { loadText } from "../../src/policy/load.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { basePolicy, bounds } from "./bounds.ts";

const root = resolve(import.meta.dirname, "../..");
const { check } = queryRules({ enforceFilter: [], forbidLabel: [] });

/** What `outflow check` says of a policy; empty: nothing is wrong. */
const checked = (policy: object): string[] =>
  loadText("policy.yaml", JSON.stringify(policy), check)
    .problems.filter((p) => p.severity === "problem")
    .map((p) => `${p.path}: ${p.message}`);

describe("the list of bounds", () => {
  test("has each field of the spec, each within its limit and beyond it", () => {
    const fields = new Set(bounds.map((b) => b.field));
    for (const field of fields)
      assert.ok(
        bounds.some((b) => b.field === field && !b.ok),
        `${field} has a value that is refused`,
      );
    assert.ok(fields.size > 20);
    assert.deepEqual(checked(basePolicy()), []);
  });

  for (const { field, what, ok, change } of bounds)
    test(`outflow check ${ok ? "takes" : "refuses"} ${field}: ${what}`, () => {
      const policy = basePolicy();
      change(policy);
      assert.equal(checked(policy).length === 0, ok, checked(policy).join("\n"));
    });
});

describe("the CRD", needsKubernetes(), () => {
  let kube: Kubernetes;
  before(async () => {
    kube = await startKubernetes();
    await kube.applyFile(join(root, "packaging/kubernetes/base/crd.yaml"));
  });
  after(() => kube?.remove());

  const path = "/apis/telemetry.miloapis.com/v1alpha1/namespaces/default/exportpolicies";
  const create = (policy: object) => kube.ask("POST", `${path}?dryRun=All&fieldValidation=Strict`, policy);

  for (const { field, what, ok, change } of bounds)
    test(`${ok ? "takes" : "refuses"} ${field}: ${what}`, async () => {
      const policy = basePolicy();
      change(policy);
      const { status, body } = await create(policy);
      assert.equal(status < 300, ok, `${status} ${body.message}`);
      if (!ok) assert.ok([400, 422].includes(status), `${status} ${body.message}`);
    });

  test("gives the defaults of the API reference", async () => {
    const policy = basePolicy();
    const write = (
      policy as never as { spec: { sinks: { target: { prometheusRemoteWrite: Record<string, unknown> } }[] } }
    ).spec.sinks[0]!.target.prometheusRemoteWrite;
    delete write.batch;
    delete write.retry;
    const { body } = await create(policy);
    const made = (body as never as typeof policy & { spec: { sinks: { target: { prometheusRemoteWrite: object } }[] } })
      .spec.sinks[0]!.target.prometheusRemoteWrite;
    assert.deepEqual(made, {
      ...write,
      batch: { maxSize: 500, timeout: "5s" },
      retry: { backoffDuration: "5s", maxAttempts: 3 },
    });
  });

  test("takes every sample policy", async () => {
    for (const file of readdirSync(join(root, "policies")).filter((name) => name.endsWith(".yaml")))
      for (const document of parseAllDocuments(readFileSync(join(root, "policies", file), "utf8"))) {
        const policy = document.toJS() as { kind: string; metadata: { namespace?: string } };
        if (policy.kind !== "ExportPolicy") continue;
        const { status, body } = await create({ ...policy, metadata: { ...policy.metadata, namespace: "default" } });
        assert.equal(status, 201, `${file}: ${body.message}`);
      }
  });
});
