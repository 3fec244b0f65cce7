// From the text of a flag, a variable or a key to its value; what cannot be is told with what to write instead.
import { InvalidArgumentError } from "commander";
import { RE2JS } from "re2js";
import { formatDuration, parseDuration } from "./duration.ts";

type Limits = { min?: number; max?: number };

export const duration =
  ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Limits = {}) =>
  (text: string): number => {
    const ms = parseDuration(text);
    if (ms === undefined)
      throw new InvalidArgumentError(`"${text}" is no duration; write for example 15s, 500ms or 1m30s.`);
    if (ms < min) throw new InvalidArgumentError(`must be at least ${formatDuration(min)}.`);
    if (ms > max) throw new InvalidArgumentError(`must be at most ${formatDuration(max)}.`);
    return ms;
  };

export const count =
  ({ min = 1, max = Number.MAX_SAFE_INTEGER }: Limits = {}) =>
  (text: string): number => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(n))
      throw new InvalidArgumentError(`"${text}" is no whole number.`);
    if (n < min || n > max) throw new InvalidArgumentError(`must be from ${min} to ${max}.`);
    return n;
  };

export const list = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

export const url = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError(`"${text}" is no http or https address; write for example http://127.0.0.1:8428.`);
  }
  return text;
};

export const yesOrNo = (text: string): boolean => {
  if (/^(yes|true|1)$/i.test(text)) return true;
  if (/^(no|false|0)$/i.test(text)) return false;
  throw new InvalidArgumentError(`"${text}" is neither yes nor no.`);
};

/** 0 turns it off, whatever the least duration is. */
export const zeroOr =
  (parse: (text: string) => number) =>
  (text: string): number =>
    text === "0" ? 0 : parse(text);

export const startBack = (text: string): number => (text === "now" ? 0 : duration()(text));

/** `name=value` of a label that is added to series; the list so far. */
export const label = (
  text: string,
  before: readonly (readonly [string, string])[] | undefined,
): (readonly [string, string])[] => {
  const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined || name === "__name__")
    throw new InvalidArgumentError(`"${text}" is no label; write for example region=eu.`);
  return [...(before ?? []), [name, value]];
};

/** An RE2 expression; the list so far. */
export const regex = (text: string, before: string[] | undefined): string[] => {
  try {
    RE2JS.compile(`^(?:${text})$`);
  } catch (error) {
    throw new InvalidArgumentError(`"${text}" is no regular expression (RE2): ${(error as Error).message}.`);
  }
  return [...(before ?? []), text];
};
