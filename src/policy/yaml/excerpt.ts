// The line of a policy's text that a problem is about, fit to be shown: what may be a credential is covered, column for column, and
// nothing is shown of a field that nobody knows: it may be a password in the wrong place. Pure.

import type { Problem } from "../policy.ts";
import type { PlacedDocument } from "./document.ts";

/** `unknown`: those of the problems that are about a field that nobody knows. */
export function withExcerpts(
  document: PlacedDocument,
  problems: readonly Problem[],
  unknown: readonly Problem[],
): Problem[] {
  const cuts = new Map<number, number>();
  for (const { place } of unknown) cuts.set(place.line, Math.min(place.column, cuts.get(place.line) ?? place.column));
  return problems.map((problem) => {
    const { line, column } = problem.place;
    const cut = cuts.get(line);
    if (cut !== undefined && column > cut) return problem;
    const shown = excerpt(cut === undefined ? document.line(line) : keyOnly(document.line(line), cut));
    return shown === undefined ? problem : { ...problem, excerpt: shown };
  });
}

function keyOnly(text: string, column: number): string {
  const end = text.indexOf(":", column - 1);
  return end < 0 ? text.slice(0, column - 1) : `${text.slice(0, end)}: …`;
}

/** Undefined: not to be shown. A line that speaks of passwords may hold one, whatever document it is in. */
function excerpt(line: string): string | undefined {
  const text = line.replaceAll("\t", " ");
  if (text.length > LONGEST || /passw|stringData|token:|credential/i.test(text)) return undefined;
  return text
    .replace(
      /(https?:\/\/)?([^\s"']+)(?=@)/gi,
      (_, begin: string | undefined, info: string) => (begin ?? "") + cover(info),
    )
    .replace(/([?&][^=&\s"']*=)([^&\s"'#]+)/g, (_, name: string, value: string) => name + cover(value));
}

const LONGEST = 400;
const cover = (text: string): string => "•".repeat(text.length);
