// For screen readers: no screen, no marks, no redrawing; a sentence when something changes, and answers to a few keys.
import { emitKeypressEvents } from "node:readline";
import type { Clock } from "../src/platform/clock.ts";
import { readyOf } from "../src/status/conditions.ts";
import { rate } from "../src/status/rings.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { explain } from "../src/status/text/explain.ts";
import { counted, short } from "../src/status/text/words.ts";
import { shownSinks } from "./input/order.ts";
import type { Store } from "./session.ts";

export type PlainOptions = {
  store: Store;
  clock: Clock;
  stdout: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  quit(leaveFrame: boolean): void;
};

export type Plain = { end(): Promise<void>; done: Promise<void> };

export const PLAIN_HELP = "Keys: s status, w why the worst sink is as it is, h help, q quit.";

export function startPlain({ store, clock, stdout, stdin, quit }: PlainOptions): Plain {
  const say = (text: string) => void stdout.write(`${text}\n`);
  let seq = store.snapshot.events.at(-1)?.seq ?? 0;
  let link = store.link?.state;
  say(`outflow ${store.snapshot.version}, plain text for screen readers. ${PLAIN_HELP}`);
  for (const text of summary(store.snapshot, clock.now())) say(text);
  const unsubscribe = store.subscribe(() => {
    const { events } = store.snapshot;
    if (store.link?.state !== link) {
      link = store.link?.state;
      say(link === "lost" ? "Connection lost, reconnecting." : link === "connected" ? "Connected." : "Connecting.");
      seq = Math.min(seq, events.at(-1)?.seq ?? 0);
    }
    for (const event of events) if (event.seq > seq) say(spoken(event));
    seq = events.at(-1)?.seq ?? seq;
  });
  const pressed = (_: string | undefined, key: { name?: string; ctrl?: boolean } | undefined) => {
    const now = clock.now();
    if (key?.name === "q" || (key?.ctrl === true && key.name === "c")) {
      say("Quitting.");
      quit(false);
    }
    if (key?.name === "s") for (const text of summary(store.snapshot, now)) say(text);
    if (key?.name === "w") for (const text of whyWorst(store.snapshot, now)) say(text);
    if (key?.name === "h") say(PLAIN_HELP);
  };
  emitKeypressEvents(stdin);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("keypress", pressed);
  stdin.resume();
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    done,
    async end() {
      unsubscribe();
      stdin.off("keypress", pressed);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      finish();
    },
  };
}

function spoken({ level, text }: Snapshot["events"][number]): string {
  const word = { info: "", warn: "Warning: ", error: "Error: " }[level];
  return `${word}${text}`;
}

/** How all is, then each sink that is not ready. */
export function summary(snapshot: Snapshot, now: number): string[] {
  const { sinks, source } = snapshot;
  const bad = shownSinks(snapshot, { faultsOnly: true, sort: "worst", reverse: false, filters: {} }, now);
  const perSecond = sinks.reduce((n, s) => n + rate(s.samples, now, s.startedAt), 0);
  const ready = sinks.length - bad.length;
  return [
    sinks.length === 0
      ? "No sinks yet."
      : `${ready} of ${counted(sinks.length, "sink")} ready, ${short(perSecond)} samples a second.`,
    source.health === "ok"
      ? "The source answers."
      : source.failure === undefined
        ? "The source has not answered yet."
        : `The source fails: ${source.failure.message}`,
    ...bad.map((s) => `${s.id}: ${explain(s, source, now).headline}.`),
  ];
}

function whyWorst(snapshot: Snapshot, now: number): string[] {
  const [worst] = shownSinks(snapshot, { faultsOnly: false, sort: "worst", reverse: false, filters: {} }, now);
  if (worst === undefined) return ["No sinks yet."];
  if (readyOf(worst).status === "True") return ["All sinks are ready."];
  const { headline, parts } = explain(worst, snapshot.source, now);
  return [`${worst.id}: ${headline}.`, ...parts.map(({ label, text }) => `${label}: ${text}`)];
}
