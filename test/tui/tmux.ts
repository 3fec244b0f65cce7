// A real terminal for tests: a shell in a tmux of its own. Waits for content, never for time.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const haveTmux = spawnSync("tmux", ["-V"]).status === 0;

const DEADLINE_MS = 40_000;
let terminals = 0;

export class Terminal {
  readonly dir = mkdtempSync(join(tmpdir(), "outflow-tui-"));
  readonly #socket = `outflow-test-${process.pid}-${terminals++}`;

  constructor(columns: number, rows: number, env: Record<string, string> = { LANG: "C.UTF-8" }) {
    const vars = Object.entries(env).map(([k, v]) => `${k}=${v}`);
    const shell = [
      "env",
      "-u",
      "LANG",
      "-u",
      "LC_ALL",
      "-u",
      "LC_CTYPE",
      "-u",
      "NO_COLOR",
      "-u",
      "CI",
      ...vars,
      "PS1=$ ",
      "bash",
      "--norc",
      "--noprofile",
    ];
    this.#tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", String(columns), "-y", String(rows), ...shell);
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-L", this.#socket, ...args], { encoding: "utf8" });
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  /** Keys by tmux's names: Enter, Escape, C-c, Down. */
  press(...keys: string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  run(command: string): void {
    this.type(command);
    this.press("Enter");
  }

  screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  /** With colours and styles. */
  styled(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Alternate screen on, cursor shown. */
  modes(): { alternate: boolean; cursor: boolean } {
    const [alternate, cursor] = this.#tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").trim().split(" ");
    return { alternate: alternate === "1", cursor: cursor === "1" };
  }

  /** The screen as soon as it shows `wanted`; fails with the screen if it never does. */
  async shows(wanted: string | RegExp, deadlineMs = DEADLINE_MS): Promise<string> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const screen = this.screen();
      if (typeof wanted === "string" ? screen.includes(wanted) : wanted.test(screen)) return screen;
      assert.ok(performance.now() < end, `never showed ${wanted}:\n${screen}`);
      await pause(40);
    }
  }

  /** The screen as soon as it no longer shows `unwanted`. */
  async hides(unwanted: string): Promise<string> {
    const end = performance.now() + DEADLINE_MS;
    for (;;) {
      const screen = this.screen();
      if (!screen.includes(unwanted)) return screen;
      assert.ok(performance.now() < end, `still shows ${unwanted}:\n${screen}`);
      await pause(40);
    }
  }

  /** What `stty -g` says: all settings in one word, without the size. Only at a prompt. */
  async settings(): Promise<string> {
    const mark = `settings-${Math.round(performance.now())}`;
    this.run(`clear; stty -g | fold -w 40; echo ${mark}-end`);
    const screen = await this.shows(new RegExp(`^${mark}-end`, "m"));
    return (screen.split(mark)[0] ?? "").replace(/\s/g, "");
  }

  close(): void {
    spawnSync("tmux", ["-L", this.#socket, "kill-server"]);
  }
}
