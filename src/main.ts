// The process: argv, signals, exit code; nothing else.

import { restoreTerminal } from "../tui/restore.ts";
import { cli } from "./cli/cli.ts";
import { printable } from "./platform/printable.ts";

/** Bun keeps running after an uncaught error while a top-level await is pending: report and end by ourselves. */
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
// A reader that has gone (outflow status | head) is no error. A terminal that has gone ends the screen, which ends the agent well.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: Error & { code?: string }) => {
    if (error.code !== "EIO") process.exit(0);
  });

cli(process.argv).then((code) => {
  process.exitCode = code;
}, crash);
