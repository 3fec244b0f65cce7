// The line of a policy's text that a problem is about, fit to be shown: what may be a credential is covered, column for column. Pure.
import type { PlacedDocument } from "./document.ts";
import type { Place } from "./policy.ts";

/** Undefined: not to be shown. A line that speaks of passwords may hold one, whatever document it is in. */
export function excerpt(document: PlacedDocument, { line }: Place): string | undefined {
  const text = document.line(line).replaceAll("\t", " ");
  if (text.length > LONGEST || /passw|stringData|token:|credential/i.test(text)) return undefined;
  const covered = text
    .replace(/(:\/\/)([^\s/"']*)(?=@)/g, (_, begin: string, info: string) => begin + cover(info))
    .replace(/([?&][^=&\s"']*=)([^&\s"'#]+)/g, (_, name: string, value: string) => name + cover(value));
  return covered;
}

const LONGEST = 400;
const cover = (text: string): string => "•".repeat(text.length);
