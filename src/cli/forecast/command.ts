// outflow plan: what the policies will cost and do, before they run. Asks the source, sends nothing. Exit 0; 1: a policy has problems, or
// a source cannot be read; 2: the command line is wrong, or nothing can be planned.

import { Command, Option } from "commander";
import { applyConfigFile } from "../../config/config-file.ts";
import { formatDuration } from "../../config/duration.ts";
import { duration } from "../../config/parsers.ts";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { createHttpClient } from "../../http/client.ts";
import { breathe } from "../../platform/breathe.ts";
import { systemClock } from "../../platform/clock.ts";
import { problemLine } from "../../policy/load.ts";
import type { LoadResult } from "../../policy/policy.ts";
import { Delays } from "../../reading/delays.ts";
import { type Query, queryKey } from "../../reading/reader.ts";
import { sentence } from "../../status/text/words.ts";
import { clusterPoliciesOf } from "../agent/cluster.ts";
import { httpClientsOf } from "../agent/http-clients.ts";
import { planner } from "../agent/plan.ts";
import { policyFiles } from "../agent/policyfiles.ts";
import { openSource } from "../agent/source.ts";
import { StartError } from "../agent/start-error.ts";
import { tokenIn, tokenOption, urlOption } from "../attach/options.ts";
import { snapshotOf } from "../attach/snapshot.ts";
import { example } from "../example.ts";
import { queryRules } from "../querycheck.ts";
import { completeSettings, type ValueSource } from "../run.ts";
import { optionsOf } from "../run-options.ts";
import { type Cost, costOf, type Surveyed, sumOf } from "./cost.ts";
import { differences } from "./difference.ts";
import {
  batchWords,
  type Forecast,
  type IntervalForecast,
  retryWords,
  type SourceForecast,
  sinkWarnings,
  sourceWarnings,
} from "./forecast.ts";
import { widestLabels } from "./labels.ts";
import { type Survey, survey } from "./survey.ts";
import { forecastJson, forecastText } from "./text.ts";

type Options = Settings & { output: "text" | "json"; over: number; url?: string; tokenFile?: string };

export function planCommand(): Command {
  const command = new Command("plan")
    .description("estimate what policies will cost and do before they run: queries the source, sends nothing")
    .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text"))
    .addOption(
      new Option("--over <duration>", "how much of the recent past the forecast is based on")
        .argParser(duration({ min: 15_000, max: 3_600_000 }))
        .default(300_000, "5m"),
    )
    .addOption(urlOption().default(undefined))
    .addOption(tokenOption());
  for (const option of optionsOf("plan")) command.addOption(option);
  return command
    .addHelpText(
      "after",
      example(
        "outflow plan --policies policies/ --source-url http://127.0.0.1:8428",
        "outflow plan --policies new/ --source-url http://vm:8428 --url http://127.0.0.1:9469",
        "outflow plan --config outflow.yaml -o json | jq .sinks",
      ),
    )
    .action(async () => {
      applyConfigFile(command);
      const options = command.opts<Options>();
      const { forecast, ok } = await plan(options, (name) => command.getOptionValueSource(name));
      process.stdout.write(options.output === "json" ? forecastJson(forecast) : forecastText(forecast));
      process.exitCode = ok ? 0 : 1;
    });
}

const INTERVALS_MS = [5_000, 15_000, 30_000, 60_000, 300_000];
const LABELS = 5;
/** The event loop is given back this often. */
const BREATHE_MS = 10;

async function plan(options: Options, from: ValueSource): Promise<{ forecast: Forecast; ok: boolean }> {
  const settings = completeSettings(options, from);
  const rules = queryRules(settings);
  const clients = httpClientsOf(settings, process.env, (level, message) =>
    process.stderr.write(`outflow: ${level}: ${message}\n`),
  );
  const stop = new AbortController();
  const onSignal = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  try {
    const loaded = settings.kubernetes
      ? await clusterPoliciesOf(settings, rules)
      : policyFiles(settings, rules.check).load();
    const port = openSource(settings, clients.source, () => {});
    const probed = await port.probe(stop.signal);
    if (!probed.ok) throw new StartError(probed.message);
    const rest = breather();
    const surveys = new Map<string, Survey>();
    const surveyOf = async (query: Query): Promise<Survey> => {
      if (query.sent === "") return { ok: false, message: "The operator's filters cannot be enforced on it." };
      // Raw samples are the same whatever the poll interval.
      const key = queryKey(query.kind === "raw" ? { ...query, intervalMs: 0 } : query);
      const known = surveys.get(key) ?? (await survey(port, query, options.over, stop.signal));
      surveys.set(key, known);
      return known;
    };
    const plansAt = (pollInterval: number) => {
      const plan = planner({ ...settings, pollInterval }, clients.sink, systemClock, rules);
      return loaded.policies.flatMap((policy) => policy.sinks.map((sink) => plan(policy, sink, 1)));
    };
    const costsOf = async (plans: readonly SinkPlan[]): Promise<Cost[]> => {
      const costs: Cost[] = [];
      const delays = new Delays();
      delays.spreadOver(new Set(plans.flatMap(({ sources }) => sources.map(({ query }) => queryKey(query)))));
      for (const { info, sources } of plans) {
        const surveyed: Surveyed[] = [];
        for (const { query } of sources) {
          const found = await surveyOf(query);
          if (found.ok) surveyed.push({ query, survey: found });
        }
        costs.push(await costOf(surveyed, info.batch, delays, rest));
      }
      return costs;
    };
    const plans = plansAt(settings.pollInterval);
    if (plans.length === 0) throw new StartError(nothing(loaded));
    const costs = await costsOf(plans);
    const sources = await sourcesOf(plans, surveyOf, rest);
    const intervals: IntervalForecast[] = [];
    for (const ms of [...new Set([...INTERVALS_MS, settings.pollInterval])].sort((a, b) => a - b)) {
      const { activeSeries: _, ...sum } = sumOf(ms === settings.pollInterval ? costs : await costsOf(plansAt(ms)));
      intervals.push({ pollInterval: formatDuration(ms), ...sum, queriesPerMinute: queriesPerMinute(plansAt(ms)) });
    }
    return {
      forecast: {
        overSeconds: options.over / 1000,
        sources,
        sinks: plans.map((plan, i) => ({
          id: plan.info.id,
          ...costs[i]!,
          batch: batchWords(plan, costs[i]!),
          retry: retryWords(plan),
        })),
        intervals,
        ...(options.url === undefined ? {} : { difference: await differenceTo(options.url, options.tokenFile, plans) }),
        warnings: [
          ...loaded.problems.filter((p) => p.severity !== "note").map(problemLine),
          ...plans.flatMap(({ info, refusal }) => (refusal ? [`${info.id}: may not send: ${refusal.message}`] : [])),
          ...sources.flatMap(sourceWarnings),
          ...plans.flatMap((plan, i) => sinkWarnings(plan, costs[i]!)),
        ],
      },
      ok: sources.every((s) => s.ok) && !loaded.problems.some((p) => p.severity === "problem"),
    };
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    await clients.source.close();
  }
}

const nothing = ({ problems }: LoadResult): string =>
  problems.length === 0
    ? "no ExportPolicy was found: nothing to plan."
    : `nothing to plan:\n${problems.map(problemLine).join("\n")}`;

/** Each source of each policy once. */
async function sourcesOf(
  plans: readonly SinkPlan[],
  surveyOf: (query: Query) => Promise<Survey>,
  breathe: () => Promise<void>,
): Promise<SourceForecast[]> {
  const all = new Map(
    plans.flatMap(({ info, sources }) =>
      sources.map((s) => [`${info.policy}\n${s.name}`, { policy: info.policy, ...s }]),
    ),
  );
  const found: SourceForecast[] = [];
  for (const { policy, name, query } of all.values()) {
    const surveyed = await surveyOf(query);
    const who = { policy, name, kind: query.kind };
    if (!surveyed.ok) {
      found.push({ ...who, ok: false, message: surveyed.message });
      continue;
    }
    const { frame, window, sourceNow } = surveyed;
    let newest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < frame.samples; i++) newest = Math.max(newest, frame.timestamps[i]!);
    found.push({
      ...who,
      ok: true,
      series: frame.runs,
      samplesPerSecond: (frame.samples * 1000) / (window.to - window.from),
      newestAgeSeconds: frame.samples === 0 ? null : (sourceNow - newest) / 1000,
      labels: await widestLabels(frame, LABELS, breathe),
    });
  }
  return found;
}

/** Sinks that read the same share a query. */
function queriesPerMinute(plans: readonly SinkPlan[]): number {
  const queries = new Map(plans.flatMap(({ sources }) => sources.map(({ query }) => [queryKey(query), query])));
  return [...queries.values()].reduce((sum, { intervalMs }) => sum + 60_000 / intervalMs, 0);
}

async function differenceTo(url: string, tokenFile: string | undefined, plans: readonly SinkPlan[]): Promise<string[]> {
  const http = createHttpClient({ connectMs: 3_000, connections: 1 });
  try {
    const got = await snapshotOf({ url, token: tokenIn(tokenFile), http });
    if (!got.ok) throw new StartError(`no state from ${url}: ${sentence(got.why)}`);
    return differences(got.snapshot, plans);
  } finally {
    await http.close();
  }
}

function breather(): () => Promise<void> {
  let lastMs = performance.now();
  return async () => {
    if (performance.now() - lastMs < BREATHE_MS) return;
    await breathe();
    lastMs = performance.now();
  };
}
