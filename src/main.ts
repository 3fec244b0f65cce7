// The process: argv, signals, exit code; nothing else.

import { restoreTerminal } from "../tui/restore.ts";
import { cli } from "./cli/cli.ts";
import { printable } from "./platform/printable.ts";

/** Bun keeps running after an uncaught error while a top-level await is pending: report it and exit. */
function crash(error: unknown): never {
  restoreTerminal();
  const lines = String(error instanceof Error ? (error.stack ?? error.message) : error).split("\n");
  const text = lines.map((line) => printable(line)).join("\n");
  process.stderr.write(
    `outflow: a bug: ${text}\nPlease report it with the lines above. Nothing is lost: cursors move only when samples are settled.\n`,
  );
  process.exit(1);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
// A reader that has gone (outflow check | head -1) changes no verdict, and a log that cannot be written ends no agent: who writes without
// end (run, status --watch) listens for this.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/** A message of an error is short; if not even that can be written, nobody reads it. */
const UNREAD_MS = 1_000;

/** Ends the process, whatever is still open, once its output is written. */
async function end(code: number): Promise<never> {
  process.exitCode = code;
  const written = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((done) => void stream.write("", () => done())),
  );
  const unread = new Promise<void>((done) => {
    if (code === 2) setTimeout(done, UNREAD_MS);
  });
  await Promise.race([Promise.all(written), unread]);
  process.exit(code);
}

cli(process.argv).then(end, crash);
