// The terminal UI over a store: Ink is loaded here and nowhere else, so headless never pays for it.
import { join } from "node:path";
import { terminalTaken } from "../../tui/restore.ts";
import type { Theme } from "../config/settings.ts";
import type { Clock } from "../platform/clock.ts";
import { home } from "../platform/home.ts";
import type { Actions } from "../status/actions.ts";
import type { Event } from "../status/events.ts";
import type { Link } from "../status/link.ts";
import type { Snapshot } from "../status/snapshot.ts";

type Chunk = import("../../tui/recording/chunk.ts").Chunk;

export type ScreenOptions = {
  store: { readonly snapshot: Snapshot; subscribe(changed: (event?: Event) => void): () => void; readonly link?: Link };
  clock?: Clock;
  /** What may be done to the agent; else a sentence why not. */
  actions(): Actions | string;
  stop(): void;
  redrawMs?: number;
  screenReader: boolean;
  theme?: Theme | undefined;
  /** Which keys to try first, also for somebody who has been here before. */
  hint?: boolean;
  /** A recording in place of an agent. */
  opened?: readonly Chunk[];
};

export async function startScreen({ stop, ...options }: ScreenOptions): Promise<{ end(): Promise<void> }> {
  const { startTui } = await import("../../tui/start.tsx");
  terminalTaken(!options.screenReader);
  const tui = await startTui({ ...options, env: process.env, configFile: configFile(process.env), quit: stop });
  return {
    async end() {
      await tui.end();
      terminalTaken(false);
    },
  };
}

/** Beside the policies of the user; undefined where there is no home to keep it in. */
function configFile(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const base = env.XDG_CONFIG_HOME || (home() === "/" ? "" : join(home(), ".config"));
  return base === "" ? undefined : join(base, "outflow", "screen.yaml");
}
