// The alert rules, by promtool: packaging/alerts.test.yaml with its times and texts; and for each situation of docs/troubleshooting.md,
// from the metrics of that very situation, the alerts that whoever is on call should get, and no other.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import { parse, stringify } from "yaml";
import { definitions } from "../../src/admin/metrics/definitions.ts";
import { familyText } from "../../src/admin/metrics/exposition.ts";
import { droppedTotal } from "../../src/status/account.ts";
import { readyLagMs, readyOf } from "../../src/status/conditions.ts";
import { lagOf } from "../../src/status/sinks.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { tempDir } from "../servers/binary.ts";
import { needs, pathOf } from "../servers/found.ts";
import { all } from "../status/situations.ts";

const packaging = resolve(import.meta.dirname, "../../packaging");
const promtool = (...args: string[]) =>
  execFileSync(pathOf("promtool")!, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** As the situation stays for half an hour; what was counted was counted in its middle. */
function seriesOf(snapshot: Snapshot): { series: string; values: string }[] {
  const process = { residentBytes: 1, openFds: 9, cpuSeconds: 1, runtime: "bun", tableSeries: 1, apiRequests: [] };
  return definitions.flatMap((definition) =>
    familyText(definition, { s: snapshot, p: process })
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const end = line.lastIndexOf(" ");
        const [name, value] = [line.slice(0, end), line.slice(end + 1)];
        const at = name.includes("{") ? name.replace("{", '{instance="gw",') : `${name}{instance="gw"}`;
        return { series: at, values: definition.type === "counter" ? `0x14 ${value}x25` : `${value}x40` };
      }),
  );
}

/** What on-call should hear, said without PromQL. */
function wanted({ sinks, source, at }: Snapshot): string[] {
  const some = (is: (sink: Snapshot["sinks"][number]) => boolean, alert: string) => (sinks.some(is) ? [alert] : []);
  return [
    ...some((s) => readyOf(s).status === "False", "OutflowSinkNotReady"),
    ...some((s) => readyOf(s).status === "Unknown", "OutflowSinkPending"),
    ...some((s) => (lagOf(s, at) ?? 0) > 2 * readyLagMs(s), "OutflowSinkLagging"),
    ...some((s) => droppedTotal(s.account) > s.account.dropped.refused_replay, "OutflowSamplesDropped"),
    ...some((s) => s.skippedMs > 0, "OutflowTimeSkipped"),
    ...some((s) => s.lateSamples > 0, "OutflowLateSamples"),
    ...(source.health === "ok" ? [] : ["OutflowSourceDown"]),
  ].sort();
}

describe("alerts", needs("promtool"), () => {
  const dir = tempDir();
  after(() => dir.remove());
  test("packaging/alerts.test.yaml passes, and knows every alert", () => {
    const file = join(packaging, "alerts.test.yaml");
    assert.match(promtool("test", "rules", file), /SUCCESS/);
    const rules = parse(readFileSync(join(packaging, "alerts.yaml"), "utf8")) as {
      groups: { rules: { alert: string }[] }[];
    };
    const tested = readFileSync(file, "utf8");
    for (const { alert } of rules.groups.flatMap((group) => group.rules)) assert.ok(tested.includes(alert), alert);
  });
  test("each situation of troubleshooting.md", () => {
    const situations = all();
    const tests = situations.map(([title, story]) => ({
      name: title,
      interval: "1m",
      input_series: seriesOf(story.snapshot),
      promql_expr_test: [
        {
          expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: "20m",
          exp_samples: wanted(story.snapshot).map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
        },
      ],
    }));
    assert.ok(new Set(situations.flatMap(([, story]) => wanted(story.snapshot))).size >= 6, "many alerts are wanted");
    const file = join(dir.path, "situations.yaml");
    writeFileSync(file, stringify({ rule_files: [join(packaging, "alerts.yaml")], evaluation_interval: "1m", tests }));
    try {
      promtool("test", "rules", file);
    } catch (error) {
      assert.fail(String((error as { stdout?: string }).stdout));
    }
  });
});
