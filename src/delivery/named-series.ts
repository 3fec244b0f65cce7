// Many receivers quote the series they refuse. The words of an answer decide nothing; but where they name one series of the request,
// that one is tried first, which saves most requests of the search. Pure.
import type { Span } from "../batch/batch.ts";
import type { Label } from "../series/labels.ts";

/** The run of the only series of `span` that `text` names; undefined where it names none or several. */
export function namedRun(text: string, span: Span): number | undefined {
  const said = plain(text);
  if (said === "") return undefined;
  let found: number | undefined;
  for (let run = span.firstRun; run < span.endRun; run++) {
    const labels = span.frame.table.labels(span.frame.runSeries[run]!);
    if (!spellings(labels).some((spelling) => names(said, spelling))) continue;
    if (found !== undefined) return undefined;
    found = run;
  }
  return found;
}

/** Quotes, escapes and spaces differ between receivers. */
const plain = (text: string): string =>
  text.replace(/[\s"'`\\]/g, (c) => (/\s/.test(c) ? " " : "")).replace(/([,{=]) +/g, "$1");

/** name{a=b} and {__name__=name,a=b}, as servers print a series. */
function spellings(labels: readonly Label[]): string[] {
  const name = labels.find(([n]) => n === "__name__")?.[1] ?? "";
  const list = (of: readonly Label[]) => of.map(([n, value]) => plain(`${n}=${value}`)).join(",");
  const rest = labels.filter(([n]) => n !== "__name__");
  return [`{${list(labels)}}`, rest.length === 0 ? plain(name) : `${plain(name)}{${list(rest)}}`];
}

/** As a whole: not as a part of a longer name. */
function names(said: string, spelling: string): boolean {
  for (let at = said.indexOf(spelling); at >= 0; at = said.indexOf(spelling, at + 1)) {
    const before = said[at - 1] ?? " ";
    const after = said[at + spelling.length] ?? " ";
    const part = (c: string) => /[\w:]/.test(c);
    if (!part(before) && (spelling.endsWith("}") || !(part(after) || after === "{"))) return true;
  }
  return false;
}
