// 200 sinks of one receiver that is away say the same within a second: the first is logged, the others are one line with their number
// a few seconds later. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { type LogLine, line } from "./logline.ts";
import { count, counted } from "./words.ts";

/** What was said of a sink lately, and which others said the same since. */
export type Alike = {
  key: string;
  level: LogLine["level"];
  /** Of the first, without its name. */
  says: string;
  first: string;
  /** When the first line, or the last count, was logged. */
  at: EpochMs;
  /** Not logged yet: how many, and the names of some. */
  more: number;
  named: readonly string[];
};

/** How long others are collected, and how long what was said is remembered after that. */
const COLLECT_MS = 5_000;
const REMEMBER_MS = 60_000;
const NAMED = 3;
const KEPT = 50;

/** @param own the line of the event itself; undefined: it has none */
export function folded(
  alike: readonly Alike[],
  own: LogLine | undefined,
  now: EpochMs,
): { lines: LogLine[]; alike: readonly Alike[] } {
  const known = own?.alike === undefined ? -1 : alike.findIndex((a) => a.key === own.alike?.key);
  const isNews = known < 0 || alike[known]?.first === own?.alike?.sink;
  const lines = own !== undefined && isNews ? [own] : [];
  if (alike.length === 0 && own?.alike === undefined) return { lines, alike };
  const kept: Alike[] = [];
  alike.forEach((a, i) => {
    let one = i === known && !isNews && own?.alike !== undefined ? withOne(a, own.alike.sink) : a;
    const since = now - one.at;
    if (one.more > 0 && (since >= COLLECT_MS || since < 0)) {
      lines.push(summed(one));
      one = { ...one, at: now, more: 0, named: [] };
    }
    if (one.more > 0 || (since >= 0 && since < REMEMBER_MS) || one.at === now) kept.push(one);
  });
  if (own?.alike !== undefined && known < 0) {
    const { key, says, sink } = own.alike;
    kept.push({ key, says, level: own.level, first: sink, at: now, more: 0, named: [] });
  }
  const same = kept.length === alike.length && kept.every((a, i) => a === alike[i]);
  return { lines, alike: same ? alike : kept.slice(-KEPT) };
}

const withOne = (a: Alike, sink: string): Alike => ({
  ...a,
  more: a.more + 1,
  named: a.named.length < NAMED ? [...a.named, sink] : a.named,
});

function summed({ level, more, named, first, says }: Alike): LogLine {
  const others = more > named.length ? ` and ${count(more - named.length)} more` : "";
  return line(level, `${counted(more, "other sink")} like ${first} (${named.join(", ")}${others}): ${says}`, {
    sinks: more,
  });
}
