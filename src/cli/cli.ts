// The command line: one file a command, assembled here. Exit codes: 0 well, 1 problems found or a crash, 2 usage or a start that
// cannot be.
import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { checkCommand } from "./check.ts";
import { demoCommand } from "./demo.ts";
import { example } from "./example.ts";
import { queryCommand } from "./query.ts";
import { replayCommand } from "./replay/command.ts";
import { runCommand } from "./run.ts";
import { StartError } from "./start-error.ts";
import { statusCommand } from "./status.ts";
import { topCommand } from "./top.ts";

/** Runs one command to its end; returns the exit code. */
export async function cli(argv: readonly string[]): Promise<number> {
  const program = new Command("outflow")
    .description("Ships what an ExportPolicy selects from VictoriaMetrics or Prometheus to remote-write endpoints.")
    .version(version, "-V, --version")
    .configureHelp({ showGlobalOptions: false })
    .addCommand(runCommand())
    .addCommand(checkCommand())
    .addCommand(queryCommand())
    .addCommand(topCommand())
    .addCommand(statusCommand())
    .addCommand(replayCommand())
    .addCommand(demoCommand())
    .addCommand(
      new Command("version")
        .description("print the version")
        .addHelpText("after", example("outflow version"))
        .action(() => console.log(`outflow ${version}`)),
    );
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)])
    command
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "outflow: ")) })
      .showHelpAfterError(`(${pathOf(command)} --help lists ${command === program ? "the commands" : "the flags"})`);
  program.addHelpText(
    "after",
    `\nFirst steps:\n  outflow demo                          see it work, nothing to install\n  outflow check policies/               verify policies offline\n  outflow run --policies policies/ --source-url http://127.0.0.1:8428\n`,
  );
  try {
    await program.parseAsync(argv as string[]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof StartError) {
      process.stderr.write(`outflow: ${error.message}\n`);
      return 2;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

/** As it is typed: `outflow query fmt`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
