// outflow status --wait: asks again and again until all sinks are ready, and says whom it waits for whenever that changes. Also until
// the agent is there, has loaded its policies and knows the name.
import type { Clock } from "../../platform/clock.ts";
import { readyOf } from "../../status/conditions.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { count, counted } from "../../status/text/words.ts";
import { allReady, elsewhereOf, selected } from "./status-text.ts";

type Got = { ok: true; snapshot: Snapshot } | { ok: false; why: string };

export type WaitPorts = {
  clock: Clock;
  ask(): Promise<Got>;
  say(line: string): void;
  signal: AbortSignal;
};

const EVERY_MS = 250;

/** Ends when all are ready, when `timeoutMs` are over, or with the signal. */
export async function untilReady(name: string | undefined, timeoutMs: number, ports: WaitPorts): Promise<void> {
  const { clock, ask, say, signal } = ports;
  const untilMs = clock.monotonicMs() + timeoutMs;
  for (let said = ""; ; ) {
    const got = await ask();
    const waits = waitsFor(got, name);
    if (waits === undefined) {
      const idle = got.ok ? selected(got.snapshot, name).filter((sink) => readyOf(sink).reason === "Idle") : [];
      if (idle.length > 0) say(`ready, but nothing to send so far: ${listed(idle.map((sink) => sink.id))}`);
      return;
    }
    if (waits !== said) say(`waiting for ${waits}`);
    said = waits;
    if (clock.monotonicMs() >= untilMs || !(await clock.sleep(EVERY_MS, signal))) return;
  }
}

const NAMED = 3;

/** Undefined: for nothing, all are ready. */
export function waitsFor(got: Got, name: string | undefined): string | undefined {
  if (!got.ok) return `the agent: ${got.why}`;
  const { snapshot } = got;
  if (snapshot.reloads.lastAt === undefined) return "the agent to load its policies";
  const sinks = selected(snapshot, name);
  const others = elsewhereOf(snapshot, name);
  if (sinks.length + others.length === 0) return name === undefined ? "a policy with a sink" : `${name} to exist`;
  if (allReady(sinks, others)) return undefined;
  const open = [
    ...sinks.map((sink) => ({ sink: sink.id, ...readyOf(sink) })),
    ...others, // as their owners reported
  ].filter(({ status }) => status !== "True");
  const named = listed(open.map(({ sink, reason }) => `${sink} (${reason})`));
  return `${count(open.length)} of ${counted(sinks.length + others.length, "sink")}: ${named}`;
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ` and ${count(names.length - NAMED)} more` : ""}`;
