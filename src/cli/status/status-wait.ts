// outflow status --wait: asks again and again until data arrives at all sinks, and says whom it waits for whenever that changes. Also
// until the agent is there, has loaded its policies and knows the name. A sink whose queries select nothing is ready (Idle), and one that
// delivered before a restart is reported so; data arrives there once a batch was taken.
import { formatDuration } from "../../config/duration.ts";
import type { Clock } from "../../platform/clock.ts";
import { readyOf } from "../../status/conditions.ts";
import type { SinkState, Snapshot } from "../../status/snapshot.ts";
import { count, counted } from "../../status/text/words.ts";
import { elsewhereOf, selected } from "./status-text.ts";

type Got = { ok: true; snapshot: Snapshot } | { ok: false; why: string };

export type WaitPorts = {
  clock: Clock;
  ask(): Promise<Got>;
  say(line: string): void;
  signal: AbortSignal;
};

const EVERY_MS = 250;

/** Ends when data arrives at all, when `timeoutMs` are over, or with the signal. */
export async function untilArriving(name: string | undefined, timeoutMs: number, ports: WaitPorts): Promise<void> {
  const { clock, ask, say, signal } = ports;
  const untilMs = clock.monotonicMs() + timeoutMs;
  for (let said = ""; ; ) {
    const got = await ask();
    const waits = waitsFor(got, name);
    if (waits === undefined) return;
    if (waits !== said) say(`waiting for ${waits}`);
    said = waits;
    if (clock.monotonicMs() >= untilMs) return say(`not within ${formatDuration(timeoutMs)} (--timeout)`);
    if (!(await clock.sleep(EVERY_MS, signal))) return;
  }
}

const NAMED = 3;

/** Undefined: for nothing, data arrives at all. */
export function waitsFor(got: Got, name: string | undefined): string | undefined {
  if (!got.ok) return `the agent: ${got.why}`;
  const { snapshot } = got;
  if (snapshot.reloads.lastAt === undefined) return "the agent to load its policies";
  const sinks = selected(snapshot, name);
  const others = elsewhereOf(snapshot, name);
  if (sinks.length + others.length === 0) return name === undefined ? "a policy with a sink" : `${name} to exist`;
  const open = [
    ...sinks.flatMap((sink) => (arrives(sink) ? [] : [`${sink.id} (${whyNot(sink)})`])),
    // As their owners reported.
    ...others.flatMap(({ sink, status, reason }) => (status === "True" ? [] : [`${sink} (${reason})`])),
  ];
  if (open.length === 0) return undefined;
  const named = open.slice(0, NAMED);
  const more = open.length > NAMED ? ` and ${count(open.length - NAMED)} more` : "";
  return `${count(open.length)} of ${counted(sinks.length + others.length, "sink")}: ${named.join(", ")}${more}`;
}

const arrives = (sink: SinkState): boolean => readyOf(sink).status === "True" && sink.lastSuccessAt !== undefined;

function whyNot(sink: SinkState): string {
  const { status, reason } = readyOf(sink);
  if (status !== "True") return reason;
  return reason === "Idle" ? "Idle: its queries select nothing" : `${reason} before the agent restarted`;
}
