// The command line: one file a command, assembled here. Exit codes: 0 success, 1 problems found or a crash, 2 wrong usage or a start that
// failed.
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { emptyVariables } from "../config/variables.ts";
import { version } from "../version.ts";
import { StartError } from "./agent/start-error.ts";
import { argumentError } from "./argument-errors.ts";

/** Loaded when they are asked for: `outflow version` and `outflow top` need not wait for what an agent needs. */
const commands: Record<string, () => Promise<Command>> = {
  run: async () => (await import("./run.ts")).runCommand(),
  check: async () => (await import("./check.ts")).checkCommand(),
  config: async () => (await import("./config.ts")).configCommand(),
  doctor: async () => (await import("./doctor/command.ts")).doctorCommand(),
  plan: async () => (await import("./forecast/command.ts")).planCommand(),
  rehearse: async () => (await import("./rehearse/command.ts")).rehearseCommand(),
  query: async () => (await import("./query.ts")).queryCommand(),
  top: async () => (await import("./top.ts")).topCommand(),
  status: async () => (await import("./status/status.ts")).statusCommand(),
  pause: async () => (await import("./act.ts")).actionCommand("pause"),
  resume: async () => (await import("./act.ts")).actionCommand("resume"),
  retry: async () => (await import("./act.ts")).actionCommand("retry"),
  reload: async () => (await import("./act.ts")).reloadCommand(),
  replay: async () => (await import("./replay/command.ts")).replayCommand(),
  demo: async () => (await import("./demo.ts")).demoCommand(),
  licenses: async () => (await import("./licenses.ts")).licensesCommand(),
  completion: async () => (await import("./completion/command.ts")).completionCommand(),
  man: async () => (await import("./man.ts")).manCommand(everyCommand),
  version: async () => (await import("./version.ts")).versionCommand(),
};
/** Not listed: for scripts of shells. */
const hidden: typeof commands = {
  complete: async () => (await import("./completion/command.ts")).completeCommand(everyCommand),
};

/** The program with all of its commands, for what is generated from them. */
export const everyCommand = (): Promise<Command> => programOf(Object.keys(commands));

async function programOf(names: readonly string[]): Promise<Command> {
  const program = new Command("outflow")
    .description("Ships what an ExportPolicy selects from VictoriaMetrics or Prometheus to remote-write endpoints.")
    .version(version, "-V, --version")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false });
  for (const name of names) {
    const make = commands[name] ?? hidden[name];
    if (make !== undefined) program.addCommand(await make(), { hidden: name in hidden });
  }
  if (names.length > 1) program.addCommand((await import("./help.ts")).helpCommand(program));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)])
    command
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(`outflow: ${argumentError(text)}\n`) })
      .showHelpAfterError(`(${pathOf(command)} --help lists ${command === program ? "the commands" : "the flags"})`);
  return program.addHelpText(
    "after",
    `\nFirst steps:\n  outflow demo              see it work, nothing to install\n  outflow check policies/   verify policies offline\n  outflow run --policies policies/ --source-url http://127.0.0.1:8428\n`,
  );
}

/** Runs one command to its end; returns the exit code. */
export async function cli(argv: readonly string[]): Promise<number> {
  for (const name of emptyVariables(process.env)) delete process.env[name];
  const asked = argv[2] ?? "";
  // The help and a mistyped name need all of them.
  const alone = asked in commands || asked in hidden;
  try {
    const program = await programOf(["-V", "--version"].includes(asked) ? [] : alone ? [asked] : Object.keys(commands));
    await program.parseAsync(argv as string[]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof StartError || error instanceof InvalidArgumentError) {
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
