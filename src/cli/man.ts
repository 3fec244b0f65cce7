// outflow man: the manual page, made from the definitions of the commands.
import { Command } from "commander";
import { build, version } from "../version.ts";
import { example } from "./example.ts";

export function manCommand(program: () => Promise<Command>): Command {
  return new Command("man")
    .description("print the manual page")
    .addHelpText("after", example("outflow man | man -l -", "outflow man > /usr/local/share/man/man1/outflow.1"))
    .action(async () => void process.stdout.write(manualPage(await program(), version, build.date)));
}

/** In the man macros, which groff and mandoc read. `date`: ISO, or anything else if there is none. Pure. */
export function manualPage(program: Command, release: string, date: string): string {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(date)?.[0] ?? "1970-01-01";
  const commands = program.commands.filter((c) => !(c as unknown as { _hidden: boolean })._hidden);
  return [
    `.TH OUTFLOW 1 "${day}" "outflow ${escaped(release)}"`,
    ".nh", // a name that is broken at a hyphen cannot be copied
    ".SH NAME",
    "outflow \\- ships metrics that policies select to remote\\-write endpoints",
    ".SH SYNOPSIS",
    ".B outflow",
    ".I command",
    "[\\fIflags\\fR]",
    ".SH DESCRIPTION",
    text(program.description()),
    ".SH COMMANDS",
    ...commands.flatMap((command) => [section(command, ".SS"), ...command.commands.map((c) => section(c, ".SS"))]),
    ".SH ENVIRONMENT",
    "Each flag of",
    ".B outflow run",
    "has a variable: \\fBOUTFLOW_POLL_INTERVAL\\fR is \\fB\\-\\-poll\\-interval\\fR.",
    text("A flag wins over its variable, a variable over the file of --config."),
    ".PP",
    text("Commands that ask a running agent find it by OUTFLOW_URL (--url) and OUTFLOW_TOKEN_FILE (--token-file)."),
    ".SH FILES",
    ".TP",
    ".I $XDG_CONFIG_HOME/outflow/policies, /etc/outflow/policies",
    "Policies, where \\fB\\-\\-policies\\fR is not given.",
    ".TP",
    ".I $XDG_STATE_HOME/outflow",
    "State, where \\fB\\-\\-state\\-dir\\fR is not given.",
    ".SH EXIT STATUS",
    ".TP",
    ".B 0",
    "Success.",
    ".TP",
    ".B 1",
    text(
      "Problems were found (check, doctor, plan), a sink is not ready (status), samples were or would be lost (replay, rehearse), the agent did not do what it was asked to (pause, resume, retry, reload), or a bug ended outflow.",
    ),
    ".TP",
    ".B 2",
    "The command line is wrong, or a start failed.",
    "",
  ].join("\n");
}

function section(command: Command, macro: string): string {
  const path: string[] = [];
  for (let c: Command | null = command; c !== null; c = c.parent) path.unshift(c.name());
  const usage = command.registeredArguments.map((a) => {
    const name = `${a.name()}${a.variadic ? "..." : ""}`;
    return a.required ? `<${name}>` : `[${name}]`;
  });
  const lines = [`${macro} ${escaped([...path, ...usage].join(" "))}`, text(sentence(command.description()))];
  let group = "";
  for (const option of command.options.filter((o) => !o.hidden)) {
    const heading = option.helpGroupHeading ?? "";
    if (heading !== group) lines.push(".PP", `.I "${escaped(heading)}"`);
    group = heading;
    lines.push(".TP", `.B "${escaped(option.flags)}"`, text(sentence(described(option))));
  }
  return lines.join("\n");
}

function described({
  description,
  argChoices,
  defaultValue,
  defaultValueDescription,
  envVar,
}: Command["options"][number]): string {
  const value = defaultValueDescription ?? (Array.isArray(defaultValue) ? undefined : defaultValue);
  const more = [
    ...(argChoices === undefined ? [] : [`choices: ${argChoices.join(", ")}`]),
    ...(value === undefined || value === false ? [] : [`default: ${value}`]),
    ...(envVar === undefined ? [] : [`env: ${envVar}`]),
  ];
  return more.length === 0 ? description : `${description} (${more.join("; ")})`;
}

const sentence = (words: string): string => {
  const first = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
};

const COLUMNS = 78;

/** Lines of text; what roff would take for a request where one begins is not one. */
function text(words: string): string {
  const lines: string[] = [];
  for (const word of escaped(words).split(/\s+/)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > COLUMNS) lines.push(word.replace(/^(?=[.'])/, "\\&"));
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join("\n");
}

const escaped = (words: string): string =>
  words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll('"', "\\(dq")
    .replace(/[^\x20-\x7e]/g, (c) => `\\[u${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`);
