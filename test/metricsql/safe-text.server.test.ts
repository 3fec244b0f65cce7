// A real VictoriaMetrics answers the safe text of a query as it answers the query itself; own queries, and those of the corpus
// where it is (see corpus.test.ts). A query that the server does not
// execute proves nothing and is not counted: Debian's is older than the grammar.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { check, enforce, parse, toSafeString } from "../../src/metricsql/mod.ts";
import { needs } from "../servers/found.ts";
import { type Row, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";
import { grammatical } from "./arbitrary.ts";

const root = resolve(import.meta.dirname, "../..");
const file = join(process.env.OUTFLOW_SHARED ?? join(root, "../shared"), "metricsql/corpus/server.json");
const fromCorpus: string[] = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as { q: string; serverExec?: string }[])
      .filter((e) => e.serverExec === "ok")
      .map((e) => e.q)
  : [];
if (fromCorpus.length === 0) console.log(`metricsql: no ${file}, its queries are left out`);

const OWN = [
  "up",
  '{__name__="up",job="a"}',
  'up{job="a" or job="b"}',
  'up{job=~"a|b",instance!="2"}',
  "sum(rate(up[1m])) by (job)",
  "(-1) ^ up",
  "0 - (up ^ 2)",
  "-up ^ 2 * 3",
  "2 ^ 3 ^ 2 + up",
  "up * on(job, instance) group_left() (up + 1)",
  "up - up * 2 / 4 % 3",
  "up >bool 3 or up < 2 unless on(job) up{job='b'}",
  "(up) default 1 if up > 2 ifnot up > 4",
  "max_over_time((sum(up) by (job))[1m:10s])",
  "up offset 20s + up offset -10s",
  "up @ (end() - 30)",
  "sum_over_time(up[30s] @ start())",
  'label_set(up, "x", "a\\"b\\\\c\\nd", "y", \'é"\')',
  'label_replace(up, "z", "$1-x", "job", "(.*)")',
  'with (f(q, l) = sum(q) by (l), m = up{job="a"}) f(m, instance) + on(instance) m',
  "with (w = 30s) avg_over_time(up[w])",
  'range_median(alias(up, "other"))',
  "topk(1, up) limit 1",
  "(up, up + 100)",
  "abs(up - 3) keep_metric_names",
  "1 / 0 + up",
  "count_values('v', up) without (instance)",
  "quantile(0.5, up) by (job)",
];

const START = Math.floor(Date.now() / 60_000) * 60 - 600; // seconds
const STEP = 10;
const RANDOM = ["rand", "rand_normal", "rand_exponential", "now"];

/** Series that the selectors of a query select, by their equalities. */
function seriesFor(query: string): Record<string, string>[] {
  const c = check(query);
  const groups = c.ok ? c.selectors.flatMap((s) => s.groups) : [];
  return groups.map((g) =>
    Object.fromEntries([
      ["__name__", "any"],
      ...g.filter((f) => f.op === "=" && f.value !== "").map((f) => [f.label, f.value]),
    ]),
  );
}

describe("the safe text of a query", () => {
  let vm: VictoriaMetrics;

  before(async () => {
    if (needs("victoria-metrics").skip) return;
    vm = await startVictoriaMetrics();
    await fill();
  });
  after(() => vm?.remove());

  async function fill(): Promise<void> {
    const own = ["a", "b"].flatMap((job) => ["1", "2", "3"].map((instance) => ({ __name__: "up", job, instance })));
    const rows: Row[] = [...own, ...fromCorpus.flatMap(seriesFor)].map((labels, n) => ({
      labels,
      samples: Array.from({ length: 60 }, (_, i): [number, number] => [
        (START + i * STEP) * 1000,
        ((n * 7 + i * 3) % 11) + n / 4,
      ]),
    }));
    await vm.import(rows);
    await fetch(`${vm.url}/internal/force_flush`);
  }

  /** Some queries crash an old server. */
  async function answer(query: string): Promise<string> {
    try {
      return await ask(query);
    } catch {
      await vm.stop();
      await vm.start();
      await fill();
      return "refused";
    }
  }

  async function ask(query: string): Promise<string> {
    const body = new URLSearchParams({
      query,
      start: String(START + 120),
      end: String(START + 500),
      step: `${STEP}s`,
      nocache: "1",
    });
    const json = (await (await fetch(`${vm.url}/api/v1/query_range`, { method: "POST", body })).json()) as {
      status: string;
      data?: { result: { metric: object; values: [number, string][] }[] };
    };
    if (json.status !== "success") return "refused";
    // Sums over series are taken in no fixed order: their last digits differ from one answer to the next.
    const rounded = ([ts, v]: [number, string]) => [ts, Number.isFinite(Number(v)) ? Number(v).toPrecision(9) : v];
    return json
      .data!.result.map(({ metric, values }) => JSON.stringify([metric, values.map(rounded)]))
      .sort()
      .join("\n");
  }

  test("has the same answer", needs("victoria-metrics"), async () => {
    let executed = 0;
    let withSeries = 0;
    for (const query of [...OWN, ...fromCorpus]) {
      const c = check(query);
      assert.ok(c.ok, query);
      if (c.functions.some((f) => RANDOM.includes(f))) continue;
      const safe = toSafeString(parse(query, { fold: false }));
      const want = await answer(query);
      if (want === "refused") continue; // too new for this server
      const got = await answer(safe);
      assert.ok(got === want, `${query}\n${safe}\n${got.slice(0, 500)}\n${want.slice(0, 500)}`);
      executed++;
      if (want !== "") withSeries++;
    }
    console.log(`safe text: ${executed} queries executed, ${withSeries} of them with series in the answer`);
    assert.ok(executed >= OWN.length * 0.8, `${executed} executed`);
    assert.ok(withSeries >= OWN.length * 0.7, `${withSeries} with series`);
  });

  test("with a filter enforced answers as if there were no other series", needs("victoria-metrics"), async () => {
    const filter = { label: "job", op: "=", value: "a" } as const;
    for (const query of [
      "up",
      "sum(up)",
      "up + on(instance) group_right() up",
      "max_over_time(sum(up)[1m:10s])",
      "up or {job='b'}",
    ]) {
      const enforced = await answer(enforce(query, [filter]).query);
      assert.ok(!enforced.includes('"job":"b"'), query);
      assert.notEqual(enforced, "refused", query);
    }
    const { query } = enforce("sum(up)", [filter]);
    assert.equal(await answer(query), await answer('sum(up{job="a"})'));
    assert.notEqual(await answer(query), await answer("sum(up)"));
    assert.equal(parse(query).kind, "aggrfunc");
  });

  test(
    "what is sent of random queries without a hazard leaves the server running",
    needs("victoria-metrics"),
    async () => {
      let asked = 0;
      for (const query of fc.sample(grammatical, { numRuns: 3_000, seed: 20261127 })) {
        const c = check(query, { fold: false });
        if (!c.ok || c.hazards.length > 0) continue;
        const text = toSafeString(c.expr);
        const body = new URLSearchParams({ query: text, time: String(START + 300) });
        const response = await fetch(`${vm.url}/api/v1/query`, { method: "POST", body }).catch((error) =>
          assert.fail(`${text} ended the server: ${error}`),
        );
        await response.text();
        asked++;
      }
      assert.ok(asked > 1_500, `${asked} asked`);
    },
  );
});
