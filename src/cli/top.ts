// outflow top: the screen of an agent that runs in another process, by its admin address, or of an incident file. With --once, --json
// or no terminal it prints the state instead, for scripts.
import { Command, InvalidArgumentError, Option } from "commander";
import { booleanVariable, duration } from "../config/parsers.ts";
import { type Theme, themeOption } from "../config/settings.ts";
import { createHttpClient } from "../http/client.ts";
import { systemClock } from "../platform/clock.ts";
import type { Actions } from "../status/actions.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { StartError } from "./agent/start-error.ts";
import { remoteActions } from "./attach/actions.ts";
import type { Agent } from "./attach/address.ts";
import { address, tokenIn, tokenOption, urlOption } from "./attach/options.ts";
import { RemoteStore } from "./attach/remote.ts";
import { snapshotOf } from "./attach/snapshot.ts";
import { example } from "./example.ts";
import { isFile, openRecording } from "./recording.ts";
import { type ScreenOptions, startScreen } from "./screen.ts";
import { wantsTui } from "./terminal.ts";

type TopOptions = {
  url: string;
  tokenFile?: string;
  once?: boolean;
  json?: boolean;
  n?: number;
  interval: number;
  readOnly: boolean;
  screenReader: boolean;
  theme?: Theme;
};

const times = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a whole number above 0.`);
  return Number(text);
};

export function topCommand(): Command {
  return new Command("top")
    .description("watch an agent that runs elsewhere, or open an incident file: the same screen")
    .argument("[url|file]", "the agent's --listen address (as --url), or an incident file", target)
    .addOption(urlOption())
    .addOption(tokenOption())
    .option("--once", "print the state once, then exit")
    .option("--json", "print the snapshot as JSON, a line each time")
    .addOption(new Option("-n <times>", "print this many times, then exit").argParser(times))
    .addOption(
      new Option("--interval <duration>", "time between two updates")
        .argParser(duration({ min: 100 }))
        .default(1_000, "1s"),
    )
    .option("--read-only", "no pause, retry, reload (env: OUTFLOW_READ_ONLY)", false)
    .option("--screen-reader", "plain sentences instead of a screen (env: OUTFLOW_SCREEN_READER)", false)
    .addOption(themeOption())
    .addHelpText(
      "after",
      example(
        "outflow top",
        "outflow top http://gateway-7:9469",
        "outflow top outflow-incident-2026-11-23T14-02-11Z.zip",
        "outflow top --once --json | jq .sinks[].phase",
      ),
    )
    .action(async (named: string | undefined, given: TopOptions) => {
      const what = named ?? given.url;
      const options = {
        ...given,
        readOnly: given.readOnly || booleanVariable("OUTFLOW_READ_ONLY", process.env),
        screenReader: given.screenReader || booleanVariable("OUTFLOW_SCREEN_READER", process.env),
      };
      const tty = { stdin: process.stdin.isTTY === true, stdout: process.stdout.isTTY === true };
      const prints = options.once === true || options.json === true || options.n !== undefined;
      const screen =
        !prints && wantsTui({ ...tty, env: process.env, tui: true, screenReader: options.screenReader }).tui;
      if (isFile(what)) return screen ? await replay(what, options) : await printFile(what, options);
      const http = createHttpClient({ connectMs: 3_000, connections: 4 });
      const agent: Agent = { url: what, token: tokenIn(options.tokenFile), http };
      try {
        if (screen) await watch(agent, options);
        else await print(agent, options);
      } finally {
        await http.close();
      }
    });
}

const target = (text: string): string => (isFile(text) ? text : address(text));

async function watch(agent: Agent, options: TopOptions): Promise<void> {
  const store = new RemoteStore(agent, systemClock);
  const doable = remoteActions(agent);
  let following: Promise<void> | undefined;
  await shown(options, (signal) => {
    following = store.run(signal);
    return { store, clock: { ...systemClock, now: () => store.now() }, actions: () => allowed(store, options, doable) };
  });
  await following;
}

async function replay(file: string, options: TopOptions): Promise<void> {
  const { store, clock, chunks } = await openRecording(file);
  await shown(options, () => ({
    ...{ store, clock, opened: chunks },
    actions: () => "Actions are disabled: this is a recording.",
  }));
}

/** Until somebody quits, or a signal ends it. */
async function shown(
  { interval: redrawMs, screenReader, theme }: TopOptions,
  start: (signal: AbortSignal) => Pick<ScreenOptions, "store" | "clock" | "actions" | "opened">,
): Promise<void> {
  const ended = new AbortController();
  const stop = () => ended.abort();
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  const stopped = new Promise<void>((resolve) => ended.signal.addEventListener("abort", () => resolve()));
  const screen = await startScreen({ ...start(ended.signal), stop, redrawMs, screenReader, theme });
  await stopped;
  await screen.end();
  for (const signal of signals) process.off(signal, stop);
}

function allowed(store: RemoteStore, options: TopOptions, doable: Actions): Actions | string {
  if (options.readOnly) return "Actions are disabled: outflow top runs with --read-only.";
  if (store.link.state !== "connected") return "The agent cannot be reached at present.";
  if (!store.snapshot.actions) return "The agent does not allow remote actions: start it with --allow-actions.";
  return doable;
}

async function print(agent: Agent, options: TopOptions): Promise<void> {
  const { once, json, n, interval: every } = options;
  const ended = new AbortController();
  const stop = () => ended.abort();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  process.stdout.once("error", stop); // whoever read it has gone
  const total = once === true ? 1 : (n ?? (json === true ? 1 : Number.POSITIVE_INFINITY));
  for (let i = 0; i < total && !ended.signal.aborted; i++) {
    if (i > 0 && !(await systemClock.sleep(every, ended.signal))) break;
    const got = await snapshotOf(agent);
    if (got.ok) await printState(got.snapshot, options, i > 0);
    // Whoever asked for a number of states must be told that the agent cannot be reached; whoever watches waits for the agent.
    else if (i === 0 && Number.isFinite(total)) throw new StartError(`no state from ${agent.url}: ${got.why}.`);
    else process.stderr.write(`outflow: no state from ${agent.url}: ${got.why}; next attempt in ${every / 1000}s\n`);
  }
}

async function printFile(file: string, options: TopOptions): Promise<void> {
  await printState((await openRecording(file)).store.snapshot, options, false);
}

async function printState(snapshot: Snapshot, { json }: TopOptions, again: boolean): Promise<void> {
  if (json === true) return void process.stdout.write(`${JSON.stringify(snapshot)}\n`);
  const { stillFrame } = await import("../../tui/still.ts");
  const text = stillFrame(snapshot, {
    env: process.env,
    columns: process.stdout.columns ?? (Number(process.env.COLUMNS) || 120),
    colour: process.stdout.isTTY === true,
  });
  process.stdout.write(`${again ? "\n" : ""}${text}`);
}
