// outflow doctor: everything between the settings and a delivered sample, tried from this host; nothing is stored anywhere. Exit 0: no
// check failed, 1: some did, 2: the command line is wrong.
import { Command, Option } from "commander";
import { applyConfigFile } from "../../config/config-file.ts";
import { duration } from "../../config/parsers.ts";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import { systemClock } from "../../platform/clock.ts";
import { placeText } from "../../platform/place.ts";
import type { LoadResult, Policy, Sink } from "../../policy/policy.ts";
import { counted } from "../../status/text/words.ts";
import { clusterPoliciesOf } from "../agent/cluster.ts";
import { type HttpClients, httpClientsOf } from "../agent/http-clients.ts";
import { planner } from "../agent/plan.ts";
import { policyFiles } from "../agent/policyfiles.ts";
import { StartError } from "../agent/start-error.ts";
import { example } from "../example.ts";
import { type QueryRules, queryRules } from "../querycheck.ts";
import { hostDefaults } from "../run.ts";
import { optionsOf } from "../run-options.ts";
import { type Finding, findingsJson, findingsText, type Noted, notes } from "./finding.ts";
import { checkHost } from "./host-check.ts";
import { checkSink } from "./sink-check.ts";
import { checkSource } from "./source-check.ts";

type Options = Settings & { output: "text" | "json"; timeout: number };

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("test every step from this host to a delivered sample, with a remedy for each problem")
    .argument("[policy/sink]", "only the sinks of this policy, or this one")
    .addOption(
      new Option("-o, --output <format>", "json has a line for each check too")
        .choices(["text", "json"])
        .default("text"),
    )
    .addOption(
      new Option("--timeout <duration>", "longest wait for one response")
        .argParser(duration({ min: 100 }))
        .default(10_000, "10s"),
    );
  for (const option of optionsOf("doctor")) command.addOption(option);
  return command
    .addHelpText(
      "after",
      example(
        "outflow doctor --policies policies/ --source-url http://127.0.0.1:8428",
        "outflow doctor --config /etc/outflow/outflow.yaml edge/cloud",
        "outflow doctor -o json | jq '.checks[] | select(.level != \"ok\")'",
      ),
    )
    .action(async (name: string | undefined) => {
      applyConfigFile(command);
      const given = command.opts<Options>();
      const findings = await examine({ ...given, ...hostDefaults(given), sendTimeout: given.timeout }, name);
      process.stdout.write(given.output === "json" ? findingsJson(findings) : findingsText(findings));
      process.exitCode = findings.some(({ level }) => level === "fail") ? 1 : 0;
    });
}

async function examine(settings: Options, name: string | undefined): Promise<Finding[]> {
  const note = notes("agent");
  // Files of credentials and certificates, proxies, filters: what a start would end with is a finding here.
  const started = <T>(check: string, start: () => T): T | undefined => {
    try {
      return start();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      note.fail(check, error.message, "Correct this setting: outflow config shows where its value comes from.");
      return undefined;
    }
  };
  const rules = started("settings", () => queryRules(settings));
  const { sourceUrl = "http://127.0.0.1" } = settings;
  const clients = started("settings", () =>
    httpClientsOf({ ...settings, sourceUrl }, process.env, (level, message) => {
      if (level === "warn") note.warn("settings", message, "Change the setting that it names.");
    }),
  );
  if (rules === undefined || clients === undefined) return note.all;
  const loaded = await policiesOf(settings, rules, note);
  notePolicies(note, loaded);
  const chosen = loaded.policies.flatMap((policy) =>
    policy.sinks.filter((sink) => isNamed(policy, sink, name)).map((sink) => ({ policy, sink })),
  );
  if (name !== undefined && chosen.length === 0)
    throw new StartError(`no policy or sink is named ${name}: outflow check lists the policies.`);
  const sinks = loaded.policies.reduce((n, p) => n + p.sinks.length, 0);
  const host = await checkHost(settings, sinks);
  const plan = planner(settings, clients.sink, systemClock, rules);
  const plans = loaded.policies.flatMap((policy) => policy.sinks.map((sink) => plan(policy, sink, 1)));
  const source =
    settings.sourceUrl === undefined
      ? noSource()
      : await checkSource({ ...settings, sourceUrl }, clients.source, plans, settings.timeout);
  await clients.source.close();
  return [...note.all, ...host, ...source, ...(await checkSinks(chosen, settings, clients, rules))];
}

async function policiesOf(settings: Options, rules: QueryRules, note: Noted): Promise<LoadResult> {
  const none: LoadResult = { policies: [], problems: [], files: [] };
  try {
    if (settings.kubernetes) return await clusterPoliciesOf(settings, rules);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    note.fail(
      "policies",
      error.message,
      "Check --kubeconfig, --context and the permissions of this user or service account.",
    );
    return none;
  }
  if (settings.policies.length > 0) return policyFiles(settings, rules.check).load();
  note.fail("policies", "no policies are named", "Name a file or directory with --policies, or use --kubernetes.");
  return none;
}

function notePolicies(note: Noted, { policies, problems }: LoadResult): void {
  for (const { severity, place, path, message } of problems) {
    if (severity === "note") continue;
    // `what is wrong; what to do`
    const at = message.lastIndexOf("; ");
    const [what, remedy] = at < 0 ? [message, "Correct it there."] : [message.slice(0, at), message.slice(at + 2)];
    note[severity === "problem" ? "fail" : "warn"](
      "policies",
      `${placeText(place)}: ${path === "" ? "" : `${path}: `}${what}`,
      remedy.charAt(0).toUpperCase() + remedy.slice(1),
    );
  }
  const sinks = policies.reduce((n, p) => n + p.sinks.length, 0);
  if (sinks > 0)
    note.ok(
      "policies",
      `${policies.length === 1 ? "1 policy" : `${policies.length} policies`} with ${counted(sinks, "sink")}`,
    );
  else if (problems.length === 0 && note.all.length === 0)
    note.fail(
      "policies",
      "no ExportPolicy was found",
      "Write one into the directory that --policies names; outflow demo shows an example.",
    );
}

const isNamed = (policy: Policy, sink: Sink, name: string | undefined): boolean => {
  const id = `${policy.namespace}/${policy.name}`;
  return name === undefined || [id, policy.name, `${id}/${sink.name}`, `${policy.name}/${sink.name}`].includes(name);
};

function noSource(): Finding[] {
  const note = notes("source");
  note.fail("settings", "no source is named", "Name the VictoriaMetrics or Prometheus to read from with --source-url.");
  return note.all;
}

/** At once. */
const CONCURRENT = 8;

async function checkSinks(
  chosen: readonly { policy: Policy; sink: Sink }[],
  settings: Options,
  clients: HttpClients,
  rules: QueryRules,
): Promise<Finding[]> {
  const found: Finding[][] = chosen.map(() => []);
  let next = 0;
  const work = async () => {
    for (let i = next++; i < chosen.length; i = next++) {
      const { policy, sink } = chosen[i]!;
      const client = clients.sink(2);
      found[i] = await checkSink(
        {
          policy,
          sink,
          planWith: (http, endpoint = sink.endpoint): SinkPlan =>
            planner(
              settings,
              () => ({ ...http, close: async () => {} }),
              systemClock,
              rules,
            )(policy, { ...sink, endpoint }, 1),
        },
        settings,
        client,
        settings.timeout,
      );
      await client.close();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
  return found.flat();
}
