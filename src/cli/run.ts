// outflow run: the agent until a signal ends it; headless, or with the terminal UI where there is a terminal. With --check: everything
// but running.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { applyConfigFile } from "../config/config-file.ts";
import { type OperatorSource, operatorSource } from "../config/operator-variables.ts";
import { url } from "../config/parsers.ts";
import { runOptions, type Settings, type Theme } from "../config/settings.ts";
import { systemClock } from "../platform/clock.ts";
import { home } from "../platform/home.ts";
import { policyPath } from "../policy/paths.ts";
import { type Agent, startAgent } from "./agent/agent.ts";
import { StartError } from "./agent/start-error.ts";
import { example } from "./example.ts";
import { logOutput } from "./log-output.ts";
import { checkStart } from "./run-check.ts";
import { startScreen } from "./screen.ts";
import { wantsTui } from "./terminal.ts";
import { warnOfVariables } from "./variables.ts";

export function runCommand(): Command {
  const command = new Command("run").description("run the agent");
  const [policies, ...others] = runOptions();
  command.addOption(policies!);
  command.addOption(
    new Option(
      "--check",
      "check settings, files, policies, secrets, state directory and port, then exit with 0 or 2",
    ).helpGroup(policies!.helpGroupHeading!),
  );
  for (const option of others) command.addOption(option);
  command.addHelpText(
    "after",
    example(
      "outflow run --policies policies/ --source-url http://127.0.0.1:8428",
      "OUTFLOW_SOURCE_URL=http://vm:8428 outflow run --no-tui",
      "outflow run --config /etc/outflow/outflow.yaml --check",
    ),
  );
  return command.action(async () => {
    applyConfigFile(command);
    warnOfVariables();
    const options = command.opts<Settings & { check?: boolean }>();
    const settings = completeSettings(options);
    if (options.check) await checkStart(settings);
    else await run(settings);
  });
}

const xdg = (name: string, fallback: string): string => process.env[name] || join(home(), fallback);
const usualPolicies = (): string[] => [
  join(xdg("XDG_CONFIG_HOME", ".config"), "outflow/policies"),
  "/etc/outflow/policies",
];

const credentialsOf = ({ sourceUsername, sourcePassword }: OperatorSource) => ({
  ...(sourceUsername === undefined ? {} : { sourceUsername }),
  ...(sourcePassword === undefined ? {} : { sourcePassword }),
});

/** What a project of Milo may see: its own data, whatever its policies say. */
const PROJECT_LABEL = "resourcemanager_datumapis_com_project_name";
const PROJECT_FILTER = `{${PROJECT_LABEL}="{project}"}`;

/** With defaults: those that depend on the host, and those of settings that the command does not take. */
export function hostDefaults(given: Settings): Settings {
  const s = { ...defaults(), ...given };
  const operator = operatorSource(process.env);
  // Its credentials are for its source.
  const ofOperator = s.sourceUrl === undefined && operator.sourceUrl !== undefined;
  return {
    ...s,
    ...(ofOperator ? { sourceUrl: url(operator.sourceUrl!) } : {}),
    ...(ofOperator && s.sourceUsername === undefined && s.sourceBearerFile === undefined
      ? credentialsOf(operator)
      : {}),
    policies: s.policies ?? (s.kubernetes ? [] : usualPolicies().filter(existsSync).slice(0, 1)),
    enforceFilter: [...(s.enforceFilter ?? []), ...(s.milo === "off" ? [] : [PROJECT_FILTER])],
    forbidLabel: [...(s.forbidLabel ?? []), ...(s.milo === "off" ? [] : [PROJECT_LABEL])],
    stateDir: s.stateDir ?? join(xdg("XDG_STATE_HOME", ".local/state"), "outflow"),
  };
}

const defaults = (): Partial<Settings> =>
  Object.fromEntries(
    runOptions().flatMap((o) => (o.defaultValue === undefined ? [] : [[o.attributeName(), o.defaultValue]])),
  );

/** Where a setting came from, as commander names it. */
export type ValueSource = (name: string) => string | undefined;

/** With what depends on the host; throws StartError where something that is needed is not there. */
export function completeSettings(given: Settings, from: ValueSource = () => "cli"): Settings & { sourceUrl: string } {
  const s = hostDefaults(given);
  if (s.kubernetes && s.policies.length > 0)
    throw new StartError("--kubernetes and --policies: policies come from the API server or from files, choose one.");
  // A fleet in Kubernetes reaches the API server too, wherever its policies come from. A command that takes no --fleet may share its file
  // and variables with a run that does.
  const forFleet = (name: string) =>
    /^(kubeconfig|context)$/.test(name) && ("fleet" in given ? given.fleet === "kubernetes" : from(name) !== "cli");
  const own = (["kubeconfig", "context", "namespace", "milo", "adopt"] as const).find(
    (name) => !forFleet(name) && ![undefined, false, "off"].includes(s[name] as string),
  );
  if (!s.kubernetes && own !== undefined)
    throw new StartError(`--${own} requires --kubernetes: add it, or remove --${own}.`);
  if (s.policies.length === 0 && !s.kubernetes)
    throw new StartError(
      `no policies: name a file or directory with --policies, or create ${usualPolicies()[0]}. outflow demo shows a working example.`,
    );
  const missing = s.policies.map((text) => policyPath(text).path).find((path) => !existsSync(path));
  if (missing !== undefined) throw new StartError(`cannot read policies: ${missing} does not exist.`);
  if (s.sourceUrl === undefined)
    throw new StartError(
      "no source: name the VictoriaMetrics or Prometheus to read from with --source-url or OUTFLOW_SOURCE_URL.",
    );
  return { ...s, sourceUrl: s.sourceUrl };
}

const LOG_END_MS = 500;

async function run(settings: Settings & { sourceUrl: string }): Promise<void> {
  const terminal = wantsTui({
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    env: process.env,
    tui: !settings.noTui,
    screenReader: settings.screenReader,
  });
  if (!terminal.tui && terminal.why !== undefined) process.stderr.write(`outflow: headless: ${terminal.why}\n`);
  const logFormat = settings.logFormat === "auto" ? (process.stderr.isTTY ? "text" : "json") : settings.logFormat;
  const log = logOutput(process.stderr);
  const agent = await startAgent({ settings, writeLog: terminal.tui ? undefined : log.write, logFormat });
  log.follow((state) => agent.store.dispatch({ type: "log-output", at: systemClock.now(), ...state }));
  if (!terminal.tui) process.on("SIGHUP", () => agent.reload());
  const { readOnly, screenReader, theme } = settings;
  await untilStopped(agent, terminal.tui && { readOnly, screenReader, theme });
  // What is still in a pipe that nobody reads would hold up the end of the process.
  if (!(await log.end(systemClock.sleep(LOG_END_MS)))) process.exit();
}

/**
 * Runs until SIGTERM, SIGINT, or the user quits; a second signal ends at once. With a screen SIGHUP ends too: its terminal was closed.
 * `until`: another reason to end.
 */
export async function untilStopped(
  agent: Agent,
  tui: false | { readOnly: boolean; screenReader: boolean; theme?: Theme | undefined; hint?: boolean },
  until?: Promise<void>,
): Promise<void> {
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let signals = 0;
  const onSignal = () => {
    signals++;
    if (signals === 1) return stop();
    agent.abort();
    process.exit(1);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  if (tui) process.on("SIGHUP", onSignal);
  void until?.then(stop);
  const screen =
    tui &&
    (await startScreen({
      store: agent.store,
      actions: () => (tui.readOnly ? "Actions are disabled: outflow runs with --read-only." : agent.actions),
      stop,
      screenReader: tui.screenReader,
      theme: tui.theme,
      ...(tui.hint === undefined ? {} : { hint: tui.hint }),
    }));
  await stopped;
  await agent.stop();
  if (screen) await screen.end();
  process.off("SIGTERM", onSignal);
  process.off("SIGINT", onSignal);
  process.off("SIGHUP", onSignal);
}
