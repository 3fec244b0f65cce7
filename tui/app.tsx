// The Ink app: keys go to the session; its ui state, the snapshot and the size become lines, which painter.ts writes. Nothing is
// decided here.
import { Text, useApp, useInput, useStdin, useStdout, useWindowSize } from "ink";
import { useEffect, useReducer } from "react";
import type { Clock } from "../src/platform/clock.ts";
import type { Glyphs } from "./drawing/glyphs.ts";
import type { Line } from "./drawing/line.ts";
import { keyName, keyOf } from "./input/key-names.ts";
import type { Meter } from "./meter.ts";
import { redrawer } from "./redraw.ts";
import { linesOfPage, view } from "./screens/view.ts";
import type { Session, Store } from "./session.ts";

export type AppProps = {
  store: Store;
  session: Session;
  clock: Clock;
  meter: Meter;
  glyphs: Glyphs;
  /** Actions are allowed at present. */
  acts(): boolean;
  /** Stops the process as ctrl-Z does, and returns when it continues. */
  suspend(): Promise<void>;
  /** Writes a frame; `page`: how many lines its scrolling part has; `size`: of the terminal it is for, `80x24`. */
  draw(lines: readonly Line[], page: number, size: string): void;
  redrawMs?: number | undefined;
};

export function App({ store, session, clock, meter, glyphs, acts, suspend, draw, redrawMs }: AppProps) {
  useWindowSize(); // draws again when it changes
  // As it is now: between a change and the news of it a frame would be drawn for a terminal that no longer exists.
  const { columns = 80, rows = 24 } = useStdout().stdout as NodeJS.WriteStream;
  const { isRawModeSupported } = useStdin();
  const { suspendTerminal } = useApp();
  const [, redraw] = useReducer((n: number) => n + 1, 0);

  useInput(
    (input, key) => {
      const name = keyName(input, key);
      // Keys that were pressed quickly come as one text.
      for (const one of name === input ? [...name].map(keyOf) : [name]) {
        if (one === "ctrl-z") void suspendTerminal(suspend).then(redraw);
        else session.press(one, linesOfPage(rows));
      }
    },
    { isActive: isRawModeSupported },
  );
  useEffect(
    () => redrawer({ store, session, clock, meter, redraw, minMs: redrawMs }),
    [store, session, clock, meter, redrawMs],
  );

  meter.begin();
  const lines = view({
    snapshot: store.snapshot,
    link: store.link,
    ui: session.ui,
    now: clock.now(),
    columns,
    rows,
    glyphs,
    acts: acts(),
  });
  // After Ink has written its own frame, which is one space.
  useEffect(() => {
    draw(lines, linesOfPage(rows), `${columns}x${rows}`);
    meter.end();
  });
  return <Text> </Text>;
}
