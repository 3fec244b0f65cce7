// From the text of a flag, a variable or a key to its value; an error says what is wrong and what to write instead.
import { InvalidArgumentError, Option } from "commander";
import { RE2JS } from "re2js";
import { formatDuration, parseDuration } from "./duration.ts";

type Limits = { min?: number; max?: number };

export const duration =
  ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Limits = {}) =>
  (text: string): number => {
    const ms = parseDuration(text);
    if (ms === undefined)
      throw new InvalidArgumentError(`"${text}" is not a valid duration; write for example 15s, 500ms or 1m30s`);
    if (ms < min) throw new InvalidArgumentError(`must be at least ${formatDuration(min)}`);
    if (ms > max) throw new InvalidArgumentError(`must be at most ${formatDuration(max)}`);
    return ms;
  };

export const count =
  ({ min = 1, max = Number.MAX_SAFE_INTEGER }: Limits = {}) =>
  (text: string): number => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(n))
      throw new InvalidArgumentError(`"${text}" is not a whole number`);
    if (n < min || n > max)
      throw new InvalidArgumentError(
        max === Number.MAX_SAFE_INTEGER ? `must be at least ${min}` : `must be from ${min} to ${max}`,
      );
    return n;
  };

export const list = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

/** Its value is not repeated: it may hold a password. */
export const url = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError("not a valid http or https URL; write for example http://127.0.0.1:8428");
  return text;
};

/** The one parser of booleans, for flags, variables and the file. */
export const yesOrNo = (text: string): boolean => {
  if (/^(yes|true|on|1)$/i.test(text)) return true;
  if (/^(no|false|off|0)$/i.test(text)) return false;
  throw new InvalidArgumentError(`"${text}" is not a valid boolean; write yes or no`);
};

/** For commands where the flag itself takes no value, because a word after it is something else. Throws as a flag does. */
export function booleanVariable(name: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const text = env[name];
  if (text === undefined || text === "") return false;
  try {
    return yesOrNo(text);
  } catch (error) {
    throw new InvalidArgumentError(`${name}: ${(error as Error).message}`);
  }
}

/** `--flag` is yes; `--flag no`, its variable and its key in the file say either. */
export function booleanOption(flag: string, description: string): Option {
  const option = new Option(`${flag} [yes|no]`, description)
    .preset("yes")
    .argParser(yesOrNo)
    .default(false, "no")
    .env(`OUTFLOW_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`);
  option.negate = false; // --no-tui is a setting of that name, not the negation of another
  return option;
}

/** 0 in any unit turns it off, whatever the least duration is. */
export const zeroOr =
  (parse: (text: string) => number) =>
  (text: string): number =>
    parseDuration(text) === 0 ? 0 : parse(text);

export const orAuto =
  (parse: (text: string) => number) =>
  (text: string): number | "auto" =>
    text === "auto" ? "auto" : parse(text);

export const startBack = (text: string): number => (text === "now" ? 0 : duration()(text));

/** `name=value` of a label that is added to series; the list so far. */
export const label = (
  text: string,
  before: readonly (readonly [string, string])[] | undefined,
): (readonly [string, string])[] => {
  const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined || name === "__name__")
    throw new InvalidArgumentError(`"${text}" is not a valid label; write for example region=eu`);
  return [...(before ?? []), [name, value]];
};

/** An RE2 expression; the list so far. */
export const regex = (text: string, before: string[] | undefined): string[] => {
  try {
    RE2JS.compile(`^(?:${text})$`);
  } catch (error) {
    throw new InvalidArgumentError(`"${text}" is not a valid regular expression (RE2): ${(error as Error).message}`);
  }
  return [...(before ?? []), text];
};
