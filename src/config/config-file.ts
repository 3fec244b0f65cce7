// The YAML file of --config: its keys are the names of flags. What a flag or a variable sets wins over it.
import { readFileSync } from "node:fs";
import type { Command, Option } from "commander";
import { parse } from "yaml";
import { didYouMean } from "../platform/nearest.ts";
import { runOptions } from "./settings.ts";

/** Sets what the file gives and nothing else has set. Settings that only other commands know are passed over. Ends as a usage error. */
export function applyConfigFile(command: Command): void {
  const { config: file } = command.opts<{ config?: string }>();
  if (file === undefined) return;
  for (const [key, value] of Object.entries(readMapping(command, file))) {
    const option = command.options.find((o) => o.name() === key && key !== "config");
    if (option === undefined) {
      const known = runOptions().map((o) => o.name());
      if (known.includes(key) && key !== "config") continue;
      command.error(`error: ${file}: unknown setting ${key}${didYouMean(key, known)}; docs/settings.md lists them`);
      return;
    }
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== "default" && command.getOptionValue(name) !== undefined) continue;
    try {
      command.setOptionValueWithSource(name, parsed(option, value), "config");
    } catch (error) {
      command.error(`error: ${file}: ${key}: ${(error as Error).message}`);
    }
  }
}

function readMapping(command: Command, file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return command.error(`error: cannot read --config ${file}: ${whyNot((error as { code?: string }).code)}`);
  }
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    return command.error(`error: ${file}: not valid YAML: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return command.error(`error: ${file}: must be a mapping such as "poll-interval: 30s"`);
  return value as Record<string, unknown>;
}

function whyNot(code: string | undefined): string {
  switch (code) {
    case "ENOENT":
      return "the file does not exist";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    default:
      return code ?? "unknown reason";
  }
}

function parsed(option: Option, value: unknown): unknown {
  const items = Array.isArray(value) ? value : [value];
  if (Array.isArray(value) && !/\(repeatable/.test(option.description))
    throw new Error("must be one value, not a list");
  let result: unknown = Array.isArray(value) ? [] : undefined;
  for (const item of items) {
    if (typeof item === "object")
      throw new Error(item === null ? "has no value" : "must be a string, a number or a boolean");
    result = option.parseArg ? option.parseArg(String(item), result as string) : String(item);
  }
  return result;
}
