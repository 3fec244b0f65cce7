// What the terminal sends, sorted: mouse reports and its answer about the background are taken out, the rest is keys. Ink reads the
// keys from a stream that looks like the terminal.
import { PassThrough } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Buttons: 0 left, 64 wheel up, 65 wheel down. Columns and rows from 0. */
export type Mouse = { button: number; column: number; row: number; pressed: boolean };

export type Heard = { keys: string; mice: Mouse[]; background?: "dark" | "light"; rest: string };

const MOUSE = /^\x1b\[<(\d{1,4});(\d{1,5});(\d{1,5})([Mm])/;
const BACKGROUND =
  /^\x1b\]11;rgba?:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})(?:\/[0-9a-f]{1,4})?(?:\x07|\x1b\\)/i;
const OTHER_REPLY = /^\x1b\][^\x07\x1b]{0,100}(?:\x07|\x1b\\)/;
/** The beginning of one of them. */
const BEGUN = /^\x1b(?:\[(?:<[\d;]{0,16})?|\][^\x07\x1b]{0,100}\x1b?)?$/;

export const ASK_BACKGROUND = "\x1b]11;?\x07";
export const MOUSE_ON = "\x1b[?1000h\x1b[?1006h";
export const MOUSE_OFF = "\x1b[?1006l\x1b[?1000l";

/** OSC 52, which reaches the clipboard of the person's own machine, also over SSH. */
export const toClipboard = (text: string): string => `\x1b]52;c;${Buffer.from(text, "utf8").toString("base64")}\x07`;

/** Pure. `rest` is the beginning of something that is not whole yet. */
export function heard(text: string): Heard {
  const found: Heard = { keys: "", mice: [], rest: "" };
  let at = 0;
  while (at < text.length) {
    const begin = text.indexOf("\x1b", at);
    if (begin < 0) return { ...found, keys: found.keys + text.slice(at) };
    found.keys += text.slice(at, begin);
    const from = text.slice(begin);
    const mouse = MOUSE.exec(from);
    const background = BACKGROUND.exec(from);
    const reply = background ?? OTHER_REPLY.exec(from);
    if (mouse !== null) {
      const [, button, column, row, end] = mouse;
      found.mice.push({
        button: Number(button),
        column: Number(column) - 1,
        row: Number(row) - 1,
        pressed: end === "M",
      });
      at = begin + mouse[0].length;
    } else if (reply !== null) {
      if (background !== null) found.background = luminance(background.slice(1, 4)) > 0.5 ? "light" : "dark";
      at = begin + reply[0].length;
    } else if (BEGUN.test(from)) return { ...found, rest: from };
    else {
      found.keys += "\x1b";
      at = begin + 1;
    }
  }
  return found;
}

/** Of colours with one to four hexadecimal digits each, 0 to 1. */
function luminance(rgb: readonly (string | undefined)[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((h = "0") => Number.parseInt(h, 16) / (16 ** h.length - 1));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A key that begins like a report (esc) is one when nothing follows. */
const WHOLE_AFTER_MS = 25;

export type TerminalInput = { keys: NodeJS.ReadStream; end(): void };

export function terminalInput(
  stdin: NodeJS.ReadStream,
  on: { mouse(mouse: Mouse): void; background(background: "dark" | "light"): void },
): TerminalInput {
  const keys = new PassThrough();
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let flush: ReturnType<typeof setTimeout> | undefined;
  const take = (data: Buffer | string) => {
    clearTimeout(flush);
    const found = heard(rest + (typeof data === "string" ? data : decoder.write(data)));
    rest = found.rest;
    if (found.keys !== "") keys.write(found.keys);
    for (const mouse of found.mice) on.mouse(mouse);
    if (found.background !== undefined) on.background(found.background);
    if (rest === "") return;
    flush = setTimeout(() => {
      const all = rest;
      rest = "";
      keys.write(all);
    }, WHOLE_AFTER_MS);
  };
  stdin.on("data", take);
  const terminal = Object.assign(keys, {
    isTTY: stdin.isTTY,
    setRawMode: (mode: boolean) => stdin.setRawMode(mode),
    ref: () => stdin.ref(),
    unref: () => stdin.unref(),
  });
  return {
    keys: terminal as unknown as NodeJS.ReadStream,
    end() {
      clearTimeout(flush);
      stdin.off("data", take);
      stdin.pause();
    },
  };
}
