// Regexes are RE2's, in the form the servers compile: `^(?:RE)$`. JavaScript's own accept and refuse others.
import { RE2JSException, RE2Set } from "re2js";
import { hasRawBytes } from "./strings.ts";

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

// -- What Go's regexes take since 1.25 and re2js does not: long and loosely spelt names of Unicode categories, and groups of one
// name. In: a regex. Out: one that says the same with the names that both take. It is only used to see whether it compiles.

/** Long name, without `_` and in lower case, to short name. */
const CATEGORIES: Record<string, string> = Object.fromEntries(
  `c:other cc:control cc:cntrl cf:format cn:unassigned co:privateuse cs:surrogate l:letter lc:casedletter ll:lowercaseletter
  lm:modifierletter lo:otherletter lt:titlecaseletter lu:uppercaseletter m:mark m:combiningmark mc:spacingmark me:enclosingmark
  mn:nonspacingmark n:number nd:decimalnumber nd:digit nl:letternumber no:othernumber p:punctuation p:punct
  pc:connectorpunctuation pd:dashpunctuation pe:closepunctuation pf:finalpunctuation pi:initialpunctuation po:otherpunctuation
  ps:openpunctuation s:symbol sc:currencysymbol sk:modifiersymbol sm:mathsymbol so:othersymbol z:separator zl:lineseparator
  zp:paragraphseparator zs:spaceseparator any:ascii`
    .split(/\s+/)
    .map((pair) => pair.split(":").reverse()),
);

const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);

function category(name: string): string {
  const plain = name.replaceAll(/[ _-]/g, "").toLowerCase();
  if (plain === "lc") return "LC";
  return capital(CATEGORIES[plain] ?? plain);
}

export function likeOlder(regex: string): string {
  let groups = 0;
  return regex
    .replaceAll(/\\([pP])\{(\^?)([A-Za-z _-]+)\}/g, (_, p, not, name) => `\\${p}{${not}${category(name)}}`)
    .replaceAll(/\\([pP])([a-z])/g, (_, p, name) => `\\${p}${name.toUpperCase()}`)
    .replaceAll(/\(\?P?<[A-Za-z_0-9]+>/g, () => `(?P<g${groups++}>`);
}
