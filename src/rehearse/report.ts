// What a rehearsal found, for people and for programs: sinks that lose most first, and of each the scenarios in which it loses most. Pure.
import { formatDuration } from "../config/duration.ts";
import { printable, printableJson } from "../platform/printable.ts";
import { age, bytes, count, counted, short } from "../status/text/words.ts";
import { type Remedy, remedies, type SinkSettings } from "./remedies.ts";
import type { Outcome } from "./run.ts";

/** Samples and bytes as they would be, whatever part of them was modelled. */
export type Rehearsal = {
  /** Where the modelled series are from, in words. */
  from: string;
  scenarios: {
    name: string;
    title: string;
    forMs: number;
    /** Of so many series one was modelled. */
    oneOf: number;
    sinks: Outcome[];
  }[];
  settings: ReadonlyMap<string, SinkSettings>;
  warnings: string[];
};

/** The sums of a scenario, times `by`: requests and times are as modelled. */
export function scaled(outcome: Outcome, by: number): Outcome {
  const up = (n: number) => Math.round(n * by);
  return {
    ...outcome,
    read: up(outcome.read),
    delivered: up(outcome.delivered),
    dropped: Object.fromEntries(Object.entries(outcome.dropped).map(([reason, n]) => [reason, up(n)])),
    skipped: up(outcome.skipped),
    had: up(outcome.had),
    lost: up(outcome.lost),
    repeats: up(outcome.repeats),
    peakBytes: up(outcome.peakBytes),
  };
}

export const losesAny = ({ scenarios }: Rehearsal): boolean =>
  scenarios.some(({ sinks }) => sinks.some((s) => s.lost > 0));

type Row = Outcome & { scenario: string };

/** Worst first: what is lost, what has not caught up, what comes latest. */
const worse = (a: Row, b: Row): number =>
  b.lost - a.lost ||
  Number(b.caughtUpMs === undefined) - Number(a.caughtUpMs === undefined) ||
  b.worstDelayMs - a.worstDelayMs;

const MOST_SINKS = 10;
const HEAD = `  ${"scenario".padEnd(14)}${["read", "stored", "lost", "repeat", "median", "worst", "caught", "memory", "reqs"].map((h) => h.padStart(7)).join("")}`;

export function rehearsalText(rehearsal: Rehearsal): string {
  const { from, scenarios, settings, warnings } = rehearsal;
  const bySink = [...settings.keys()]
    .map((id) => {
      const rows = scenarios.flatMap(({ name, sinks }) =>
        sinks.filter((s) => s.id === id).map((s): Row => ({ ...s, scenario: name })),
      );
      return { id, rows: rows.sort(worse), lost: rows.reduce((n, { lost }) => n + lost, 0) };
    })
    .filter(({ rows }) => rows.length > 0)
    .sort((a, b) => b.lost - a.lost);
  const lines = ["Nothing was sent: the policies ran in fast time between models.", ...wrapped(from, "")];
  const thinnedOut = scenarios
    .filter(({ oneOf }) => oneOf > 1)
    .map(({ name, oneOf }) => `${name} 1 of ${count(oneOf)}`);
  if (thinnedOut.length > 0)
    lines.push(...wrapped(`Modelled with a part of the series and of batch.maxSize: ${thinnedOut.join(", ")}.`, ""));
  lines.push("", "Scenarios");
  for (const { name, title, forMs } of scenarios)
    lines.push(`  ${name.padEnd(16)}${title.replace("{for}", formatDuration(forMs))}`);
  for (const { id, rows } of bySink.slice(0, MOST_SINKS)) {
    lines.push("", printable(id, COLUMNS), HEAD);
    for (const row of rows) lines.push(rowText(row));
    for (const remedy of remediesOf(rows, settings.get(id)!)) lines.push(...wrapped(remedyText(remedy), "  "));
  }
  if (bySink.length > MOST_SINKS)
    lines.push("", `${counted(bySink.length - MOST_SINKS, "more sink")} with less or no loss: -o json lists them.`);
  const worst = bySink.filter(({ lost }) => lost > 0).length;
  lines.push(
    "",
    worst === 0 ? "Nothing would be lost." : `${counted(worst, "sink")} of ${count(bySink.length)} would lose samples.`,
  );
  if (warnings.length > 0) lines.push("", "Warnings", ...warnings.flatMap((w) => wrapped(printable(w, 500), "  ")));
  return `${lines.join("\n")}\n`;
}

function rowText(row: Row): string {
  const cells = [
    short(row.read),
    short(row.delivered),
    short(row.lost),
    short(row.repeats),
    row.medianDelayMs === undefined ? "-" : age(row.medianDelayMs),
    row.delivered === 0 ? "-" : age(row.worstDelayMs),
    row.caughtUpMs === undefined ? "no" : age(row.caughtUpMs),
    bytes(row.peakBytes).replace(/ /, ""),
    short(row.requests),
  ];
  return `  ${row.scenario.padEnd(14)}${cells.map((cell) => cell.padStart(7)).join("")}`;
}

type Found = Remedy & { scenarios: string[]; samples: number };

/** Each cause once, with the scenarios in which it lost something. */
function remediesOf(rows: readonly Row[], settings: SinkSettings): Found[] {
  const found = new Map<string, Found>();
  for (const row of rows)
    for (const { samples, ...remedy } of remedies(row, settings)) {
      const known = found.get(remedy.cause) ?? { ...remedy, scenarios: [], samples: 0 };
      known.scenarios.push(row.scenario);
      known.samples = Math.max(known.samples, samples);
      found.set(remedy.cause, known);
    }
  return [...found.values()];
}

const remedyText = ({ scenarios, cause, remedy, samples }: Found): string =>
  `! ${scenarios.join(", ")}: up to ${counted(samples, "sample")} lost: ${cause}. ${remedy}`;

const COLUMNS = 80;

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > COLUMNS)
      lines.push(`${indent}${lines.length > 0 && indent !== "" ? "  " : ""}${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** Version 1 of the document: fields may be added, none is renamed or removed. */
export function rehearsalDocument({ from, scenarios, settings, warnings }: Rehearsal): object {
  return {
    version: 1,
    from,
    scenarios: scenarios.map(({ name, title, forMs, oneOf, sinks }) => ({
      name,
      title: title.replace("{for}", formatDuration(forMs)),
      forSeconds: forMs / 1000,
      modelledOneOf: oneOf,
      sinks: sinks.map((s) => ({
        id: s.id,
        read: s.read,
        delivered: s.delivered,
        dropped: s.dropped,
        skipped: s.skipped,
        lost: s.lost,
        repeats: s.repeats,
        requests: s.requests,
        faultRequests: s.faultRequests,
        medianDelaySeconds: s.medianDelayMs === undefined ? null : round(s.medianDelayMs / 1000),
        worstDelaySeconds: round(s.worstDelayMs / 1000),
        caughtUpSeconds: s.caughtUpMs === undefined ? null : round(s.caughtUpMs / 1000),
        peakBytes: s.peakBytes,
        remedies: remedies(s, settings.get(s.id)!),
      })),
    })),
    warnings,
  };
}

export const rehearsalJson = (rehearsal: Rehearsal): string => `${printableJson(rehearsalDocument(rehearsal))}\n`;

const round = (n: number): number => Math.round(n * 1000) / 1000;
