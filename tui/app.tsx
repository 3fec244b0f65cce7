// The Ink app: keys become intents, intents change the ui state, and state, snapshot and size become lines. Nothing is decided here.
import { useApp, useInput, useStdin, useWindowSize } from "ink";
import { useEffect, useState } from "react";
import type { Clock } from "../src/platform/clock.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import type { Palette } from "./colours.ts";
import { Frame } from "./frame.tsx";
import type { Glyphs } from "./glyphs.ts";
import { intentOf, keyName } from "./keys.ts";
import type { Line } from "./line.ts";
import { initialUi, uiReduce } from "./ui-state.ts";
import { pageOf, view } from "./view.ts";

export type Store = { readonly snapshot: Snapshot; subscribe(changed: () => void): () => void };

export type AppProps = {
  store: Store;
  clock: Clock;
  glyphs: Glyphs;
  palette: Palette;
  quit(leaveFrame: boolean): void;
  /** Stops the process as ctrl-Z does, and returns when it goes on. */
  suspend(): Promise<void>;
  /** What is on the screen. */
  drawn(lines: readonly Line[]): void;
};

/** Four redraws a second at most; the agent's own tick makes one a second. */
export const REDRAW_MS = 250;

export function App({ store, clock, glyphs, palette, quit, suspend, drawn }: AppProps) {
  const { columns, rows } = useWindowSize();
  const { isRawModeSupported } = useStdin();
  const { suspendTerminal } = useApp();
  const [ui, setUi] = useState(initialUi);
  const snapshot = useSnapshot(store, clock);

  const press = (name: string) => {
    if (name === "ctrl-z") return void suspendTerminal(suspend);
    setUi((now) => {
      const intent = intentOf(name, now);
      return intent === undefined ? now : uiReduce(now, intent, store.snapshot, clock.now(), pageOf(rows));
    });
  };
  useInput(
    (input, key) => {
      const name = keyName(input, key);
      // Keys that were pressed quickly come as one text.
      for (const one of name === input ? name : [name]) press(one);
    },
    { isActive: isRawModeSupported },
  );
  useEffect(() => {
    if (ui.quitting !== undefined) quit(ui.quitting === "leave");
  }, [ui.quitting, quit]);

  const lines = view(snapshot, ui, clock.now(), columns, rows, glyphs);
  drawn(lines);
  return <Frame lines={lines} palette={palette} />;
}

/** The store's snapshot, at most every REDRAW_MS a new one. */
function useSnapshot(store: Store, clock: Clock): Snapshot {
  const [snapshot, setSnapshot] = useState(store.snapshot);
  useEffect(() => {
    const ended = new AbortController();
    let waiting = false;
    const unsubscribe = store.subscribe(() => {
      if (waiting) return;
      waiting = true;
      void clock.sleep(REDRAW_MS, ended.signal).then((elapsed) => {
        waiting = false;
        if (elapsed) setSnapshot(store.snapshot);
      });
    });
    return () => {
      unsubscribe();
      ended.abort();
    };
  }, [store, clock]);
  return snapshot;
}
