// outflow replay: a time range from the source, or dead letters, delivered again as the agent delivers. Prints the account.
// Exit 0: everything was delivered. 1: something was dropped, or it stopped; the same command continues there. 2: usage.
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { applyConfigFile } from "../../config/config-file.ts";
import type { Settings } from "../../config/settings.ts";
import { sinkFolders } from "../../deadletter/folder.ts";
import { replay } from "../../exporter/replay.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { type EpochMs, systemClock } from "../../platform/clock.ts";
import { systemRandom } from "../../platform/random.ts";
import { problemLine } from "../../policy/load.ts";
import type { LoadResult, Policy } from "../../policy/policy.ts";
import type { SourcePort } from "../../reading/source-port.ts";
import { gridFloor } from "../../source/window.ts";
import { droppedTotal } from "../../status/account.ts";
import { dropReasons, type SinkId } from "../../status/events.ts";
import { sinkOf } from "../../status/sinks.ts";
import { StatusStore } from "../../status/store.ts";
import { count, counted, instant } from "../../status/text/words.ts";
import { clusterPoliciesOf } from "../agent/cluster.ts";
import { type HttpClients, httpClientsOf } from "../agent/http-clients.ts";
import { planner } from "../agent/plan.ts";
import { policyFiles } from "../agent/policyfiles.ts";
import { openSource } from "../agent/source.ts";
import { StartError } from "../agent/start-error.ts";
import { example } from "../example.ts";
import { type QueryRules, queryRules } from "../querycheck.ts";
import { completeSettings, type ValueSource } from "../run.ts";
import { optionsOf } from "../run-options.ts";
import { replayLetters } from "./letters.ts";
import { replayNotice } from "./notice.ts";
import { Progress } from "./progress.ts";
import { resumeFile } from "./resume.ts";
import { parseTime } from "./times.ts";

type Options = Settings & {
  policy?: string;
  sink?: string;
  source?: string;
  from?: EpochMs;
  to?: EpochMs;
  deadLetters?: string;
  maxRate?: number;
  dryRun?: boolean;
};

export function replayCommand(): Command {
  const command = new Command("replay").description(
    "deliver a time range, or dead letters, to a policy's sinks again; if it stops, the same command continues",
  );
  command
    .option("--policy <policy>", "name or namespace/name of a policy in --policies; or a policy file")
    .option("--sink <name>", "one of its sinks (default: all)")
    .option("--source <name>", "one of the sink's sources (default: all)")
    .addOption(
      new Option("--from <time>", "2026-11-25T02:00:00Z, seconds since the epoch, or 2h ago as 2h").argParser(time),
    )
    .addOption(new Option("--to <time>", "end of the time range, inclusive (the start is exclusive)").argParser(time))
    .option("--dead-letters <dir>", "deliver the files of --dead-letter-dir, and remove those that were accepted")
    .addOption(new Option("--max-rate <samples>", "samples a second").argParser(rate))
    .option("--dry-run", "read and count, deliver nothing");
  for (const option of optionsOf("replay")) command.addOption(option);
  command.addHelpText(
    "after",
    example(
      "outflow replay --policies policies/ --source-url http://vm:8428 --policy default/edge --sink vm --from 2026-11-25T02:00:00Z --to 2026-11-25T02:05:00Z",
      "outflow replay --policies policies/ --dead-letters /var/lib/outflow/dead-letters",
    ),
  );
  return command.action(async () => {
    applyConfigFile(command);
    const options = command.opts<Options>();
    const letters = options.deadLetters;
    if (
      letters === undefined &&
      (options.policy === undefined || options.from === undefined || options.to === undefined)
    )
      throw new StartError(
        "specify what to replay: --policy, --from and --to, or --dead-letters. outflow replay --help has examples.",
      );
    process.exitCode = (await run(options, letters, (name) => command.getOptionValueSource(name))) ? 0 : 1;
  });
}

function time(text: string): EpochMs {
  const at = parseTime(text, systemClock.now());
  if (at === undefined)
    throw new InvalidArgumentError(
      `"${text}" is not a valid time; write for example 2026-11-25T02:00:00Z, 1795572000, now, or 2h for two hours ago.`,
    );
  return at;
}

function rate(text: string): number {
  const n = Number(text);
  if (!(n > 0) || !Number.isFinite(n))
    throw new InvalidArgumentError(`"${text}" is not a valid number of samples a second; write for example 20000.`);
  return n;
}

async function run(options: Options, letters: string | undefined, source: ValueSource): Promise<boolean> {
  const fromFile = options.policy !== undefined && options.policies === undefined && existsSync(options.policy);
  const settings = completeSettings(
    {
      ...(letters === undefined ? {} : { sourceUrl: "http://127.0.0.1" }), // dead letters need no source
      ...options,
      ...(fromFile ? { policies: [options.policy!] } : {}),
      // A range is evaluated at times that are long past.
      evalDelay: 0,
      settle: 0,
    } as Settings,
    source,
  );
  const stop = new AbortController();
  const onSignal = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const rules = queryRules(settings);
  const clients = httpClientsOf(settings, process.env, (level, message) =>
    process.stderr.write(`outflow: ${level}: ${message}\n`),
  );
  try {
    const wanted = fromFile ? undefined : options.policy;
    const loaded = settings.kubernetes
      ? await clusterPoliciesOf(settings, rules)
      : policyFiles(settings, rules.check).load();
    const chosen = choose(loaded, settings, rules, clients, wanted, options.sink);
    return letters === undefined
      ? await replayRange(
          chosen,
          openSource.bind(null, settings, clients.source),
          settings.stateDir,
          options,
          stop.signal,
        )
      : await replayFolders(chosen, resolve(letters), { ...options, nameEscaping: settings.nameEscaping }, stop.signal);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    await clients.source.close();
  }
}

/** The plans of the chosen sinks, as the agent makes them. */
function choose(
  loaded: LoadResult,
  settings: Settings,
  rules: QueryRules,
  clients: HttpClients,
  policy: string | undefined,
  sink: string | undefined,
): SinkPlan[] {
  for (const problem of loaded.problems)
    if (problem.severity === "problem") process.stderr.write(`${problemLine(problem)}\n`);
  const name = (p: Policy) => `${p.namespace}/${p.name}`;
  const policies = loaded.policies.filter((p) => policy === undefined || policy === name(p) || policy === p.name);
  if (policies.length === 0)
    throw new StartError(
      `no policy ${policy ?? ""} is valid; there ${loaded.policies.length === 1 ? "is" : "are"}: ${loaded.policies.map(name).join(", ") || "none"}.`,
    );
  const plan = planner(settings, clients.sink, systemClock, rules);
  const plans = policies.flatMap((p) =>
    p.sinks.filter((s) => sink === undefined || s.name === sink).map((s) => plan(p, s, p.generation ?? 1)),
  );
  if (plans.length === 0)
    throw new StartError(
      `no sink ${sink} in ${policies.map(name).join(", ")}; there are: ${policies.flatMap((p) => p.sinks.map((s) => s.name)).join(", ")}.`,
    );
  const refused = plans.find((p) => p.refusal !== undefined);
  if (refused !== undefined) throw new StartError(`${refused.info.id} cannot send: ${refused.refusal!.message}`);
  return plans;
}

async function replayRange(
  plans: readonly SinkPlan[],
  open: (dispatch: StatusStore["dispatch"]) => SourcePort,
  stateDir: string,
  options: Options,
  signal: AbortSignal,
): Promise<boolean> {
  const store = new StatusStore();
  const dispatch = store.dispatch.bind(store);
  const source = open(dispatch);
  const probe = await source.probe(signal);
  if (!probe.ok) throw new StartError(probe.message);
  const to = Math.min(options.to!, source.now() ?? systemClock.now());
  const from = options.from!;
  if (from >= to) throw new StartError(`nothing to replay: --from ${instant(from)} is not before --to ${instant(to)}.`);
  let well = true;
  for (const plan of plans) {
    const { id } = plan.info;
    const sources = plan.sources.filter((s) => options.source === undefined || s.name === options.source);
    if (sources.length === 0)
      throw new StartError(
        `no source ${options.source} at ${id}; there are: ${plan.sources.map((s) => s.name).join(", ")}.`,
      );
    dispatch({ type: "sink-started", at: systemClock.now(), sink: plan.info });
    const resume = resumeFile(
      stateDir,
      [id, plan.info.endpoint, from, options.to, sources.map((s) => s.query)],
      (message) => void process.stderr.write(`outflow: ${message}\n`),
    );
    if (!options.dryRun) resume.open();
    const ends = sources.map(({ name, query }) => {
      const end = query.kind === "raw" ? to : gridFloor(to, query.intervalMs);
      const saved = options.dryRun ? undefined : resume.cursor(name);
      if (saved !== undefined) process.stdout.write(`${id}: continues with source ${name} after ${instant(saved)}.\n`);
      return { name, query: { ...query, lateWindowMs: 0 }, from: Math.max(from, saved ?? from), to: end };
    });
    if (!options.dryRun)
      for (const line of replayNotice(id, { from, to }, source.now() ?? systemClock.now()))
        process.stderr.write(`outflow: ${line}\n`);
    const progress = new Progress(process.stderr, () => systemClock.monotonicMs());
    const length = ends.length * (to - from);
    let samples = 0;
    const result = await replay(plan, ends, { maxRate: options.maxRate, dryRun: options.dryRun === true }, signal, {
      clock: systemClock,
      random: systemRandom,
      dispatch,
      read: (...read) => source.readWindow(...read),
      memory: (query, floor) => source.restore(query, new Uint8Array(0), floor),
      settled: (name, cursor) => resume.moved(name, cursor),
      progress: (seen) => {
        samples += seen.samples;
        const index = ends.findIndex((s) => s.name === seen.source);
        progress.show({ name: id, done: (index * (to - from) + (seen.to - from)) / length, samples });
      },
    });
    progress.end();
    if (result.ok && !options.dryRun) resume.done();
    if (!result.ok) process.stderr.write(`outflow: ${id}: ${result.why} The same command continues from there.\n`);
    const clean = account(store, id, options.dryRun === true);
    well &&= result.ok && clean;
    if (signal.aborted) break;
  }
  return well;
}

async function replayFolders(
  plans: readonly SinkPlan[],
  dir: string,
  options: Options,
  signal: AbortSignal,
): Promise<boolean> {
  const store = new StatusStore();
  const folders = foldersAt(dir);
  if (folders.length === 0) throw new StartError(`no dead letters in ${dir}: no folder of a sink is there.`);
  let well = true;
  for (const { sink, folder } of folders) {
    const plan = plans.find((p) => p.info.id === sink);
    if (plan === undefined) {
      if (options.sink === undefined && options.policy === undefined) {
        process.stderr.write(`outflow: ${sink}: no policy has this sink; its dead letters are kept.\n`);
        well = false;
      }
      continue;
    }
    store.dispatch({ type: "sink-started", at: systemClock.now(), sink: plan.info });
    const progress = new Progress(process.stderr, () => systemClock.monotonicMs());
    let samples = 0;
    const result = await replayLetters(
      plan,
      folder,
      { maxRate: options.maxRate, dryRun: options.dryRun === true, escaping: options.nameEscaping },
      signal,
      {
        clock: systemClock,
        random: systemRandom,
        dispatch: store.dispatch.bind(store),
        dropped: () => droppedTotal(sinkOf(store.snapshot, sink)!.account),
        progress: (n, done) => {
          samples += n;
          progress.show({ name: sink, done, samples });
        },
        say: (text) => void process.stderr.write(`outflow: ${sink}: ${text}\n`),
      },
    );
    progress.end();
    if (!result.ok) process.stderr.write(`outflow: ${sink}: ${result.why} What was not delivered is kept.\n`);
    const clean = account(store, sink, options.dryRun === true);
    well &&= result.ok && result.kept === 0 && clean;
    if (signal.aborted) break;
  }
  return well;
}

/** DIR is the whole folder, or that of one sink in it. */
function foldersAt(dir: string): { sink: string; folder: string }[] {
  const all = sinkFolders(dir);
  if (all.length > 0) return all;
  const root = dirname(dirname(dirname(dir)));
  return sinkFolders(root).filter(
    ({ folder }) => folder === join(root, ...dir.split("/").slice(-3)) && basename(dir) !== "",
  );
}

/** Prints what became of everything that was read; true if all of it was delivered. */
function account(store: StatusStore, id: SinkId, dryRun: boolean): boolean {
  const { account: a } = sinkOf(store.snapshot, id)!;
  if (dryRun) {
    process.stdout.write(`${id}: ${counted(a.read, "sample")} would be delivered. Nothing was sent (--dry-run).\n`);
    return true;
  }
  const dropped = droppedTotal(a);
  const reasons = dropReasons.filter((r) => a.dropped[r] > 0).map((r) => `${r} ${count(a.dropped[r])}`);
  process.stdout.write(
    `${id}: read ${count(a.read)} = delivered ${count(a.delivered)} + dropped ${count(dropped)}${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""} + returned ${count(a.returned)} + pending ${count(a.pending)}\n`,
  );
  return dropped === 0;
}
