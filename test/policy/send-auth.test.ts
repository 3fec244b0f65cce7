// What annotations name besides basic auth: bearer tokens and headers from Secrets of the policy's own namespace. A Secret that is
// missing or not complete refuses the sinks; no value is ever in a message.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadText } from "../../src/policy/load.ts";

const MARK = "s3cr3t-mark";

function load(annotations: string, secret: string, authentication = "") {
  return loadText(
    "p.yaml",
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata:
  name: p
  annotations: { ${annotations} }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks:
    - name: s
      sources: [m]
      target: { prometheusRemoteWrite: { endpoint: "https://mimir.example.com/api/v1/push"${authentication} } }
${secret === "" ? "" : `---\napiVersion: v1\nkind: Secret\nmetadata: { name: auth }\nstringData: ${secret}\n`}`,
    () => ({ ok: true, kind: "raw", warnings: [] }),
  );
}

const sinkOf = (result: ReturnType<typeof load>) => result.policies[0]!.sinks[0]!;

describe("a Secret that an annotation names", () => {
  test("bearer-secret: its key token", () => {
    assert.equal(sinkOf(load("outflow/bearer-secret: auth", `{ token: ${MARK} }`)).bearerToken, MARK);
  });

  test("headers-secret: each key is the name of a header", () => {
    const sink = sinkOf(load("outflow/headers-secret: auth", `{ X-Api-Key: ${MARK}, x-other: two words }`));
    assert.deepEqual(sink.secretHeaders, [
      ["x-api-key", MARK],
      ["x-other", "two words"],
    ]);
  });

  const refused: [string, string, string, string, RegExp][] = [
    ["is not there", "bearer-secret", "", "SecretNotFound", /Secret default\/auth was not found/],
    ["has no token", "bearer-secret", `{ bearer: ${MARK} }`, "InvalidAuthentication", /has no token/],
    [
      "has a token of two lines",
      "bearer-secret",
      `{ token: "${MARK}\\nx" }`,
      "InvalidAuthentication",
      /the value of token has a line break/,
    ],
    ["has no keys", "headers-secret", "{}", "InvalidAuthentication", /has no keys/],
    ["sets a protocol header", "headers-secret", `{ Content-Type: ${MARK} }`, "InvalidAuthentication", /protocol's/],
    ["has a value with a line feed", "headers-secret", `{ x-a: "${MARK}\\nb" }`, "InvalidAuthentication", /x-a/],
    ["sets a header twice", "headers-secret", `{ x-a: ${MARK}, X-A: b }`, "InvalidAuthentication", /twice/],
  ];
  for (const [name, annotation, secret, reason, message] of refused)
    test(`that ${name} refuses the sink, with its place`, () => {
      const result = load(`outflow/${annotation}: auth`, secret);
      const { refusal } = sinkOf(result);
      assert.equal(refusal?.reason, reason);
      assert.match(refusal!.message, message);
      const problem = result.problems.find((p) => p.path === `metadata.annotations.outflow/${annotation}`);
      assert.equal(problem?.place.line, 5);
      assert.doesNotMatch(JSON.stringify(result.problems) + refusal!.message, new RegExp(MARK));
    });

  test("basicAuth together with bearer-secret is a problem", () => {
    const result = load(
      "outflow/bearer-secret: auth",
      `{ token: ${MARK} }`,
      ", authentication: { basicAuth: { secretRef: { name: auth } } }",
    );
    assert.equal(result.policies.length, 0);
    assert.match(
      result.problems.map((p) => p.message).join(),
      /gives a bearer token to sinks of which spec\.sinks\[0\] has basicAuth/,
    );
  });
});
