// outflow status --watch: on a terminal the text is redrawn in place every second; in a pipe a table continues with the rows that
// changed, as kubectl's does, and anything else is printed again when something changed.
import type { Clock } from "../../platform/clock.ts";
import { readyOf } from "../../status/conditions.ts";
import type { SinkState, Snapshot } from "../../status/snapshot.ts";
import { count } from "../../status/text/words.ts";
import { type Choice, type Output, selected, shown, table } from "./status-text.ts";

type Got = { ok: true; snapshot: Snapshot } | { ok: false; why: string };

export type WatchPorts = {
  clock: Clock;
  ask(signal: AbortSignal): Promise<Got>;
  text(snapshot: Snapshot): string;
  url: string;
  out: { isTTY?: boolean; rows?: number; columns?: number; write(text: string): unknown };
  err: { write(text: string): unknown };
  signal: AbortSignal;
};

const EVERY_MS = 1_000;

/** Until the signal; returns the last snapshot. `rows`: a table, of which rows can be added one by one. */
export async function watch(
  first: Snapshot,
  choice: Choice,
  output: Output,
  rows: boolean,
  ports: WatchPorts,
): Promise<Snapshot> {
  const { clock, ask, out, signal } = ports;
  const show = out.isTTY === true ? redrawing(ports) : appending(choice, output, rows, ports);
  let snapshot = first;
  show(snapshot, undefined);
  while (await clock.sleep(EVERY_MS, signal)) {
    const got = await ask(signal);
    if (signal.aborted) break;
    if (got.ok) snapshot = got.snapshot;
    show(snapshot, got.ok ? undefined : got.why);
  }
  return snapshot;
}

type Show = (snapshot: Snapshot, lost: string | undefined) => void;

const HOME = "\u001b[H";
const CLEAR = "\u001b[2J";
const TO_LINE_END = "\u001b[K";
const TO_SCREEN_END = "\u001b[J";

/** Each line over the one before it, so that nothing flickers; what does not fit the screen is counted. */
function redrawing({ text, url, out }: WatchPorts): Show {
  let before = CLEAR;
  return (snapshot, lost) => {
    const time = new Date(snapshot.at).toISOString().slice(0, 19);
    const head = lost === undefined ? `${url}  ${time}Z` : `${url}  ${time}Z, not reached since: ${lost}`;
    const lines = [head, "", ...text(snapshot).trimEnd().split("\n")];
    out.write(`${before}${HOME}${fitted(lines, out.rows ?? 24, out.columns ?? 80).join("\n")}${TO_SCREEN_END}`);
    before = "";
  };
}

/** At most `rows` lines of at most `columns` cells, each erasing what was there; the last says how many are missing. */
export function fitted(lines: readonly string[], rows: number, columns: number): string[] {
  const room = lines.length <= rows ? lines : lines.slice(0, rows - 1);
  const missing = lines.length - room.length;
  const all = missing === 0 ? room : [...room, `… ${count(missing)} more lines: outflow status without --watch`];
  return all.map((line) => `${line.slice(0, columns)}${line.length < columns ? TO_LINE_END : ""}`);
}

function appending(choice: Choice, output: Output, rows: boolean, { text, url, out, err }: WatchPorts): Show {
  let before: ReadonlyMap<string, string> | undefined;
  let wasLost = false;
  return (snapshot, lost) => {
    if (lost !== undefined && !wasLost) err.write(`outflow: no state from ${url}: ${lost}\n`);
    wasLost = lost !== undefined;
    const sinks = selected(snapshot, choice.name);
    const now = new Map(sinks.map((sink) => [sink.id, reported(sink)]));
    const known = before;
    before = now;
    if (known === undefined) return void out.write(text(snapshot));
    const changed = sinks.filter((sink) => known.get(sink.id) !== now.get(sink.id));
    if (changed.length === 0 && known.size === now.size) return;
    if (!rows || (output !== "table" && output !== "wide"))
      return void out.write(`${output === "yaml" ? "---\n" : "\n"}${text(snapshot)}`);
    // A sink that is ready again is worth its row, also where only those that are not are asked for.
    const some = shown(changed, { ...choice, notReady: false }, snapshot.at);
    if (some.length > 0) out.write(table(some, snapshot.at, output === "wide", false));
  };
}

const reported = (sink: SinkState): string => {
  const { status, reason, observedGeneration } = readyOf(sink);
  return `${status} ${reason} ${observedGeneration}`;
};
