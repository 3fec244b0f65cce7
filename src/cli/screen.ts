// The terminal UI over a store: Ink is loaded here and nowhere else, so headless never pays for it.

import { terminalTaken } from "../../tui/restore.ts";
import type { Clock } from "../platform/clock.ts";
import type { Actions } from "../status/actions.ts";
import type { Link } from "../status/link.ts";
import type { Snapshot } from "../status/snapshot.ts";

export type ScreenOptions = {
  store: { readonly snapshot: Snapshot; subscribe(changed: () => void): () => void; readonly link?: Link };
  clock?: Clock;
  /** What may be done to the agent; else a sentence why not. */
  actions(): Actions | string;
  stop(): void;
  redrawMs?: number;
  screenReader: boolean;
};

export async function startScreen({ stop, ...options }: ScreenOptions): Promise<{ end(): Promise<void> }> {
  const { startTui } = await import("../../tui/start.tsx");
  terminalTaken(!options.screenReader);
  const tui = startTui({ ...options, env: process.env, quit: stop });
  return {
    async end() {
      await tui.end();
      terminalTaken(false);
    },
  };
}
