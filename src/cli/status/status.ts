// outflow status: which sinks of a running agent get data, and why not. Exit code 0: all ready (with --wait: data arrives at all); 1: not
// all, or there is none; 2: the agent cannot be asked, or nothing has that name.
import { Command, Option } from "commander";
import { duration } from "../../config/parsers.ts";
import { createHttpClient } from "../../http/client.ts";
import { systemClock } from "../../platform/clock.ts";
import { readyOf } from "../../status/conditions.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { sentence } from "../../status/text/words.ts";
import { StartError } from "../agent/start-error.ts";
import type { Agent } from "../attach/address.ts";
import { tokenIn, tokenOption, urlOption } from "../attach/options.ts";
import { snapshotOf } from "../attach/snapshot.ts";
import { example } from "../example.ts";
import { elsewhereText, fleetText } from "./status-fleet.ts";
import {
  allReady,
  type Choice,
  elsewhereOf,
  explainedCauses,
  explanations,
  listing,
  type Output,
  type Sorting,
  selected,
  sortings,
  summary,
  troubles,
} from "./status-text.ts";
import { untilArriving, waitsFor } from "./status-wait.ts";
import { watch } from "./status-watch.ts";

type Options = {
  explain?: string | true;
  output: Output;
  notReady?: boolean;
  fleet?: boolean;
  sort: Sorting;
  watch?: boolean;
  url: string;
  wait?: boolean;
  timeout: number;
  tokenFile?: string;
};

export function statusCommand(): Command {
  return new Command("status")
    .description("which sinks of a running agent are ready, and why not")
    .argument("[policy/sink]", "only this policy, or this sink of it")
    .addOption(
      new Option(
        "--explain [policy/sink]",
        "why: cause, since when, evidence, what is at risk, what happens next, what to do",
      ).conflicts(["output", "sort", "notReady", "fleet"]),
    )
    .addOption(
      new Option("-o, --output <format>", "yaml and json are an ExportPolicyList with status")
        .choices(["table", "wide", "yaml", "json"])
        .default("table"),
    )
    .option("--not-ready", "only sinks that are not ready")
    .addOption(
      new Option("--fleet", "members of the fleet, who owns which shard, and sinks of other agents").conflicts([
        "sort",
        "notReady",
      ]),
    )
    .addOption(new Option("--sort <by>", "order of the rows").choices(sortings).default("worst"))
    .option("-w, --watch", "keep running and show every change, until interrupted")
    .option("--wait", "wait until data arrives at all of them; says on stderr what it waits for")
    .addOption(
      new Option("--timeout <duration>", "how long --wait waits")
        .argParser(duration({ min: 1 }))
        .default(60_000, "60s"),
    )
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      "after",
      example(
        "outflow status",
        "outflow status --not-ready --sort lag",
        "outflow status --explain edge/cloud",
        "outflow status --wait --timeout 2m && echo data arrives",
        "outflow status -o yaml --url http://gateway-7:9469 --token-file token",
      ),
    )
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const idle = withoutEffect(name, options, (option) => command.getOptionValueSource(option) === "cli");
      if (idle !== undefined) return command.error(`error: ${idle}`);
      const http = createHttpClient({ connectMs: 3_000, connections: 2 });
      const ended = new AbortController();
      const stop = () => ended.abort();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
      process.stdout.once("error", stop); // whoever read it has gone
      try {
        const agent: Agent = { url: options.url, token: tokenIn(options.tokenFile), http };
        const choice: Choice = {
          name: typeof options.explain === "string" ? options.explain : name,
          notReady: options.notReady === true,
          sort: options.sort,
        };
        const ask = (signal?: AbortSignal) => snapshotOf(agent, signal);
        const text = (snapshot: Snapshot) => textOf(snapshot, choice, options);
        let last: Snapshot;
        if (options.wait)
          await untilArriving(choice.name, options.timeout, {
            clock: systemClock,
            ask,
            say: (line) => void process.stderr.write(`outflow: ${line}\n`),
            signal: ended.signal,
          });
        if (options.watch)
          last = await watch(await look(agent, choice.name), choice, options.output, options.explain === undefined, {
            clock: systemClock,
            ask,
            text,
            url: agent.url,
            out: process.stdout,
            err: process.stderr,
            signal: ended.signal,
          });
        else {
          last = await look(agent, choice.name);
          process.stdout.write(text(last));
          process.stderr.write(troubles(last, options.explain !== undefined));
        }
        const well = options.wait
          ? waitsFor({ ok: true, snapshot: last }, choice.name) === undefined
          : allReady(selected(last, choice.name), elsewhereOf(last, choice.name));
        process.exitCode = well ? 0 : 1;
      } finally {
        await http.close();
      }
    });
}

/** What was written and would have no effect. */
function withoutEffect(
  name: string | undefined,
  { explain, fleet, output, wait }: Options,
  given: (option: string) => boolean,
): string | undefined {
  if (given("timeout") && !wait) return "--timeout has no effect without --wait: remove it, or add --wait";
  if (given("sort") && (output === "json" || output === "yaml"))
    return `--sort orders the rows of a table and has no effect with --output ${output}: remove it`;
  if (name === undefined) return undefined;
  if (fleet) return "--fleet shows the whole fleet: remove the name";
  if (typeof explain === "string") return "--explain: name the policy or sink once";
  return undefined;
}

async function look(agent: Agent, name: string | undefined): Promise<Snapshot> {
  const got = await snapshotOf(agent);
  if (!got.ok) throw new StartError(`no state from ${agent.url}: ${sentence(got.why)}`);
  if (name !== undefined && selected(got.snapshot, name).length + elsewhereOf(got.snapshot, name).length === 0)
    throw new StartError(`no policy or sink is named ${name}: outflow status lists them.`);
  return got.snapshot;
}

function textOf(snapshot: Snapshot, choice: Choice, { explain, output, fleet }: Options): string {
  if (fleet) return fleetText(snapshot, output) ?? "This agent is alone: it was started without --fleet.\n";
  const { source, at } = snapshot;
  const others = elsewhereOf(snapshot, choice.name);
  const sinks = selected(snapshot, choice.name);
  if (sinks.length === 0 && others.length > 0 && output !== "json" && output !== "yaml")
    return elsewhereText(others, !choice.notReady, at);
  if (explain === undefined) {
    const list = listing(snapshot, choice, output);
    return output === "json" || output === "yaml" ? list : list + elsewhereText(others, choice.name !== undefined, at);
  }
  if (typeof explain === "string") return explanations(sinks, source, at);
  const bad = sinks.filter((s) => readyOf(s).status !== "True");
  if (bad.length === 0) return sinks.length === 1 ? explanations(sinks, source, at) : summary(sinks, source, at);
  return explainedCauses(bad, source, at);
}
