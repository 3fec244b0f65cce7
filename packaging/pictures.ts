// Pictures of the real terminal for docs/tui.md: the compiled binary's demo in tmux, what the terminal then shows with all its codes,
// drawn by Chromium.
//   bun packaging/pictures.ts
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { buildBinary } from "../test/servers/binary.ts";
import { Chromium } from "../test/servers/chromium.ts";
import { Terminal } from "../test/tui/tmux.ts";

type Look = { background: string; text: string; colours: readonly string[] };

/** The 16 colours as terminals have them; the rest of the 256 is computed. */
const dark: Look = {
  ...{ background: "#16181d", text: "#d6d9df" },
  colours: ["#16181d", "#ef6b6b", "#6cc377", "#d9a84a", "#6b9bef", "#c58af0", "#58b7c9", "#d6d9df"],
};
const light: Look = {
  ...{ background: "#fbfbfa", text: "#24272d" },
  colours: ["#24272d", "#c02d2d", "#2c7d3a", "#96640b", "#2257c4", "#8a2fb8", "#16758a", "#5b6069"],
};

type Shot = {
  name: string;
  look: Look;
  env?: Record<string, string>;
  keys?: readonly string[];
  shows: RegExp;
  size?: [number, number];
};

const troubles = /(?=[\s\S]*AuthenticationRejected)(?=[\s\S]*✗[\s\S]*Cause)/;
const shots: readonly Shot[] = [
  { name: "terminal-dark", look: dark, shows: troubles },
  { name: "terminal-light", look: light, env: { OUTFLOW_THEME: "light" }, shows: troubles },
  { name: "terminal-no-color", look: dark, env: { NO_COLOR: "1" }, shows: troubles },
  { name: "terminal-why", look: dark, keys: ["w"], shows: /Why is [\s\S]*To do/, size: [100, 30] },
];

async function taken({ name, look, env = {}, keys = [], shows, size = [120, 36] }: Shot): Promise<void> {
  const terminal = new Terminal(...size, {
    LANG: "C.UTF-8",
    TERM: "screen-256color",
    XDG_CONFIG_HOME: "/nonexistent",
    ...env,
  });
  try {
    terminal.run(`clear; ${buildBinary()} demo`);
    await terminal.shows(/✗ 1 auth/, 120_000);
    // Long enough that the curves say something, and both troubles are still there.
    await pause(9_000);
    terminal.press(...(keys.length === 0 ? ["Home"] : keys));
    await terminal.shows(shows, 60_000);
    await pause(300);
    const text = terminal.styled().trimEnd();
    terminal.press("q");
    await picture(name, text, look, size);
  } finally {
    terminal.close();
    rmSync(terminal.dir, { recursive: true, force: true });
  }
}

async function picture(name: string, text: string, look: Look, [columns, rows]: [number, number]): Promise<void> {
  await chromium.tab();
  const { background, text: colour } = look;
  const css = `body{margin:0;padding:12px;background:${background}}pre{margin:0;font:14px/18px "DejaVu Sans Mono",monospace;color:${colour}}`;
  const page = `<!doctype html><meta charset=utf-8><style>${css}</style><pre>${html(text, look)}</pre>`;
  await chromium.open(`data:text/html;base64,${Buffer.from(page).toString("base64")}`);
  const width = Math.ceil(await chromium.value<number>("document.querySelector('pre').scrollWidth")) + 24;
  const metrics = { width: Math.max(width, columns * 8), height: rows * 18 + 24, deviceScaleFactor: 1, mobile: false };
  await chromium.send("Emulation.setDeviceMetricsOverride", metrics);
  const { data } = await chromium.send<{ data: string }>("Page.captureScreenshot", { format: "webp", quality: 70 });
  const file = new URL(`../docs/screens/${name}.webp`, import.meta.url).pathname;
  writeFileSync(file, Buffer.from(data, "base64"));
  console.log(`${file}: ${execFileSync("stat", ["-c", "%s", file], { encoding: "utf8" }).trim()} bytes`);
}

type Pen = {
  bold: boolean;
  dim: boolean;
  under: boolean;
  inverse: boolean;
  fg?: string | undefined;
  bg?: string | undefined;
};
const fresh: Pen = { bold: false, dim: false, under: false, inverse: false };

/** Text with SGR codes as HTML. */
function html(text: string, look: Look): string {
  let pen: Pen = fresh;
  return text
    .split(/(\x1b\[[0-9;]*m)/)
    .map((piece) => {
      const codes = /^\x1b\[([0-9;]*)m$/.exec(piece)?.[1];
      if (codes !== undefined) {
        pen = after(pen, codes.split(";").map(Number), look);
        return "";
      }
      const shown = piece.replace(/&/g, "&amp;").replace(/</g, "&lt;");
      return shown === "" ? "" : `<span style="${styleOf(pen, look)}">${shown}</span>`;
    })
    .join("");
}

function after(pen: Pen, codes: readonly number[], look: Look): Pen {
  let next = { ...pen };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = { ...fresh };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 4) next.under = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 24) next.under = false;
    else if (code === 27) next.inverse = false;
    else if (code === 39) next.fg = undefined;
    else if (code === 49) next.bg = undefined;
    else if (code >= 30 && code <= 37) next.fg = look.colours[code - 30];
    else if (code >= 90 && code <= 97) next.fg = look.colours[code - 90];
    else if (code >= 40 && code <= 47) next.bg = look.colours[code - 40];
    else if ((code === 38 || code === 48) && codes[i + 1] === 5) {
      next[code === 38 ? "fg" : "bg"] = of256(codes[i + 2] ?? 0, look);
      i += 2;
    }
  }
  return next;
}

function of256(n: number, look: Look): string | undefined {
  if (n < 16) return look.colours[n % 8];
  const level = (k: number) => (k === 0 ? 0 : 55 + 40 * k);
  if (n >= 232) return `rgb(${new Array(3).fill(8 + 10 * (n - 232)).join()})`;
  const k = n - 16;
  return `rgb(${level(Math.floor(k / 36))},${level(Math.floor(k / 6) % 6)},${level(k % 6)})`;
}

function styleOf({ bold, dim, under, inverse, fg, bg }: Pen, look: Look): string {
  const [front, back] = inverse ? [bg ?? look.background, fg ?? look.text] : [fg, bg];
  return [
    ...(dim ? [`color:color-mix(in srgb, ${front ?? look.text} 62%, ${look.background})`] : []),
    ...(dim || front === undefined ? [] : [`color:${front}`]),
    ...(back === undefined ? [] : [`background:${back}`]),
    ...(bold ? ["font-weight:700"] : []),
    ...(under ? ["text-decoration:underline"] : []),
  ].join(";");
}

const only = process.argv.slice(2);
const chromium = await Chromium.start();
try {
  for (const shot of shots) if (only.length === 0 || only.includes(shot.name)) await taken(shot);
} finally {
  await chromium.stop();
}
