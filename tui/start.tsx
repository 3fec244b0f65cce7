// The terminal UI over a running agent: takes the terminal at start, gives it back at end(). Loaded only where there is a terminal.
import { render } from "ink";
import { type Clock, systemClock } from "../src/platform/clock.ts";
import { App, type Store } from "./app.tsx";
import { paint, paletteFor } from "./colours.ts";
import { glyphsFor } from "./glyphs.ts";
import { type Line, plainText } from "./line.ts";

export type TuiOptions = {
  store: Store;
  env: Readonly<Record<string, string | undefined>>;
  /** The user wants to end. Called once; the screen stays until end(). */
  quit(leaveFrame: boolean): void;
  clock?: Clock;
  stdout?: NodeJS.WriteStream;
  stdin?: NodeJS.ReadStream;
};

export type Tui = {
  /** Gives the terminal back; leaves the last frame there if the user asked for it. */
  end(): Promise<void>;
  /** Resolves when the terminal was given back, whoever ended it. */
  done: Promise<void>;
};

export function startTui({
  store,
  env,
  quit,
  clock = systemClock,
  stdout = process.stdout,
  stdin = process.stdin,
}: TuiOptions): Tui {
  const palette = paletteFor(env);
  let frame: readonly Line[] = [];
  let leaveFrame = false;
  const app = (
    <App
      store={store}
      clock={clock}
      glyphs={glyphsFor(env)}
      palette={palette}
      quit={(leave) => {
        leaveFrame = leave;
        quit(leave);
      }}
      suspend={suspendProcess}
      drawn={(lines) => {
        frame = lines;
      }}
    />
  );
  const ink = render(app, {
    stdout,
    stdin,
    exitOnCtrlC: false,
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 10,
    patchConsole: true,
    interactive: true,
  });
  const done = ink.waitUntilExit().then(() => {
    if (!leaveFrame) return;
    const last = frame.findLastIndex((l) => plainText(l).trim() !== "");
    stdout.write(
      `${frame
        .slice(0, last)
        .map((l) => paint(l, palette).trimEnd())
        .join("\n")
        .trimEnd()}\n`,
    );
  });
  return {
    async end() {
      ink.unmount();
      await done;
    },
    done,
  };
}

/** What the shell's ctrl-Z does where the terminal does not do it, being in raw mode. */
async function suspendProcess(): Promise<void> {
  const continued = new Promise<void>((resolve) => process.once("SIGCONT", () => resolve()));
  process.kill(process.pid, "SIGTSTP");
  await continued;
}
