// outflow run: the agent until a signal ends it; headless, or with the terminal UI where there is a terminal.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { applyConfigFile, runOptions, type Settings } from "../config/settings.ts";
import { systemClock } from "../platform/clock.ts";
import { type Agent, startAgent } from "./agent.ts";
import { example } from "./example.ts";
import { logOutput } from "./log-output.ts";
import { startScreen } from "./screen.ts";
import { StartError } from "./start-error.ts";
import { wantsTui } from "./terminal.ts";

export function runCommand(): Command {
  const command = new Command("run").description("run the agent");
  for (const option of runOptions()) command.addOption(option);
  command.addHelpText(
    "after",
    example(
      "outflow run --policies policies/ --source-url http://127.0.0.1:8428",
      "OUTFLOW_SOURCE_URL=http://vm:8428 outflow run --no-tui",
    ),
  );
  return command.action(async () => {
    applyConfigFile(command);
    await run(completeSettings(command.opts<Settings>()));
  });
}

/** Defaults that depend on the host, and what must be there to start. */
export function completeSettings(s: Settings): Settings & { sourceUrl: string } {
  const xdg = (name: string, fallback: string) => process.env[name] || join(homedir(), fallback);
  const usual = [join(xdg("XDG_CONFIG_HOME", ".config"), "outflow/policies"), "/etc/outflow/policies"];
  const policies = s.policies ?? usual.filter((path) => existsSync(path)).slice(0, 1);
  if (policies.length === 0)
    throw new StartError(
      `no policies: name a file or directory with --policies, or make ${usual[0]}. outflow demo shows how it looks when it works.`,
    );
  const missing = policies.find((path) => !existsSync(path));
  if (missing !== undefined) throw new StartError(`cannot read policies: ${missing} does not exist.`);
  if (s.sourceUrl === undefined)
    throw new StartError(
      "no source: name the VictoriaMetrics or Prometheus to read from with --source-url, or in OUTFLOW_SOURCE_URL.",
    );
  return {
    ...s,
    policies,
    sourceUrl: s.sourceUrl,
    enforceFilter: s.enforceFilter ?? [],
    forbidLabel: s.forbidLabel ?? [],
    stateDir: s.stateDir ?? join(xdg("XDG_STATE_HOME", ".local/state"), "outflow"),
  };
}

const LOG_END_MS = 500;

async function run(settings: Settings & { sourceUrl: string }): Promise<void> {
  const terminal = wantsTui({
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    env: process.env,
    tui: settings.tui,
    screenReader: settings.screenReader,
  });
  if (!terminal.tui && terminal.why !== undefined) process.stderr.write(`outflow: headless: ${terminal.why}\n`);
  const logFormat = settings.logFormat === "auto" ? (process.stderr.isTTY ? "text" : "json") : settings.logFormat;
  const log = logOutput(process.stderr);
  const agent = await startAgent({ settings, writeLog: terminal.tui ? undefined : log.write, logFormat });
  log.follow((state) => agent.store.dispatch({ type: "log-output", at: systemClock.now(), ...state }));
  if (!terminal.tui) process.on("SIGHUP", () => agent.reload());
  await untilStopped(agent, terminal.tui && { readOnly: settings.readOnly, screenReader: settings.screenReader });
  // What is still in a pipe that nobody reads would hold up the end of the process.
  if (!(await log.end(systemClock.sleep(LOG_END_MS)))) process.exit();
}

/**
 * Runs until SIGTERM, SIGINT, or the user quits; a second signal ends at once. With a screen SIGHUP ends too: its terminal was closed.
 * `until`: another reason to end.
 */
export async function untilStopped(
  agent: Agent,
  tui: false | { readOnly: boolean; screenReader: boolean },
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
      actions: () => (tui.readOnly ? "Nothing can be changed here: outflow runs with --read-only." : agent.actions),
      stop,
      screenReader: tui.screenReader,
    }));
  await stopped;
  await agent.stop();
  if (screen) await screen.end();
  process.off("SIGTERM", onSignal);
  process.off("SIGINT", onSignal);
  process.off("SIGHUP", onSignal);
}
