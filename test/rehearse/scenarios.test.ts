// Every scenario in fast time, with the policies of users: the account of what the source had closes, and what is lost has its cause. The
// same faults between real servers: reality.server.test.ts.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Command } from "commander";
import { queryRules } from "../../src/cli/querycheck.ts";
import { plansOf, worldOf } from "../../src/cli/rehearse/world.ts";
import { hostDefaults } from "../../src/cli/run.ts";
import { runOptions, type Settings } from "../../src/config/settings.ts";
import { loadText } from "../../src/policy/load.ts";
import { type Brought, madeUp } from "../../src/rehearse/brought.ts";
import { remedies } from "../../src/rehearse/remedies.ts";
import { rehearsalText } from "../../src/rehearse/report.ts";
import { type Outcome, rehearse } from "../../src/rehearse/run.ts";
import { scenarios } from "../../src/rehearse/scenarios.ts";
import { thinned, thinning } from "../../src/rehearse/thinning.ts";

const SETTINGS = {
  ...hostDefaults(
    runOptions()
      .reduce((command, option) => command.addOption(option), new Command())
      .parse([], { from: "user" })
      .opts<Settings>(),
  ),
  sourceUrl: "http://source",
};

const policy = (annotations: string, sinks: string) => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge, annotations: { ${annotations} } }
spec:
  sources:
    - { name: raw, metrics: { metricsql: '{job="node"}' } }
    - { name: sum, metrics: { metricsql: 'sum(up)' } }
  sinks:
${sinks}`;
const sink = (name: string, sources: string, rest = "") =>
  `    - { name: ${name}, sources: [${sources}], target: { prometheusRemoteWrite: { endpoint: "http://${name}/api/v1/write"${rest} } } }\n`;

function made(yaml: string, series = 40, k = 1, settings = SETTINGS) {
  const rules = queryRules(settings);
  const { policies, problems } = loadText("p.yaml", yaml, rules.check);
  assert.deepEqual(
    problems.filter((p) => p.severity === "problem"),
    [],
  );
  const plans = plansOf(policies, settings, rules);
  const brought = new Map<string, Brought>(
    plans.flatMap(({ sources }) =>
      sources.map(({ query }) => [
        query.sent,
        query.kind === "raw"
          ? madeUp({ series, intervalMs: 15_000, labelBytes: 200 }, 0)
          : madeUp({ series: 3, intervalMs: query.intervalMs, labelBytes: 50, onGrid: true }, 1),
      ]),
    ),
  );
  return worldOf(policies, plans, brought, settings, rules, k);
}

const named = (name: string) => scenarios.find((s) => s.name === name)!;
const play = (name: string, yaml: string, forMs = named(name).forMs) => rehearse(named(name), forMs, made(yaml));
const givenUp = ({ dropped, skipped }: Outcome) => Object.values(dropped).reduce((a, b) => a + b, 0) + skipped;

describe("outflow rehearse", () => {
  for (const onExhausted of ["drop", "hold"])
    for (const scenario of scenarios)
      test(`${scenario.name}, ${onExhausted}: what the source had is delivered, or given up and counted`, async () => {
        const forMs = Math.min(scenario.forMs, 1_800_000);
        const yaml = policy(`outflow/on-exhausted: ${onExhausted}`, sink("one", "raw") + sink("two", "raw, sum"));
        const [one, two] = await rehearse(scenario, forMs, made(yaml));
        for (const { id, had, delivered, ...o } of [one!, two!]) {
          assert.ok(delivered > 0 && o.requests > 0 && o.peakBytes > 0, `${id} did something`);
          assert.ok(
            had <= delivered + givenUp({ id, had, delivered, ...o }),
            `${id}: ${had} had, ${delivered} delivered`,
          );
          assert.ok(delivered + o.lost <= had, `${id}: ${delivered} delivered, ${o.lost} lost of ${had}`);
          assert.ok(o.caughtUpMs !== undefined, `${id} has caught up`);
        }
        // One series of the receiver's choice is lost under any policy.
        if (onExhausted === "hold" && scenario.name !== "refused-series")
          assert.deepEqual([one!.lost, two!.lost, givenUp(one!)], [0, 0, 0]);
      });

  test("an outage: drop loses, hold does not; a day of it costs an attempt each five minutes", async () => {
    const [drop] = await play("outage-1h", policy("", sink("s", "raw")));
    const [hold] = await play("outage-1h", policy("outflow/on-exhausted: hold", sink("s", "raw")));
    assert.ok(drop!.lost > 0 && drop!.dropped.exhausted! >= drop!.lost);
    assert.deepEqual([hold!.lost, hold!.repeats], [0, 0]);
    assert.ok(hold!.worstDelayMs >= 3_600_000);
    const [day] = await rehearse(
      named("outage-24h"),
      86_400_000,
      made(policy("outflow/on-exhausted: hold, outflow/max-backfill: 48h", sink("s", "raw"))),
    );
    // Five minutes between attempts, up to a fifth longer, once the backoff is at its end.
    assert.ok(day!.faultRequests >= 86_400 / 360 && day!.faultRequests <= 86_400 / 300 + 10, `${day!.faultRequests}`);
    assert.equal(day!.skipped, 0);
  });

  test("the policy's own settings decide: more attempts, a shorter backfill", async () => {
    const patient = sink("s", "raw", ", retry: { maxAttempts: 10, backoffDuration: 5s }");
    const [kept] = await play("outage-5m", policy("", patient));
    assert.equal(kept!.lost, 0);
    const short = policy("outflow/on-exhausted: hold, outflow/max-backfill: 10m", sink("s", "raw"));
    const [skipped] = await play("outage-1h", short);
    assert.ok(skipped!.skipped > 0 && skipped!.lost === skipped!.skipped);
  });

  test("repeats: what was stored and not answered comes again; after a clean restart nothing does", async () => {
    const yaml = policy("outflow/on-exhausted: hold", sink("s", "raw"));
    const [lostResponses] = await play("lost-responses", yaml);
    assert.ok(lostResponses!.repeats > 0);
    const [kill] = await play("kill", yaml);
    assert.ok(kill!.repeats > 0 && kill!.lost === 0);
    const [restart] = await play("restart", yaml);
    assert.deepEqual([restart!.repeats, restart!.lost], [0, 0]);
  });

  test("a refused series is lost alone", async () => {
    const forMs = 600_000;
    const [one] = await play("refused-series", policy("", sink("s", "raw")), forMs);
    assert.ok(one!.dropped.rejected! > 0 && one!.lost <= forMs / 15_000 + 3, `${one!.lost} of one series`);
  });

  test("thinned out it says the same: losses, delay and requests", async () => {
    const yaml = policy("", sink("s", "raw", ", batch: { maxSize: 100, timeout: 5s }"));
    const [whole] = await rehearse(named("outage-1h"), 3_600_000, made(yaml, 400));
    const [part] = await rehearse(named("outage-1h"), 3_600_000, made(yaml, 400, 10));
    const off = (a: number, b: number) => Math.abs(a - b) / b;
    assert.ok(off(part!.requests, whole!.requests) < 0.1, `${part!.requests} and ${whole!.requests} requests`);
    assert.ok(off(part!.lost * 10, whole!.lost) < 0.1, `${part!.lost} x 10 and ${whole!.lost} lost`);
    assert.ok(off(part!.medianDelayMs!, whole!.medianDelayMs!) < 0.1);
  });

  test("how much is modelled: all where it is little; batches keep their size within 2 %", () => {
    assert.equal(thinning(100_000, [500], false), 1);
    assert.equal(thinning(3_000_000, [500], true), 1);
    for (const samples of [1e6, 5e6, 2e7, 1e9])
      for (const batches of [[500], [10_000, 500], [333], [7], [500, 1]]) {
        const k = thinning(samples, batches, false);
        for (const size of batches) {
          assert.ok(k >= 1 && thinned(size, k) >= 1);
          if (size >= 300) assert.ok(Math.abs(thinned(size, k) * k - size) / size <= 0.02, `${size} / ${k}`);
        }
      }
  });

  test("the report: worst sink and scenario first, each loss with its setting and remedy, 80 columns", async () => {
    const yaml = policy(
      "",
      sink("drops", "raw") + sink("waits", "raw", ", retry: { maxAttempts: 10, backoffDuration: 5s }"),
    );
    const sinks = [named("healthy"), named("outage-5m")].map(async (s) => ({
      ...s,
      oneOf: 1,
      sinks: await rehearse(s, s.forMs, made(yaml)),
    }));
    const settings = { maxAttempts: 3, backoffMs: 5_000, onExhausted: "drop", maxBackfillMs: 86_400_000 } as const;
    const text = rehearsalText({
      from: "made up",
      scenarios: await Promise.all(sinks),
      settings: new Map(["default/edge/waits", "default/edge/drops"].map((id) => [id, settings])),
      warnings: [`${"a warning that is long ".repeat(10)}`],
    });
    const lines = text.split("\n");
    assert.deepEqual(
      lines.filter((l) => l.length > 80),
      [],
    );
    assert.ok(lines.indexOf("default/edge/drops") < lines.indexOf("default/edge/waits"));
    const first = lines.slice(lines.indexOf("default/edge/drops") + 2);
    assert.match(first[0]!, /^ {2}outage-5m /);
    assert.match(text.replace(/\n */g, " "), /on-exhausted is drop\. Set the annotation outflow\/on-exhausted: hold\./);
    assert.match(text, /\n1 sink of 2 would lose samples\.\n/);
  });

  test("each reason for a loss has a cause and a remedy; what was stored is not a loss", () => {
    const settings = { maxAttempts: 3, backoffMs: 5_000, onExhausted: "drop", maxBackfillMs: 3_600_000 } as const;
    const found = remedies({ dropped: { exhausted: 3, rejected: 1 }, skipped: 2, lost: 6 }, settings);
    assert.deepEqual(
      found.map(({ reason, samples }) => [reason, samples]),
      [
        ["exhausted", 3],
        ["rejected", 1],
        ["skipped", 2],
      ],
    );
    assert.match(found[2]!.cause, /max-backfill 1h/);
    assert.deepEqual(remedies({ dropped: { exhausted: 3 }, skipped: 0, lost: 0 }, settings), []);
  });
});
