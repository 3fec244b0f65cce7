// outflow help: the help of a command; for another word, the commands and flags that were perhaps meant.
import type { Command } from "commander";
import { Command as NewCommand } from "commander";
import { nearest } from "../platform/nearest.ts";
import { printable } from "../platform/printable.ts";
import { example } from "./example.ts";

/** For a program that has all of its commands. */
export function helpCommand(program: Command): Command {
  return new NewCommand("help")
    .description("print the help of a command, or search all flags for a word")
    .argument("[word...]", "a command such as run, or a word such as proxy")
    .addHelpText("after", example("outflow help run", "outflow help proxy"))
    .action((words: string[]) => {
      const found = words.reduce<Command | undefined>(
        (command, word) => command?.commands.find((c) => c.name() === word),
        program,
      );
      if (found !== undefined) return found.outputHelp();
      const text = suggestions(program, words.join(" "));
      process.stderr.write(`outflow: no command is called ${printable(words.join(" "), 60)}.${text}\n`);
      process.exitCode = 2;
    });
}

/** The nearest command, and all flags that have the word in their name or their description. Pure. */
export function suggestions(program: Command, word: string): string {
  const all = program.commands.flatMap((c) => [c, ...c.commands]);
  const near = nearest(
    word,
    all.map((c) => c.name()),
  );
  const plain = word.toLowerCase().replace(/^-+/, "");
  const flags = new Map<string, { commands: string[]; description: string }>();
  for (const command of all)
    for (const { long, description } of command.options) {
      if (long == null || plain === "" || !`${long} ${description}`.toLowerCase().includes(plain)) continue;
      const known = flags.get(long);
      if (known === undefined) flags.set(long, { commands: [command.name()], description });
      else known.commands.push(command.name());
    }
  const lines = [...flags].map(([flag, { commands }]) => `  ${flag}  (${commands.join(", ")})`);
  return [
    near === undefined ? "" : ` Did you mean outflow ${near}?`,
    lines.length === 0 ? "" : `\nFlags that mention it:\n${lines.join("\n")}`,
    near === undefined && lines.length === 0 ? " outflow --help lists the commands." : "",
  ].join("");
}
