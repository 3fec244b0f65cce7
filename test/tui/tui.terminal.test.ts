// The compiled binary in a real terminal: it shows what happens, and gives the terminal back whatever ends it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { haveTmux, Terminal } from "./tmux.ts";

/** As in package.json's build script, so that what is bundled here is what is shipped. */
const BUILD =
  "build --compile --production --bytecode --format=esm --no-compile-autoload-dotenv --no-compile-autoload-bunfig";
const LIMIT = { timeout: 60_000 };

const dir = mkdtempSync(join(tmpdir(), "outflow-tui-bin-"));
const binary = join(dir, "fixture");

class Program {
  readonly terminal: Terminal;
  readonly #script: string;
  settingsBefore = "";

  constructor(columns: number, rows: number, env?: Record<string, string>) {
    this.terminal = new Terminal(columns, rows, env);
    this.#script = join(this.terminal.dir, "script");
    writeFileSync(this.#script, "");
  }

  async start(): Promise<this> {
    this.settingsBefore = await this.terminal.settings();
    this.terminal.run(`clear; ${binary} ${this.#script}; echo "exit $?"`);
    await this.terminal.shows("outflow 9.9.9");
    return this;
  }

  tell(command: string): void {
    appendFileSync(this.#script, `${command}\n`);
  }

  pid(): number {
    return Number(execFileSync("pgrep", ["-f", this.#script], { encoding: "utf8" }).trim().split("\n").at(-1));
  }

  /** The terminal is as it was: cursor, screen, settings. */
  async givenBack(): Promise<void> {
    assert.deepEqual(this.terminal.modes(), { alternate: false, cursor: true });
    assert.equal(await this.terminal.settings(), this.settingsBefore);
  }

  [Symbol.dispose](): void {
    this.terminal.close();
    rmSync(this.terminal.dir, { recursive: true });
  }
}

describe("in a terminal", { skip: !haveTmux }, () => {
  before(() => {
    execFileSync(process.execPath, [...BUILD.split(" "), "test/tui/fixture.tsx", "--outfile", binary], {
      stdio: "pipe",
    });
  });
  after(() => rmSync(dir, { recursive: true }));

  test("delivering, broken, mended: state, reason and countdown follow", LIMIT, async () => {
    using program = await new Program(100, 24).start();
    const { terminal } = program;
    assert.deepEqual(terminal.modes(), { alternate: true, cursor: false });
    await terminal.shows("Pending");
    program.tell("deliver");
    await terminal.shows(/● +ready +edge\/cloud +Delivering/);
    program.tell("fail");
    await terminal.shows(/✗ +not ready +edge\/cloud +ServerError .*2\/3 ━+ +(1m00|5\d)s/);
    await terminal.shows(/2\/3 ━+╌* +5[0-8]s/); // it counts down
    program.tell("deliver");
    await terminal.shows(/● +ready +edge\/cloud +Delivering/);
    terminal.press("q");
    await terminal.shows("ended well");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  test("keys: detail, help, events, freeze, filter", LIMIT, async () => {
    using program = await new Program(110, 30).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    terminal.press("Enter");
    await terminal.shows(/^To do +The cause is at the receiver/m);
    terminal.press("Escape");
    await terminal.shows("last minute");
    terminal.press("?");
    await terminal.shows("freeze; data goes on");
    terminal.press("Escape");
    await terminal.shows("last minute");
    terminal.press("5");
    await terminal.shows(/warn +edge\/cloud: not ready \(ServerError\)/);
    terminal.press("3");
    await terminal.shows('{job="node"}');
    terminal.press("4");
    await terminal.shows("SinksNotReady");
    terminal.press("1", " ");
    await terminal.shows("FROZEN");
    program.tell("deliver");
    terminal.press(" ");
    assert.doesNotMatch(await terminal.shows("Delivering"), /FROZEN/);
    terminal.type("/nothing");
    await terminal.shows("No sink matches the filter.");
    terminal.press("Escape");
    await terminal.shows("edge/cloud");
    terminal.press("q");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  test("resizing: nothing is left over, nothing wraps, too small says so", LIMIT, async () => {
    using program = await new Program(100, 24).start();
    const { terminal } = program;
    program.tell("deliver");
    await terminal.shows("samples/s  last minute");
    for (const [columns, rows] of [
      [61, 14],
      [140, 40],
      [70, 20],
      [200, 50],
      [60, 12],
    ] as const) {
      terminal.resize(columns, rows);
      const screen = await terminal.shows(new RegExp(`^outflow 9.9.9.{${Math.max(20, columns - 62)},}samples/s`));
      assert.equal(screen.match(/outflow 9\.9\.9/g)?.length, 1, screen);
      await terminal.shows(/q quit\s*$/);
    }
    terminal.resize(50, 12);
    await terminal.shows("outflow needs 60x12 (now 50x12)");
    terminal.resize(80, 20);
    await terminal.shows("q quit");
    terminal.press("q");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  test("console output does not tear the frame", LIMIT, async () => {
    using program = await new Program(80, 20).start();
    const { terminal } = program;
    program.tell("deliver");
    await terminal.shows("Delivering");
    program.tell("print");
    program.tell("fail");
    await terminal.shows("ServerError");
    terminal.press("q");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  for (const [key, name] of [
    ["C-c", "ctrl-C"],
    ["q", "q"],
  ] as const) {
    test(`${name} ends it and gives the terminal back`, LIMIT, async () => {
      using program = await new Program(80, 20).start();
      program.terminal.press(key);
      await program.terminal.shows("ended well");
      await program.givenBack();
    });
  }

  test("Q leaves the last frame on the screen", LIMIT, async () => {
    using program = await new Program(80, 20).start();
    program.tell("deliver");
    await program.terminal.shows("Delivering");
    program.terminal.press("Q");
    const screen = await program.terminal.shows("ended well");
    assert.match(screen, /outflow 9\.9\.9[\s\S]*edge\/cloud +Delivering[\s\S]*ended well/);
    await program.givenBack();
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    test(`${signal} gives the terminal back`, LIMIT, async () => {
      using program = await new Program(80, 20).start();
      process.kill(program.pid(), signal);
      await program.terminal.shows("ended well");
      await program.givenBack();
    });
  }

  test("an uncaught error gives the terminal back and is readable", LIMIT, async () => {
    using program = await new Program(80, 20).start();
    program.tell("throw");
    const screen = await program.terminal.shows("exit 1");
    assert.match(
      screen,
      /^crashed: Error: thrown on purpose\n( {2}at a line of the report\n){8}end of the report\nexit 1/m,
    );
    assert.doesNotMatch(screen, /outflow 9\.9\.9|q quit/);
    await program.givenBack();
  });

  test("ctrl-Z stops it like any program, fg brings the screen back", LIMIT, async () => {
    using program = await new Program(80, 20).start();
    const { terminal } = program;
    terminal.press("C-z");
    await terminal.shows("Stopped");
    assert.deepEqual(terminal.modes(), { alternate: false, cursor: true });
    terminal.run("fg");
    await terminal.shows(/outflow 9\.9\.9[\s\S]*q quit/);
    assert.deepEqual(terminal.modes(), { alternate: true, cursor: false });
    terminal.press("q");
    await terminal.shows("ended well");
    await program.givenBack();
  });

  test("no UTF-8, no colour: plain ASCII, no colour codes", LIMIT, async () => {
    using program = await new Program(80, 20, { LANG: "C", NO_COLOR: "1" }).start();
    program.tell("fail");
    const screen = await program.terminal.shows("ServerError");
    assert.match(screen, /^[\x20-\x7e\n]*$/);
    assert.doesNotMatch(program.terminal.styled(), /\x1b\[[0-9;]*(3[0-7]|9[0-7]|4[0-7]|38|48)m/);
    program.terminal.press("q");
    await program.terminal.shows("ended well");
    await program.givenBack();
  });
});
