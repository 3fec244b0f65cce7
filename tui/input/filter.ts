// The filter of a screen: a regular expression (RE2, in linear time: the data shares this thread), `!` first inverts; while it is not
// a valid one it is taken as plain text, and the screen says so. Pure.
import { RE2JS } from "re2js";

/** Of a row's texts one matches, or they do side by side: `^` and `$` are the ends of a name as well. */
export function matcher(filter: string): (...row: readonly string[]) => boolean {
  const { inverted, text } = parts(filter);
  if (text === "") return () => true;
  const { pattern } = compiled(text);
  const lower = text.toLowerCase();
  const found = (one: string) =>
    pattern === undefined ? one.toLowerCase().includes(lower) : pattern.matcher(one).find();
  return (...row) => (row.some(found) || (row.length > 1 && found(row.join(" ")))) !== inverted;
}

/** Why it is not a valid regular expression; undefined: it is one. */
export function filterProblem(filter: string): string | undefined {
  const { text } = parts(filter);
  return text === "" ? undefined : compiled(text).problem;
}

function parts(filter: string): { inverted: boolean; text: string } {
  const inverted = filter.startsWith("!");
  return { inverted, text: inverted ? filter.slice(1) : filter };
}

type Compiled = { pattern?: RE2JS; problem?: string };

/** The one in use; a frame asks for it several times. */
let last: { text: string; made: Compiled } | undefined;

function compiled(text: string): Compiled {
  if (last?.text !== text) last = { text, made: compile(text) };
  return last.made;
}

function compile(text: string): Compiled {
  try {
    return { pattern: RE2JS.compile(text, RE2JS.CASE_INSENSITIVE) };
  } catch (error) {
    return { problem: (error as Error).message.replace(/^error parsing regexp: /i, "") };
  }
}
