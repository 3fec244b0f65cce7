// Regexes are RE2's, in the form the servers compile: `^(?:RE)$`. JavaScript's own accept and refuse others.
import { RE2JSException, RE2Set } from "re2js";
import { hasRawBytes } from "./bytes.ts";
import { likeOlder } from "./regex-names.ts";

/** What is wrong with the regex; undefined if nothing. */
export function checkRegex(value: string): string | undefined {
  if (hasRawBytes(value)) return "it holds bytes that are not UTF-8";
  const problem = problemOf(value);
  if (problem === undefined) return undefined;
  const older = likeOlder(value);
  return older !== value && problemOf(older) === undefined ? undefined : problem;
}

function problemOf(value: string): string | undefined {
  try {
    // A set parses what is added to it and compiles nothing until it matches: a tenth of the cost of a compiled regex.
    new RE2Set().add(`^(?:${value})$`);
    return undefined;
  } catch (e) {
    if (!(e instanceof RE2JSException)) return "it is too large or nested too deep";
    return e.message.replace(/^error parsing regexp: /, "").slice(0, 200);
  }
}
