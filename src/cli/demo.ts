// outflow demo: the real agent between two embedded ends, nothing to install.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import policyTemplate from "../../policies/demo.yaml" with { type: "text" };
import { booleanVariable, duration } from "../config/parsers.ts";
import { runOptions, type Settings, type Theme, themeOption } from "../config/settings.ts";
import { demoSummary, startDemo } from "../demo/demo.ts";
import { systemClock } from "../platform/clock.ts";
import { loadText } from "../policy/load.ts";
import { startAgent } from "./agent/agent.ts";
import { example } from "./example.ts";
import { queryRules, selectorOf } from "./querycheck.ts";
import { untilStopped } from "./run.ts";
import { wantsTui } from "./terminal.ts";

export function demoCommand(): Command {
  return new Command("demo")
    .description("see it work: an embedded source, the agent, embedded sinks that misbehave now and then")
    .addOption(new Option("--for <duration>", "exit after this long").argParser(duration({ min: 1 })))
    .option("--no-tui", "run headless")
    .addOption(themeOption())
    .addHelpText("after", example("outflow demo --for 20s", "outflow demo --no-tui"))
    .action((options: DemoOptions) => demo(options));
}

type DemoOptions = { for?: number; tui: boolean; theme?: Theme };

async function demo(options: DemoOptions): Promise<void> {
  const terminal = wantsTui({
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    env: process.env,
    tui: options.tui,
  });
  if (!terminal.tui && terminal.why !== undefined) process.stderr.write(`outflow: headless: ${terminal.why}\n`);
  const stateDir = mkdtempSync(join(tmpdir(), "outflow-demo-"));
  const ends = await startDemo(systemClock, policyTemplate, selectorOf);
  const settings: Settings & { sourceUrl: string } = {
    ...defaults(),
    sourceUrl: ends.sourceUrl,
    stateDir,
    listen: "off",
    proxy: "off", // both ends are in this process
    sourceProxy: "off",
    pollInterval: 1_000,
    settle: 1_000,
    // A minute is short: what is behind shows soon. Not as soon that a slow machine is taken for a slow sink.
    readyLag: 12_000,
    maxWindow: 5_000, // and how fast it catches up
    lateWindow: 2_000, // the embedded source shows every sample at once
    noTui: !options.tui,
    drainTimeout: 2_000,
  };
  const { check: checkQuery } = queryRules(settings);
  const agent = await startAgent({
    settings,
    load: () => loadText("policies/demo.yaml", ends.policyText, checkQuery),
    writeLog: terminal.tui ? undefined : (line) => void process.stderr.write(line),
    logFormat: "text",
  });
  await untilStopped(
    agent,
    terminal.tui && {
      readOnly: false,
      screenReader: booleanVariable("OUTFLOW_SCREEN_READER", process.env),
      theme: options.theme,
      hint: true,
    },
    options.for === undefined ? undefined : systemClock.sleep(options.for).then(() => {}),
  );
  await ends.close();
  rmSync(stateDir, { recursive: true, force: true });
  const summary = demoSummary(agent.store.snapshot, ends.counts);
  process.stdout.write(`\n${summary.text}`);
  process.exitCode = summary.ok ? 0 : 1;
}

/** What `outflow run` has without any flag. */
function defaults(): Settings {
  const command = new Command("run");
  for (const option of runOptions()) {
    option.envVar = undefined as unknown as string; // the demo is the same on every host
    command.addOption(option);
  }
  return { ...command.parse([], { from: "user" }).opts<Settings>(), enforceFilter: [], forbidLabel: [], policies: [] };
}
