// outflow status: which sinks of a running agent get data, and why not. Exit code 0: all ready; 1: not all, or there is none; 2: the agent cannot be
// asked, or nothing has that name.
import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../config/duration.ts";
import { createHttpClient } from "../http/client.ts";
import { systemClock } from "../platform/clock.ts";
import { readyOf } from "../status/conditions.ts";
import type { SinkState, Snapshot } from "../status/snapshot.ts";
import { sentence } from "../status/words.ts";
import type { Agent } from "./attach/address.ts";
import { address, DEFAULT_URL, tokenIn, tokenOption } from "./attach/options.ts";
import { snapshotOf } from "./attach/snapshot.ts";
import { example } from "./example.ts";
import { StartError } from "./start-error.ts";
import { allReady, explanations, listing, type Output, selected, table, troubles } from "./status-text.ts";

type Options = {
  explain?: string | true;
  output: Output;
  watch?: boolean;
  url: string;
  wait?: boolean;
  timeout: number;
  tokenFile?: string;
};

const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError("write a duration such as 60s.");
  return ms;
};

export function statusCommand(): Command {
  return new Command("status")
    .description("which sinks of a running agent are ready, and why not")
    .argument("[policy/sink]", "only this policy, or this sink of it")
    .option(
      "--explain [policy/sink]",
      "why: cause, since when, evidence, what is at risk, what happens next, what to do",
    )
    .addOption(
      new Option("-o, --output <format>", "yaml and json are an ExportPolicyList with status")
        .choices(["table", "wide", "yaml", "json"])
        .default("table"),
    )
    .option("-w, --watch", "print again whenever a sink changes, until interrupted")
    .option("--wait", "wait until all are ready")
    .addOption(new Option("--timeout <duration>", "how long --wait waits").argParser(duration).default(60_000, "60s"))
    .addOption(
      new Option("--url <url>", "the agent's --listen address")
        .argParser(address)
        .default(DEFAULT_URL)
        .env("OUTFLOW_STATUS_URL"),
    )
    .addOption(tokenOption())
    .addHelpText(
      "after",
      example(
        "outflow status",
        "outflow status --explain edge/cloud",
        "outflow status --wait --timeout 2m && echo data arrives",
        "outflow status -o yaml --url http://gateway-7:9469 --token-file token",
      ),
    )
    .action(async (name: string | undefined, options: Options) => {
      const http = createHttpClient({ connectMs: 3_000, connections: 2 });
      const ended = new AbortController();
      const stop = () => ended.abort();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
      process.stdout.once("error", stop); // whoever read it has gone
      try {
        const agent: Agent = { url: options.url, token: tokenIn(options.tokenFile), http };
        const filter = typeof options.explain === "string" ? options.explain : name;
        const sinks = options.watch
          ? await watch(agent, filter, options, ended.signal)
          : await once(agent, filter, options, ended.signal);
        process.exitCode = allReady(sinks) ? 0 : 1;
      } finally {
        await http.close();
      }
    });
}

const EVERY_MS = 1_000;
const WAIT_EVERY_MS = 250;

async function once(agent: Agent, filter: string | undefined, options: Options, signal: AbortSignal) {
  const { snapshot, sinks } = options.wait
    ? await untilReady(agent, filter, options.timeout, signal)
    : await look(agent, filter);
  process.stdout.write(text(snapshot, sinks, options));
  process.stderr.write(troubles(snapshot, options.explain !== undefined));
  return sinks;
}

/** Also until the agent is there, has loaded its policies and knows the name. */
async function untilReady(agent: Agent, filter: string | undefined, timeoutMs: number, signal: AbortSignal) {
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    const last = systemClock.monotonicMs() >= untilMs || signal.aborted;
    const got = await snapshotOf(agent);
    if (got.ok) {
      const sinks = selected(got.snapshot, filter);
      const known = got.snapshot.reloads.lastAt !== undefined && (filter === undefined || sinks.length > 0);
      if (known && (allReady(sinks) || last)) return { snapshot: got.snapshot, sinks };
    }
    if (last) return look(agent, filter);
    await systemClock.sleep(WAIT_EVERY_MS, signal);
  }
}

async function look(agent: Agent, filter: string | undefined) {
  const got = await snapshotOf(agent);
  if (!got.ok) throw new StartError(`no state from ${agent.url}: ${sentence(got.why)}`);
  const sinks = selected(got.snapshot, filter);
  if (filter !== undefined && sinks.length === 0)
    throw new StartError(`nothing is called ${filter}: outflow status lists the policies and sinks.`);
  return { snapshot: got.snapshot, sinks };
}

function text(snapshot: Snapshot, sinks: readonly SinkState[], { explain, output }: Options): string {
  const now = snapshot.at; // the agent's clock
  if (explain === undefined) return listing(snapshot, sinks, output, now);
  if (typeof explain === "string") return explanations(sinks, snapshot.source, now);
  const bad = sinks.filter((s) => readyOf(s).status !== "True");
  if (bad.length > 0) return explanations(bad, snapshot.source, now);
  if (sinks.length === 0) return table(sinks, now, false);
  return sinks.length === 1 ? explanations(sinks, snapshot.source, now) : `All ${sinks.length} sinks are ready.\n`;
}

/** A table goes on with the rows that changed, as kubectl's does; anything else is printed again. */
async function watch(agent: Agent, filter: string | undefined, options: Options, signal: AbortSignal) {
  let { snapshot, sinks } = await look(agent, filter);
  process.stdout.write(text(snapshot, sinks, options));
  let lost = false;
  while (await systemClock.sleep(EVERY_MS, signal)) {
    const got = await snapshotOf(agent, signal);
    if (signal.aborted) break;
    if (!got.ok) {
      if (!lost) process.stderr.write(`outflow: no state from ${agent.url}: ${got.why}\n`);
      lost = true;
      continue;
    }
    lost = false;
    const before = new Map(sinks.map((s) => [s.id, told(s)]));
    ({ snapshot } = got);
    sinks = selected(snapshot, filter);
    const changed = sinks.filter((s) => before.get(s.id) !== told(s));
    if (changed.length === 0 && sinks.length === before.size) continue;
    const rows = options.explain === undefined && (options.output === "table" || options.output === "wide");
    if (!rows) process.stdout.write(`${options.output === "yaml" ? "---\n" : "\n"}${text(snapshot, sinks, options)}`);
    else if (changed.length > 0) process.stdout.write(table(changed, snapshot.at, options.output === "wide", false));
  }
  return sinks;
}

const told = (sink: SinkState): string => {
  const { status, reason, observedGeneration } = readyOf(sink);
  return `${status} ${reason} ${observedGeneration}`;
};
