// outflow completion SHELL prints the script for a shell; outflow complete answers what may come next, with names of sinks from a
// running agent.
import { Argument, Command } from "commander";
import { createHttpClient } from "../../http/client.ts";
import { printable } from "../../platform/printable.ts";
import type { Agent } from "../attach/address.ts";
import { address, DEFAULT_URL, tokenIn } from "../attach/options.ts";
import { snapshotOf } from "../attach/snapshot.ts";
import { example } from "../example.ts";
import { candidates } from "./candidates.ts";
import { type Shell, scripts, shells } from "./scripts.ts";

export function completionCommand(): Command {
  return new Command("completion")
    .description("print the completion script for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText(
      "after",
      example(
        "source <(outflow completion bash)",
        "outflow completion zsh > ~/.zfunc/_outflow",
        "outflow completion fish > ~/.config/fish/completions/outflow.fish",
      ),
    )
    .action((shell: Shell) => void process.stdout.write(scripts[shell]));
}

/** Enough for an agent on this host; a person waits for it. */
const ASK_MS = 1_500;

export function completeCommand(program: () => Promise<Command>): Command {
  return new Command("complete")
    .description("complete a command line, for completion scripts")
    .argument("[words...]", "the words so far; the last one is being written")
    .addHelpText("after", example("outflow complete -- status --out"))
    .action(async (words: string[]) => {
      const { words: found, also } = candidates(await program(), words);
      const lines = found.map(({ value, description }) => `${value}\t${printable(description ?? "", 60)}`);
      if (also === "sinks") lines.push(...(await sinkNames(words)));
      else if (also !== undefined) lines.push(`:${also}`);
      process.stdout.write(lines.map((line) => `${line}\n`).join(""));
    });
}

/** Of the agent that the words so far name, else of the one on this host; none if it cannot be asked. */
async function sinkNames(words: readonly string[]): Promise<string[]> {
  const given = (flag: string): string | undefined => {
    const at = words.findLastIndex((word) => word === flag || word.startsWith(`${flag}=`));
    return at < 0 ? undefined : words[at]!.includes("=") ? words[at]!.slice(flag.length + 1) : words[at + 1];
  };
  const http = createHttpClient({ connectMs: ASK_MS, connections: 1 });
  try {
    const url = given("--url") ?? process.env.OUTFLOW_URL ?? process.env.OUTFLOW_STATUS_URL ?? DEFAULT_URL;
    const token = tokenIn(given("--token-file") ?? process.env.OUTFLOW_TOKEN_FILE);
    const agent: Agent = { url: address(url), token, http };
    const got = await snapshotOf(agent, AbortSignal.timeout(ASK_MS));
    if (!got.ok) return [];
    const current = words.at(-1) ?? "";
    return got.snapshot.sinks
      .map(({ id }) => id)
      .filter((id) => id.startsWith(current) || id.split("/").slice(1).join("/").startsWith(current))
      .map((id) => (id.startsWith(current) ? id : id.split("/").slice(1).join("/")))
      .map((id) => `${printable(id)}\tsink`);
  } catch {
    return [];
  } finally {
    await http.close();
  }
}
