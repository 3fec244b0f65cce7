// outflow top: the screen of an agent that runs in another process, by its admin address. With --once, --json or no terminal it prints
// its state instead, for scripts.
import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../config/duration.ts";
import { booleanVariable } from "../config/parsers.ts";
import { createHttpClient } from "../http/client.ts";
import { systemClock } from "../platform/clock.ts";
import type { Actions } from "../status/actions.ts";
import { remoteActions } from "./attach/actions.ts";
import type { Agent } from "./attach/address.ts";
import { address, DEFAULT_URL, tokenIn, tokenOption } from "./attach/options.ts";
import { RemoteStore } from "./attach/remote.ts";
import { snapshotOf } from "./attach/snapshot.ts";
import { example } from "./example.ts";
import { startScreen } from "./screen.ts";
import { StartError } from "./start-error.ts";
import { wantsTui } from "./terminal.ts";

type TopOptions = {
  tokenFile?: string;
  once?: boolean;
  json?: boolean;
  n?: number;
  interval: number;
  readOnly: boolean;
  screenReader: boolean;
};

const interval = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 100) throw new InvalidArgumentError("write a duration of at least 100ms, such as 1s.");
  return ms;
};

const times = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`"${text}" is no whole number above 0.`);
  return Number(text);
};

export function topCommand(): Command {
  return new Command("top")
    .description("watch an agent that runs elsewhere: the same screen, by its admin address")
    .argument("[url]", "the agent's --listen address", address, DEFAULT_URL)
    .addOption(tokenOption())
    .option("--once", "print the state once and end")
    .option("--json", "print the snapshot as JSON, a line each time")
    .addOption(new Option("-n <times>", "print so many times and end").argParser(times))
    .addOption(new Option("--interval <duration>", "between two drawings").argParser(interval).default(1_000, "1s"))
    .option("--read-only", "no pause, retry, reload (env: OUTFLOW_READ_ONLY)", false)
    .option("--screen-reader", "plain sentences instead of a screen (env: OUTFLOW_SCREEN_READER)", false)
    .addHelpText(
      "after",
      example("outflow top", "outflow top http://gateway-7:9469", "outflow top --once --json | jq .sinks[].phase"),
    )
    .action(async (url: string, given: TopOptions) => {
      const options = {
        ...given,
        readOnly: given.readOnly || booleanVariable("OUTFLOW_READ_ONLY", process.env),
        screenReader: given.screenReader || booleanVariable("OUTFLOW_SCREEN_READER", process.env),
      };
      const http = createHttpClient({ connectMs: 3_000, connections: 4 });
      const agent: Agent = { url, token: tokenIn(options.tokenFile), http };
      const tty = { stdin: process.stdin.isTTY === true, stdout: process.stdout.isTTY === true };
      const prints = options.once === true || options.json === true || options.n !== undefined;
      try {
        if (!prints && wantsTui({ ...tty, env: process.env, tui: true, screenReader: options.screenReader }).tui)
          await watch(agent, options);
        else await print(agent, options);
      } finally {
        await http.close();
      }
    });
}

async function watch(agent: Agent, options: TopOptions): Promise<void> {
  const ended = new AbortController();
  const stop = () => ended.abort();
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  const store = new RemoteStore(agent, systemClock);
  const following = store.run(ended.signal);
  const doable = remoteActions(agent);
  const screen = await startScreen({
    store,
    clock: { ...systemClock, now: () => store.now() },
    actions: () => allowed(store, options, doable),
    stop,
    redrawMs: options.interval,
    screenReader: options.screenReader,
  });
  await following;
  await screen.end();
  for (const signal of signals) process.off(signal, stop);
}

function allowed(store: RemoteStore, options: TopOptions, doable: Actions): Actions | string {
  if (options.readOnly) return "Nothing can be changed here: outflow top runs with --read-only.";
  if (store.link.state !== "connected") return "The agent is not reached at present.";
  if (!store.snapshot.actions) return "The agent allows no actions from elsewhere: start it with --allow-actions.";
  return doable;
}

async function print(agent: Agent, { once, json, n, interval: every }: TopOptions): Promise<void> {
  const { stillFrame } = await import("../../tui/still.ts");
  const ended = new AbortController();
  const stop = () => ended.abort();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  process.stdout.once("error", stop); // whoever read it has gone
  const total = once === true ? 1 : (n ?? (json === true ? 1 : Number.POSITIVE_INFINITY));
  for (let i = 0; i < total && !ended.signal.aborted; i++) {
    if (i > 0 && !(await systemClock.sleep(every, ended.signal))) break;
    const got = await snapshotOf(agent);
    if (!got.ok) {
      if (i === 0) throw new StartError(`no state from ${agent.url}: ${got.why}.`);
      process.stderr.write(`outflow: no state from ${agent.url}: ${got.why}\n`);
      continue;
    }
    if (json === true) process.stdout.write(`${JSON.stringify(got.snapshot)}\n`);
    else {
      const { columns } = process.stdout;
      const text = stillFrame(got.snapshot, {
        env: process.env,
        columns: columns ?? (Number(process.env.COLUMNS) || 120),
        colour: process.stdout.isTTY === true,
      });
      process.stdout.write(`${i > 0 ? "\n" : ""}${text}`);
    }
  }
}
