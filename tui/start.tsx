// The terminal UI over an agent, this process' own or another: takes the terminal at start, gives it back at end(). Loaded only where
// there is a terminal.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { render } from "ink";
import { type Clock, systemClock } from "../src/platform/clock.ts";
import type { Actions } from "../src/status/actions.ts";
import { App } from "./app.tsx";
import { paint, paletteFor } from "./colours.ts";
import { glyphsFor } from "./glyphs.ts";
import { type Line, plainText } from "./line.ts";
import { Meter } from "./meter.ts";
import { type Plain, startPlain } from "./plain.ts";
import { Session, type Store } from "./session.ts";

export type { Store } from "./session.ts";

export type TuiOptions = {
  store: Store;
  env: Readonly<Record<string, string | undefined>>;
  /** What may be done to the agent; else a sentence why not. */
  actions(): Actions | string;
  /** The user wants to end, or the terminal has gone. Called once; the screen stays until end(). */
  quit(leaveFrame: boolean): void;
  clock?: Clock;
  stdout?: NodeJS.WriteStream;
  stdin?: NodeJS.ReadStream;
  /** At least this long between two drawings. */
  redrawMs?: number | undefined;
  /** Plain lines for a screen reader in place of a screen. */
  screenReader?: boolean;
};

export type Tui = {
  /** Gives the terminal back; leaves the last frame there if the user asked for it. */
  end(): Promise<void>;
  /** Resolves when the terminal was given back, whoever ended it. */
  done: Promise<void>;
};

export function startTui(options: TuiOptions): Tui {
  const { store, env, actions, clock = systemClock, stdout = process.stdout, stdin = process.stdin } = options;
  let leaveFrame = false;
  let quitting = false;
  const quit = (leave: boolean) => {
    if (quitting) return;
    quitting = true;
    leaveFrame = leave;
    options.quit(leave);
  };
  // A terminal that was closed: writing fails (EIO), reading ends.
  const gone = () => quit(false);
  stdout.on("error", gone);
  stdin.on("end", gone);
  stdin.on("error", gone);
  const forget = () => {
    stdout.off("error", gone);
    stdin.off("end", gone);
    stdin.off("error", gone);
  };
  if (options.screenReader === true || env.INK_SCREEN_READER === "true") {
    const plain: Plain = startPlain({ store, clock, stdout, stdin, quit });
    return { end: () => plain.end().then(forget), done: plain.done };
  }
  const palette = paletteFor(env);
  const session = new Session({ store, clock, actions, save, quit });
  const meter = new Meter(clock);
  let frame: readonly Line[] = [];
  const ink = render(
    <App
      store={store}
      session={session}
      clock={clock}
      meter={meter}
      glyphs={glyphsFor(env)}
      palette={palette}
      acts={() => typeof actions() !== "string"}
      suspend={suspendProcess}
      redrawMs={options.redrawMs}
      drawn={(lines) => {
        frame = lines;
      }}
    />,
    {
      stdout,
      stdin,
      exitOnCtrlC: false,
      alternateScreen: true,
      incrementalRendering: true,
      maxFps: 10,
      patchConsole: true,
      interactive: true,
      onRender: () => meter.end(),
    },
  );
  const done = ink.waitUntilExit().then(() => {
    forget();
    if (!leaveFrame) return;
    const last = frame.findLastIndex((l) => plainText(l).trim() !== "");
    const text = frame.slice(0, last).map((l) => paint(l, palette).trimEnd());
    stdout.write(`${text.join("\n").trimEnd()}\n`);
  });
  return {
    async end() {
      ink.unmount();
      await done;
    },
    done,
  };
}

/** In the working directory, never over a file that is there. */
async function save(name: string, text: string): Promise<string> {
  const path = resolve(name);
  await writeFile(path, text, { flag: "wx", mode: 0o600 });
  return path;
}

/** What the shell's ctrl-Z does where the terminal does not do it, being in raw mode. */
async function suspendProcess(): Promise<void> {
  const continued = new Promise<void>((resolve) => process.once("SIGCONT", () => resolve()));
  process.kill(process.pid, "SIGTSTP");
  await continued;
}
