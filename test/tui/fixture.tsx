// A small program for tests in a real terminal: the TUI over a scripted agent. Typed commands on a second channel (a file that is
// read again each tick) break and mend the sink, or end the program in the ways that must give the terminal back.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../../src/platform/clock.ts";
import type { Actions } from "../../src/status/actions.ts";
import type { Event } from "../../src/status/events.ts";
import { StatusStore } from "../../src/status/store.ts";
import { restoreTerminal, terminalTaken } from "../../tui/restore.ts";
import { serverError, sinkInfo } from "../status/scenes.ts";

const script = process.argv[2] ?? "";
const store = new StatusStore();
const id = "default/edge/cloud";
const quiet = "default/edge/archive";
type Script<E = Event> = E extends Event ? Omit<E, "at"> : never;
const send = (event: Script) => store.dispatch({ ...event, at: systemClock.now() } as Event);

function crash(error: unknown): never {
  restoreTerminal();
  process.stderr.write(`crashed: ${String(error)}\n${"  at a line of the report\n".repeat(8)}end of the report\n`);
  process.exit(1);
}

function deliver(): void {
  const now = systemClock.now();
  send({
    type: "window-read",
    id,
    source: "metrics",
    from: now - 20_000,
    to: now - 5_000,
    read: 100,
    series: 100,
    bytes: 4_000,
    durationMs: 3,
    sourceNow: now,
    dropped: {},
  });
  send({
    type: "attempt-ended",
    id,
    attempt: 1,
    maxAttempts: 3,
    samples: 100,
    bytes: 900,
    durationMs: 4,
    inFlight: 0,
    result: { kind: "delivered", status: 204 },
  });
  send({ type: "cursor-moved", id, source: "metrics", cursor: now - 5_000, sourceNow: now });
}

function fail(attempt: number): void {
  const now = systemClock.now();
  const { reason, message } = serverError;
  send({
    type: "attempt-ended",
    id,
    attempt,
    maxAttempts: 3,
    samples: 100,
    bytes: 900,
    durationMs: 4,
    inFlight: 0,
    result: { kind: "failed", ...serverError },
  });
  send({ type: "backing-off", id, attempt, maxAttempts: 3, since: now, retryAt: now + 60_000, reason, message });
}

async function main(): Promise<void> {
  send({
    type: "agent-started",
    version: "9.9.9",
    sourceUrl: "http://127.0.0.1:8428",
    stateDir: "/tmp/state",
    listen: "127.0.0.1:9009",
  });
  send({
    type: "policies-loaded",
    policies: [
      { id: "default/edge", generation: 1, file: "a.yaml", sinks: [id, quiet], yaml: "kind: ExportPolicy\nspec: {}" },
    ],
    problems: [],
    files: 1,
    ok: true,
  });
  for (const sink of [id, quiet]) send({ type: "sink-started", sink: sinkInfo(sink) });
  send({ type: "source-answered", kind: "victoriametrics", clockDifferenceMs: 0 });
  const ended = new AbortController();
  const { startTui } = await import("../../tui/start.tsx");
  terminalTaken(true);
  const actions: Actions = {
    async act(sink, action) {
      if (action === "retry") deliver();
      else send({ type: action === "pause" ? "sink-paused" : "sink-resumed", id: sink });
      return { ok: true, message: `${sink} was told to ${action}.` };
    },
    async reload() {
      return { ok: false, message: "1 problem in the policies; the last good version keeps running." };
    },
  };
  const tui = await startTui({
    store,
    env: process.env,
    actions: () => (process.env.READ_ONLY === "1" ? "Actions are disabled: --read-only." : actions),
    quit: () => ended.abort(),
    screenReader: process.env.SCREEN_READER === "1",
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => ended.abort());
  let done = 0;
  do {
    const commands = existsSync(script)
      ? readFileSync(script, "utf8")
          .split("\n")
          .filter((c) => c !== "")
      : [];
    for (const command of commands.slice(done)) {
      if (command === "deliver") deliver();
      if (command === "fail") for (const attempt of [1, 2]) fail(attempt);
      if (command === "throw")
        setTimeout(() => {
          throw new Error("thrown on purpose");
        }, 0);
      if (command === "print") console.log("a line that must not tear the frame");
    }
    done = commands.length;
    send({ type: "tick" });
  } while (await systemClock.sleep(200, ended.signal));
  await tui.end();
  terminalTaken(false);
  if (script !== "") writeFileSync(`${script}.ended`, "well");
  process.stdout.write("ended well\n");
  process.exit(0);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
main().catch(crash);
