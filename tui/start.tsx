// The terminal UI over an agent, this process' own, another, or a recorded one: takes the terminal at start, gives it back at end().
// Loaded only where there is a terminal.
import { render } from "ink";
import { type Clock, systemClock } from "../src/platform/clock.ts";
import type { Actions } from "../src/status/actions.ts";
import { App } from "./app.tsx";
import { configIn, keep } from "./config-file.ts";
import { type Glyphs, glyphsFor } from "./drawing/glyphs.ts";
import { type Line, plainText } from "./drawing/line.ts";
import {
  type Background,
  backgroundFrom,
  depthOf,
  type Palette,
  paint,
  paletteOf,
  type ThemeName,
} from "./drawing/theme.ts";
import { holdConsole } from "./held-console.ts";
import { initialUi } from "./input/ui-state.ts";
import { Meter } from "./meter.ts";
import { clicked } from "./mouse.ts";
import { painter } from "./painter.ts";
import type { Chunk } from "./recording/chunk.ts";
import { recorded } from "./recording/recorded.ts";
import type { ScreenConfig } from "./screen-config.ts";
import { type Plain, startPlain } from "./screen-reader.ts";
import { Session, type Store } from "./session.ts";
import { ASK_BACKGROUND, MOUSE_OFF, MOUSE_ON, terminalInput, toClipboard } from "./terminal-input.ts";

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
  /** Stronger than that of the config. */
  theme?: ThemeName | undefined;
  /** Where what is chosen on the screen is kept; undefined: nowhere. */
  configFile?: string | undefined;
  /** Which keys to try first, also where a config is there. */
  hint?: boolean | undefined;
  /** What was recorded elsewhere; absent: the screen records what it shows. */
  opened?: readonly Chunk[] | undefined;
};

export type Tui = {
  /** Gives the terminal back; leaves the last frame there if the user asked for it. */
  end(): Promise<void>;
  /** Resolves when the terminal was given back, whoever ended it. */
  done: Promise<void>;
  /** Bytes that the recording takes. */
  recordingBytes(): number;
};

export async function startTui(options: TuiOptions): Promise<Tui> {
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
    return { end: () => plain.end().then(forget), done: plain.done, recordingBytes: () => 0 };
  }
  const { config, problems, isThere } = await configIn(options.configFile);
  const recording = recorded(store, clock, options.opened);
  const session = new Session(
    {
      ...{ store, clock, past: recording, actions, save: recording.save, quit },
      copy: (text) => void stdout.write(toClipboard(text)),
      keep: (ui) => keep(options.configFile, ui),
    },
    {
      ...initialUi,
      theme: options.theme ?? config.theme,
      layout: config.layout,
      paneSize: config.paneSize,
      keys: config.keys,
      ...(config.columns === undefined ? {} : { columns: config.columns }),
      hint: options.hint === true || !isThere,
      ...(problems[0] === undefined ? {} : { notice: { text: problems[0], ok: false, until: clock.now() + 20_000 } }),
    },
  );
  const meter = new Meter(clock);
  const screen = painter(
    (text) => void stdout.write(text),
    // As App has it.
    () => `${stdout.columns ?? 80}x${stdout.rows ?? 24}`,
  );
  const releaseConsole = holdConsole();
  let frame: readonly Line[] = [];
  let page = 1;
  let background: Background = backgroundFrom(env);
  const palette = palettes(depthOf(env), config, () => background);
  const input = terminalInput(stdin, {
    mouse: (mouse) => clicked(mouse, session, frame, page),
    background(found) {
      if (found === background) return;
      background = found;
      session.redraw();
    },
  });
  const modes = (on: boolean) =>
    void stdout.write(`${on ? (config.mouse ? MOUSE_ON : "") + ASK_BACKGROUND : MOUSE_OFF}`);
  const ink = render(
    <App
      store={store}
      session={session}
      clock={clock}
      meter={meter}
      glyphs={glyphsOf(env, config)}
      acts={() => typeof actions() !== "string"}
      suspend={async () => {
        modes(false);
        await suspendProcess();
        screen.forget();
        modes(true);
      }}
      redrawMs={options.redrawMs}
      draw={(lines, height, size) => {
        frame = lines;
        page = height;
        screen.draw(
          lines.map((l) => paint(l, palette(session.ui.theme))),
          size,
        );
      }}
    />,
    {
      stdout,
      stdin: input.keys,
      exitOnCtrlC: false,
      alternateScreen: true,
      maxFps: 30,
      patchConsole: false,
      interactive: true,
    },
  );
  modes(true);
  // What a terminal leaves of the old frame is not a base for the next one.
  const forgotten = () => screen.forget();
  // A frame that was made before is not drawn: another one follows, whatever React thinks has changed.
  const resized = () => session.redraw();
  stdout.prependListener("resize", forgotten);
  stdout.on("resize", resized);
  const done = ink.waitUntilExit().then(() => {
    recording.end();
    input.end();
    stdout.off("resize", forgotten);
    stdout.off("resize", resized);
    modes(false);
    forget();
    const held = releaseConsole();
    if (held !== "") process.stderr.write(held);
    if (!leaveFrame) return;
    const last = frame.findLastIndex((l) => plainText(l).trim() !== "");
    const text = frame.slice(0, last).map((l) => paint(l, palette(session.ui.theme)).trimEnd());
    stdout.write(`${text.join("\n").trimEnd()}\n`);
  });
  return {
    async end() {
      ink.unmount();
      await done;
    },
    done,
    recordingBytes: () => recording.bytes,
  };
}

/** One palette for each theme and background. */
function palettes(depth: ReturnType<typeof depthOf>, { colours }: ScreenConfig, background: () => Background) {
  const made = new Map<string, Palette>();
  return (theme: ThemeName): Palette => {
    const key = `${theme} ${background()}`;
    let palette = made.get(key);
    if (palette === undefined) made.set(key, (palette = paletteOf(theme, background(), depth, colours)));
    return palette;
  };
}

function glyphsOf(env: TuiOptions["env"], { charts }: ScreenConfig): Glyphs {
  const glyphs = glyphsFor(env);
  return charts === "blocks" ? { ...glyphs, braille: false } : glyphs;
}

/** What the shell's ctrl-Z does where the terminal does not do it, being in raw mode. */
async function suspendProcess(): Promise<void> {
  const continued = new Promise<void>((resolve) => process.once("SIGCONT", () => resolve()));
  process.kill(process.pid, "SIGTSTP");
  await continued;
}
