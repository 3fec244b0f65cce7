// outflow rehearse: the policies in fast time, through everything that can fail. Sends nothing. Exit 0: nothing would be lost; 1: something
// would, or a policy has problems; 2: the command line is wrong, or nothing can be rehearsed.
import { Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { applyConfigFile } from "../../config/config-file.ts";
import { formatDuration } from "../../config/duration.ts";
import { count, duration } from "../../config/parsers.ts";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { problemLine } from "../../policy/load.ts";
import type { LoadResult, Policy } from "../../policy/policy.ts";
import { type Brought, broughtBy, type MadeUp, madeUp } from "../../rehearse/brought.ts";
import {
  losesAny,
  type Rehearsal,
  rehearsalDocument,
  rehearsalJson,
  rehearsalText,
  scaled,
} from "../../rehearse/report.ts";
import { rehearse } from "../../rehearse/run.ts";
import { type Scenario, scenarios } from "../../rehearse/scenarios.ts";
import { thinning } from "../../rehearse/thinning.ts";
import { type LabelRules, plainRules } from "../../series/labels.ts";
import { counted, sentence, short } from "../../status/text/words.ts";
import { clusterPoliciesOf } from "../agent/cluster.ts";
import { httpClientsOf } from "../agent/http-clients.ts";
import { policyFiles } from "../agent/policyfiles.ts";
import { openSource } from "../agent/source.ts";
import { StartError } from "../agent/start-error.ts";
import { example } from "../example.ts";
import { survey } from "../forecast/survey.ts";
import { type QueryRules, queryRules } from "../querycheck.ts";
import { completeSettings, type ValueSource } from "../run.ts";
import { optionsOf } from "../run-options.ts";
import { plansOf, worldOf } from "./world.ts";

type Options = Settings & {
  output: "text" | "json" | "yaml";
  over: number;
  scenario?: string[];
  for?: number;
  series?: number;
  interval: number;
  labelBytes: number;
};

export function rehearseCommand(): Command {
  const command = new Command("rehearse")
    .description("run policies in fast time through outages and refusals: what would be lost; sends nothing")
    .addOption(new Option("-o, --output <format>", "output format").choices(["text", "json", "yaml"]).default("text"))
    .addOption(scenarioOption())
    .addOption(
      new Option("--for <duration>", "how long each fault lasts (default: set by the scenario)").argParser(
        duration({ min: 1_000, max: 7 * 86_400_000 }),
      ),
    )
    .addOption(
      new Option("--over <duration>", "how much of the source's recent past is repeated")
        .argParser(duration({ min: 15_000, max: 3_600_000 }))
        .default(300_000, "5m"),
    )
    .addOption(
      new Option("--series <n>", "do not query the source: assume this many series for each query").argParser(
        count({ max: 10_000_000 }),
      ),
    )
    .addOption(
      new Option("--interval <duration>", "with --series: time between two samples of a series")
        .argParser(duration({ min: 100, max: 3_600_000 }))
        .default(15_000, "15s"),
    )
    .addOption(
      new Option("--label-bytes <n>", "with --series: bytes of labels for each series")
        .argParser(count({ max: 65_536 }))
        .default(200),
    );
  for (const option of optionsOf("rehearse")) command.addOption(option);
  return command
    .addHelpText(
      "after",
      example(
        "outflow rehearse --policies policies/ --source-url http://127.0.0.1:8428",
        "outflow rehearse --policies new/ --series 10000 --scenario outage-24h",
        "outflow rehearse --config outflow.yaml --scenario kill --for 5m -o json",
      ),
    )
    .action(async () => {
      applyConfigFile(command);
      const options = command.opts<Options>();
      const { rehearsal, ok } = await rehearsed(options, (name) => command.getOptionValueSource(name));
      process.stdout.write(
        options.output === "json"
          ? rehearsalJson(rehearsal)
          : options.output === "yaml"
            ? stringify(rehearsalDocument(rehearsal), { lineWidth: 0 })
            : rehearsalText(rehearsal),
      );
      process.exitCode = ok && !losesAny(rehearsal) ? 0 : 1;
    });
}

function scenarioOption(): Option {
  const names = scenarios.map(({ name }) => name);
  const option = new Option("--scenario <name>", "only this one (repeatable)").argParser(
    (name: string, before: string[] = []) => {
      if (!names.includes(name)) throw new InvalidArgumentError(`Allowed choices are ${names.join(", ")}.`);
      return [...before, name];
    },
  );
  option.argChoices = names;
  return option;
}

/** Of the source nothing is asked. */
const NOT_ASKED = "http://not-asked.invalid";

async function rehearsed(options: Options, from: ValueSource): Promise<{ rehearsal: Rehearsal; ok: boolean }> {
  const settings = completeSettings(
    options.series === undefined ? options : { ...options, sourceUrl: options.sourceUrl ?? NOT_ASKED },
    from,
  );
  const rules = queryRules(settings);
  const loaded = settings.kubernetes
    ? await clusterPoliciesOf(settings, rules)
    : policyFiles(settings, rules.check).load();
  const plans = plansOf(loaded.policies, settings, rules);
  const sending = plans.filter(({ refusal }) => refusal === undefined);
  if (sending.length === 0) throw new StartError(nothing(loaded, plans));
  const { brought, origin, failed } =
    options.series === undefined
      ? await fromSource(sending, settings, options.over)
      : invented(sending, { series: options.series, intervalMs: options.interval, labelBytes: options.labelBytes });
  const chosen = scenarios.filter(({ name }) => options.scenario?.includes(name) ?? true);
  const found: Rehearsal["scenarios"] = [];
  for (const [i, scenario] of chosen.entries()) {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[Krehearsing ${scenario.name} (${i + 1} of ${chosen.length})`);
    found.push(await one(scenario, options.for ?? scenario.forMs, loaded.policies, sending, brought, settings, rules));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const bad = loaded.problems.some((p) => p.severity === "problem");
  return {
    rehearsal: {
      from: origin,
      scenarios: found,
      settings: new Map(sending.map((plan) => [plan.info.id, settingsOf(plan)])),
      warnings: [
        ...loaded.problems.filter((p) => p.severity !== "note").map(problemLine),
        ...plans.flatMap(({ info, refusal }) => (refusal ? [`${info.id}: may not send: ${refusal.message}`] : [])),
        ...failed,
      ],
    },
    ok: failed.length === 0 && !bad,
  };
}

async function one(
  scenario: Scenario,
  forMs: number,
  policies: readonly Policy[],
  plans: readonly SinkPlan[],
  brought: ReadonlyMap<string, Brought>,
  settings: Settings & { sourceUrl: string },
  rules: QueryRules,
): Promise<Rehearsal["scenarios"][number]> {
  const perMs = (plan: SinkPlan) => plan.sources.reduce((sum, { query }) => sum + rateOf(brought.get(query.sent)), 0);
  const rate = plans.reduce((sum, plan) => sum + perMs(plan), 0);
  const k = thinning(
    rate * (forMs + AROUND_MS),
    plans.map(({ info }) => info.batch.maxSize),
    scenario.exact === true,
  );
  const world = worldOf(policies, plans, brought, settings, rules, k);
  const outcomes = await rehearse(scenario, forMs, world);
  return {
    name: scenario.name,
    title: scenario.title,
    forMs,
    oneOf: k,
    sinks: outcomes.map((outcome) => {
      const plan = plans.find(({ info }) => info.id === outcome.id)!;
      const modelled = plan.sources.reduce((sum, { query }) => {
        const { periodMs, series } = world.stretches.get(query.sent)!;
        return sum + series.reduce((n, { at }) => n + at.length, 0) / periodMs;
      }, 0);
      return scaled(outcome, modelled === 0 ? 1 : perMs(plan) / modelled);
    }),
  };
}

/** A scenario lasts so much longer than its fault. */
const AROUND_MS = 600_000;

const rateOf = (brought: Brought | undefined): number =>
  brought === undefined ? 0 : brought.samples / brought.periodMs;

const settingsOf = ({ delivery, sources }: SinkPlan) => ({
  maxAttempts: delivery.maxAttempts,
  backoffMs: delivery.backoffDurationMs,
  onExhausted: delivery.onExhausted,
  maxBackfillMs: Math.min(...sources.map(({ query }) => query.maxBackfillMs)),
});

/** `origin`: of the samples, for people. */
type Sources = { brought: Map<string, Brought>; origin: string; failed: string[] };

async function fromSource(
  plans: readonly SinkPlan[],
  settings: Settings & { sourceUrl: string },
  overMs: number,
): Promise<Sources> {
  const clients = httpClientsOf(settings, process.env, (level, message) =>
    process.stderr.write(`outflow: ${level}: ${message}\n`),
  );
  const stop = new AbortController();
  const onSignal = () => process.exit(1);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  try {
    const port = openSource(settings, clients.source, () => {});
    const probed = await port.probe(stop.signal);
    if (!probed.ok)
      throw new StartError(
        `${sentence(probed.message)} Without it: outflow rehearse --series 1000 --interval 15s (what each query brings).`,
      );
    const brought = new Map<string, Brought>();
    const failed: string[] = [];
    for (const { info, sources } of plans)
      for (const { name, query } of sources) {
        if (brought.has(query.sent)) continue;
        // Labels as the source has them: the agent's rules are applied in the rehearsal.
        const found = await survey(port, { ...query, labels: AS_THEY_ARE }, overMs, stop.signal);
        if (!found.ok) failed.push(`${info.policy}, source ${name}: cannot be read: ${sentence(found.message)}`);
        else if (found.frame.samples === 0) failed.push(`${info.policy}, source ${name}: selects no series`);
        const { from, to } = found.ok ? found.window : { from: 0, to: overMs };
        brought.set(
          query.sent,
          found.ok ? broughtBy(found.frame, to, to - from) : madeUp({ ...NOTHING, intervalMs: query.intervalMs }, 0),
        );
      }
    return { brought, failed, origin: `The source's last ${formatDuration(overMs)}, repeated: ${sumOf(brought)}.` };
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
    await clients.source.close();
  }
}

/** Whatever names remote write allows. */
const AS_THEY_ARE: LabelRules = { ...plainRules, escaping: "utf8" };

const NOTHING: MadeUp = { series: 0, intervalMs: 15_000, labelBytes: 0 };

function invented(plans: readonly SinkPlan[], what: MadeUp): Sources {
  const queries = new Map(plans.flatMap(({ sources }) => sources.map(({ query }) => [query.sent, query])));
  const brought = new Map(
    [...queries.values()].map((query, i) => [
      query.sent,
      // An expression has a value at each grid time.
      madeUp(query.kind === "raw" ? what : { ...what, intervalMs: query.intervalMs, onGrid: true }, i),
    ]),
  );
  const origin = `The source was not asked (--series): ${counted(brought.size, "query").replace(/querys$/, "queries")} of ${counted(what.series, "series").replace(/seriess$/, "series")}, a sample each ${formatDuration(what.intervalMs)}.`;
  return { brought, origin, failed: [] };
}

function sumOf(brought: ReadonlyMap<string, Brought>): string {
  const all = [...brought.values()];
  const series = all.reduce((n, b) => n + b.series, 0);
  return `${short(series)} series, ${short(all.reduce((n, b) => n + rateOf(b), 0) * 1000)} samples/s`;
}

const nothing = ({ problems }: LoadResult, plans: readonly SinkPlan[]): string => {
  const why = [
    ...problems.map(problemLine),
    ...plans.flatMap(({ info, refusal }) => (refusal ? [`${info.id}: may not send: ${refusal.message}`] : [])),
  ];
  return why.length === 0
    ? "no ExportPolicy was found: nothing to rehearse."
    : `nothing to rehearse:\n${why.join("\n")}`;
};
