// Annotations: each has its field, its bounds and its answer to what cannot be.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { annotationNames, type PolicySettings, policySettings } from "../../src/policy/annotations.ts";

const valid: [string, string, PolicySettings][] = [
  ["outflow/poll-interval", "30s", { pollIntervalMs: 30_000 }],
  ["outflow/settle", "0", { settleMs: 0 }],
  ["outflow/late-window", "1m30s", { lateWindowMs: 90_000 }],
  ["outflow/eval-delay", "1m", { evalDelayMs: 60_000 }],
  ["outflow/max-window", "1h", { maxWindowMs: 3_600_000 }],
  ["outflow/max-backfill", "72h", { maxBackfillMs: 259_200_000 }],
  ["outflow/start", "now", { startBackMs: 0 }],
  ["outflow/start", "10m", { startBackMs: 600_000 }],
  ["outflow/on-exhausted", "hold", { onExhausted: "hold" }],
  ["outflow/max-concurrency", "4", { maxConcurrency: 4 }],
  [
    "outflow/external-labels",
    "site=a 1, region=eu",
    {
      externalLabels: [
        ["region", "eu"],
        ["site", "a 1"],
      ],
    },
  ],
  ["outflow/bearer-secret", "mimir-token", { bearerSecret: "mimir-token" }],
  ["outflow/headers-secret", "mimir.headers", { headersSecret: "mimir.headers" }],
  ["outflow/header-x-scope-orgid", "team-a", { headers: [["x-scope-orgid", "team-a"]] }],
  ["outflow/header-X-Scope-OrgID", "team a", { headers: [["x-scope-orgid", "team a"]] }],
  ["example.com/owner", "somebody", {}],
];

const invalid: [string, string, RegExp][] = [
  ["outflow/poll-interval", "500ms", /at least 1s/],
  ["outflow/poll-interval", "2h", /at most 1h/],
  ["outflow/poll-interval", "now", /not a valid duration/],
  ["outflow/settle", "-5s", /not a valid duration/],
  ["outflow/late-window", "61m", /at most 1h/],
  ["outflow/eval-delay", "", /not a valid duration/],
  ["outflow/max-window", "1ms", /at least 1s/],
  ["outflow/max-backfill", "0", /at least 1s/],
  ["outflow/start", "yesterday", /or "now"/],
  ["outflow/on-exhausted", "keep", /drop or hold/],
  ["outflow/max-concurrency", "0", /1 to 64/],
  ["outflow/max-concurrency", "65", /1 to 64/],
  ["outflow/external-labels", "region", /region=eu/],
  ["outflow/external-labels", "region=", /region=eu/],
  ["outflow/external-labels", "__name__=x", /region=eu/],
  ["outflow/external-labels", "a=1,a=2", /twice/],
  ["outflow/bearer-secret", "/etc/token", /name of a Secret/],
  ["outflow/headers-secret", "", /name of a Secret/],
  ["outflow/header-x-scope-orgid", "a\nb", /one line of printable ASCII/],
  ["outflow/header-", "a", /not a valid header name/],
  ["outflow/header-user-agent", "a/1", /the protocol's/],
  ["outflow/header-content-type", "a", /the protocol's/],
  ["outflow/header-content-encoding", "gzip", /the protocol's/],
  ["outflow/header-x-prometheus-remote-write-version", "2.0.0", /the protocol's/],
  ["outflow/header-host", "a", /the connection's/],
  ["outflow/header-content-length", "1", /the connection's/],
  ["outflow/header-transfer-encoding", "chunked", /the connection's/],
  ["outflow/header-connection", "close", /the connection's/],
  ["outflow/header-authorization", "Basic eA==", /put it into a Secret/],
  ["outflow/header-x-api-key", "a", /put it into a Secret/],
  ["outflow/setle", "5s", /did you mean "outflow\/settle"/],
  ["outflow/enforce-filter", "{a=1}", /unknown annotation/],
  ["outflow/constructor", "x", /unknown annotation/],
];

describe("policySettings()", () => {
  for (const [key, text, settings] of valid)
    test(`${key}: ${text}`, () =>
      assert.deepEqual(policySettings({ [key]: text }, undefined), { settings, problems: [] }));

  for (const [key, text, message] of invalid) {
    test(`${key}: ${text} is a problem`, () => {
      const { settings, problems } = policySettings({ [key]: text }, undefined);
      assert.deepEqual(settings, {});
      assert.deepEqual(
        problems.map((p) => [p.key, p.severity]),
        [[key, "problem"]],
      );
      assert.match(problems[0]!.message, message);
    });
  }

  test("every annotation has a valid and an invalid case here", () => {
    for (const name of annotationNames) {
      assert.ok(
        valid.some(([key]) => key === name),
        name,
      );
      assert.ok(
        invalid.some(([key]) => key === name),
        name,
      );
    }
  });

  test("the agent's own limits hold, with a warning", () => {
    const limits = { maxWindowMs: 300_000, maxBackfillMs: 3_600_000, maxConcurrency: 2 };
    const { settings, problems } = policySettings(
      {
        "outflow/max-window": "10m",
        "outflow/max-backfill": "30m",
        "outflow/max-concurrency": "8",
      },
      limits,
    );
    assert.deepEqual(settings, { maxWindowMs: 300_000, maxBackfillMs: 1_800_000, maxConcurrency: 2 });
    assert.deepEqual(
      problems.map((p) => [p.key, p.severity]),
      [
        ["outflow/max-window", "warning"],
        ["outflow/max-concurrency", "warning"],
      ],
    );
  });
});
