// What may come next on a command line: the program and its words in, candidates out. Pure; names of sinks come from a running agent,
// so here it is only said that they are wanted.
import type { Command, Option } from "commander";

export type Candidate = { value: string; description?: string };
/** `also`: what else may come there; sinks may be of the policies that start so. */
export type Candidates = { words: Candidate[]; also?: "files" | "dirs" | "sinks" };

/** `words`: those after the program's name; the last one is being written and may be empty. */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  let command = program;
  let argument = 0;
  let pending: Option | undefined;
  for (const word of before) {
    if (pending !== undefined) {
      pending = undefined;
    } else if (word.startsWith("-")) {
      const option = optionOf(command, word.split("=")[0]!);
      pending = option?.required && !word.includes("=") ? option : undefined;
    } else {
      const next = command.commands.find((c) => c.name() === word);
      if (next === undefined) argument++;
      else command = next;
    }
  }
  if (pending !== undefined) return valuesOf(pending, current, "");
  const [flag, value] = current.split(/=(.*)/s);
  if (current.startsWith("--") && value !== undefined) {
    const option = optionOf(command, flag!);
    return option === undefined ? { words: [] } : valuesOf(option, value, `${flag}=`);
  }
  if (current.startsWith("-")) return { words: starting(current, flagsOf(command)) };
  if (command.commands.length > 0 && argument === 0)
    return {
      words: starting(
        current,
        command.commands
          .filter((c) => !(c as unknown as { _hidden: boolean })._hidden)
          .map((c) => ({ value: c.name(), description: c.description() })),
      ),
    };
  const declared = command.registeredArguments[argument] ?? command.registeredArguments.at(-1);
  if (declared === undefined || (argument >= command.registeredArguments.length && !declared.variadic))
    return { words: starting(current, flagsOf(command)) };
  const choices = declared.argChoices ?? (declared.name() === "word" ? program.commands.map((c) => c.name()) : []);
  return { words: starting(current, choices.map(asCandidate)), ...alsoOf(declared.name()) };
}

const asCandidate = (value: string): Candidate => ({ value });

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find((o) => o.long === flag || o.short === flag);

const flagsOf = (command: Command): Candidate[] => [
  ...command.options.filter((o) => !o.hidden).map((o) => ({ value: o.long ?? o.short!, description: o.description })),
  { value: "--help", description: "display help for command" },
];

function valuesOf(option: Option, current: string, prefix: string): Candidates {
  const [, what = ""] = /[<[](.*)[>\]]/.exec(option.flags) ?? [];
  const choices =
    option.argChoices ?? (option.isBoolean() || what === "yes|no" ? ["yes", "no"] : what.split("|").filter(isWord));
  return {
    words: starting(
      `${prefix}${current}`,
      choices.map((value) => ({ value: `${prefix}${value}` })),
    ),
    ...alsoOf(what),
  };
}

/** In `now|duration` the first is a word to write, the second says what to write. */
const isWord = (part: string): boolean => part === "now" || part === "off";

function alsoOf(what: string): { also?: "files" | "dirs" | "sinks" } {
  if (/sink/.test(what)) return { also: "sinks" };
  if (/file|path/.test(what)) return { also: "files" };
  return what === "dir" ? { also: "dirs" } : {};
}

const starting = (current: string, words: Candidate[]): Candidate[] => words.filter((w) => w.value.startsWith(current));
