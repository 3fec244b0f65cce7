// outflow pause | resume | retry | reload: the actions of a running agent, for scripts. Exit 0: done; 1: the agent did not do it (all of
// it); 2: it cannot be asked, or nothing has that name.
import { Command } from "commander";
import { createHttpClient } from "../http/client.ts";
import type { Outcome, SinkAction } from "../status/actions.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { sentence } from "../status/text/words.ts";
import { StartError } from "./agent/start-error.ts";
import { remoteActions } from "./attach/actions.ts";
import type { Agent } from "./attach/address.ts";
import { tokenIn, tokenOption, urlOption } from "./attach/options.ts";
import { snapshotOf } from "./attach/snapshot.ts";
import { example } from "./example.ts";
import { elsewhereOf, selected } from "./status/status-text.ts";

type Options = { url: string; tokenFile?: string; all?: boolean };

const descriptions: Readonly<Record<SinkAction, string>> = {
  pause: "pause sinks of a running agent: they read and send nothing until they are resumed, or the agent restarts",
  resume: "resume paused sinks of a running agent: they continue where they stopped",
  retry: "end a backoff or a hold of sinks of a running agent: what waits is sent now",
};

export function actionCommand(action: SinkAction): Command {
  const command = new Command(action)
    .description(descriptions[action])
    .argument("[policy/sink...]", "a sink, or a policy: all of its sinks")
    .option("--all", "every sink of the agent")
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      "after",
      example(`outflow ${action} edge/cloud`, `outflow ${action} --all --url http://gateway-7:9469`),
    );
  return command.action(async (names: string[], options: Options) => {
    if (names.length > 0 === (options.all === true))
      command.error("error: name the sinks or policies, or --all, and not both");
    await withAgent(options, async (agent, snapshot) => {
      const ids = options.all ? snapshot.sinks.map(({ id }) => id) : idsOf(snapshot, names);
      const actions = remoteActions(agent);
      const outcomes: Outcome[] = [];
      for (const id of ids) outcomes.push(await actions.act(id, action));
      return outcomes;
    });
  });
}

export function reloadCommand(): Command {
  return new Command("reload")
    .description("make a running agent load its policies and secrets again, now")
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText("after", example("outflow reload", "outflow reload --url http://gateway-7:9469 --token-file token"))
    .action((options: Options) => withAgent(options, async (agent) => [await remoteActions(agent).reload()]));
}

function idsOf(snapshot: Snapshot, names: readonly string[]): string[] {
  const ids = names.flatMap((name) => {
    const found = selected(snapshot, name);
    const [other] = elsewhereOf(snapshot, name);
    if (found.length === 0 && other !== undefined)
      throw new StartError(`${other.sink} is owned by another agent of the fleet, ${other.holder}: ask that one.`);
    if (found.length === 0) throw new StartError(`no policy or sink is named ${name}: outflow status lists them.`);
    return found.map(({ id }) => id);
  });
  return [...new Set(ids)];
}

/** Prints what came of it: what was done on stdout, what was not on stderr. */
async function withAgent(
  { url, tokenFile }: Options,
  act: (agent: Agent, snapshot: Snapshot) => Promise<readonly Outcome[]>,
): Promise<void> {
  const http = createHttpClient({ connectMs: 3_000, connections: 1 });
  try {
    const agent: Agent = { url, token: tokenIn(tokenFile), http };
    const got = await snapshotOf(agent);
    if (!got.ok) throw new StartError(`no state from ${url}: ${sentence(got.why)}`);
    const outcomes = await act(agent, got.snapshot);
    for (const { ok, message } of outcomes)
      if (ok) process.stdout.write(`${sentence(message)}\n`);
      else process.stderr.write(`outflow: ${sentence(message)}\n`);
    process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
  } finally {
    await http.close();
  }
}
