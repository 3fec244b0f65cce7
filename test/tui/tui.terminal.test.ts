// The compiled binary in a real terminal: it shows what happens, and gives the terminal back whatever ends it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { bindings } from "../../tui/keys.ts";
import { haveTmux, Terminal } from "./tmux.ts";

/** As in package.json's build script, so that what is bundled here is what is shipped. */
const BUILD =
  "build --compile --production --bytecode --format=esm --no-compile-autoload-dotenv --no-compile-autoload-bunfig";
const LIMIT = { timeout: 200_000 };

/** tmux's name of a key to ours. */
const nameOfKey = (key: string): string =>
  ({ Space: " ", PageUp: "pageup", PageDown: "pagedown", BTab: "shift-tab" })[key] ??
  (key.startsWith("C-") ? `ctrl-${key.slice(2)}` : key.length > 1 ? key.toLowerCase() : key);

const dir = mkdtempSync(join(tmpdir(), "outflow-tui-bin-"));
const binary = join(dir, "fixture");

class Program {
  readonly terminal: Terminal;
  readonly script: string;
  settingsBefore = "";

  constructor(columns: number, rows: number, env?: Record<string, string>) {
    this.terminal = new Terminal(columns, rows, env);
    this.script = join(this.terminal.dir, "script");
    writeFileSync(this.script, "");
  }

  async start(): Promise<this> {
    this.settingsBefore = await this.terminal.settings();
    this.terminal.run(`cd ${this.terminal.dir}; clear; ${binary} ${this.script}; echo "exit $?"`);
    await this.terminal.shows("outflow 9.9.9");
    return this;
  }

  tell(command: string): void {
    appendFileSync(this.script, `${command}\n`);
  }

  pid(): number {
    return Number(execFileSync("pgrep", ["-f", this.script], { encoding: "utf8" }).trim().split("\n").at(-1));
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

  /** Each key, what is typed before it, and what the screen shows then. */
  const keys: [keys: string[], shows: string | RegExp][] = [
    [["Enter"], /To do +The cause is at the receiver/],
    [["]"], "15m ago"],
    [["]"], "1h ago"],
    [["["], "15m ago"],
    [["Escape"], "last minute"],
    [["j"], /› \? +pending +edge\/archive/],
    [["k"], /› ✗ +not ready +edge\/cloud/],
    [["Down"], /› \? +pending +edge\/archive/],
    [["Up"], /› ✗ +not ready +edge\/cloud/],
    [["G"], /› \? +pending +edge\/archive/],
    [["g"], /› ✗ +not ready +edge\/cloud/],
    [["End"], /› \? +pending +edge\/archive/],
    [["Home"], /› ✗ +not ready +edge\/cloud/],
    [["C-d"], /› \? +pending +edge\/archive/],
    [["C-u"], /› ✗ +not ready +edge\/cloud/],
    [["PageDown"], /› \? +pending +edge\/archive/],
    [["PageUp"], /› ✗ +not ready +edge\/cloud/],
    [["w"], "Why is edge/cloud not ready?"],
    [["w"], "last minute"],
    [["y"], "kind: ExportPolicy"],
    [["Escape"], "last minute"],
    [["l"], /events? of edge\/cloud/],
    [["Escape"], /condition +status/],
    [["Escape"], "last minute"],
    [["s"], "by name"],
    [["r"], "by name, reversed"],
    [["s"], "by samples/s"],
    [["s", "s", "s", "s"], /s sort +space/],
    [["!"], "faults only"],
    [["!"], /s sort +space/],
    [["?"], "freeze; data goes on"],
    [["?"], "last minute"],
    [["2"], /condition +status/],
    [["3"], /› ● +edge\/metrics|› \? +edge\/metrics/],
    [["4"], "1 policy, loaded"],
    [["Enter"], "As it runs: defaults filled in"],
    [["Escape"], "1 policy, loaded"],
    [["5"], /warn +edge\/cloud: not ready \(ServerError\)/],
    [["1"], "last minute"],
    [["Tab"], /condition +status/],
    [["BTab"], "last minute"],
    [["P"], /source \(hidden\)/],
    [["P"], /source http:\/\/127/],
    [["Space"], "FROZEN"],
    [["Space"], /up \d+s +\S* *[\d.]+ samples/],
    [["/", "a", "r", "c", "h"], /filter arch_/],
    [["Enter"], /\/arch +1 of 2/],
    [["/", "BSpace", "BSpace", "BSpace", "BSpace", "!", "c", "l", "o", "u", "."], /filter !clou\._/],
    [["Escape"], /› ✗ +not ready +edge\/cloud/],
    [["p"], "Pause edge/cloud?"],
    [["n"], "last minute"],
    [["p", "y"], "edge/cloud was told to pause."],
    [["p"], "Resume edge/cloud?"],
    [["y"], "edge/cloud was told to resume."],
    [["C-r"], "Load the policies again?"],
    [["y"], "the last good version goes on"],
    [["C-s"], /Saved as .*outflow-.*\.json/],
  ];

  test("every key does what help says", LIMIT, async () => {
    using program = await new Program(120, 40).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    for (const [pressed, wanted] of keys) {
      for (const key of pressed) terminal.press(key);
      await terminal.shows(wanted);
    }
    const [saved] = readdirSync(terminal.dir).filter((f) => f.endsWith(".json"));
    assert.equal(JSON.parse(readFileSync(join(terminal.dir, saved ?? ""), "utf8")).version, "9.9.9");
    const tried = new Set(keys.flatMap(([pressed]) => pressed.map(nameOfKey)));
    const untried = bindings.flatMap((b) => b.keys).filter((key) => !tried.has(key));
    assert.deepEqual(untried, ["R", "q", "ctrl-c", "Q"], "these have tests of their own");
    terminal.press("q");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  test("R tries again at once; a sink that waits for nothing says so", LIMIT, async () => {
    using program = await new Program(100, 30).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    terminal.press("R");
    await terminal.shows(/The batch that waits is sent at once, instead of in \d+s/);
    terminal.press("y");
    await terminal.shows("edge/cloud was told to retry.");
    await terminal.shows(/● +ready +edge\/cloud +Delivering/);
    terminal.press("G", "R");
    await terminal.shows("there is nothing to retry");
    terminal.press("q");
    await terminal.shows("exit 0");
  });

  test("--read-only: an action says that it is off, and asks nothing", LIMIT, async () => {
    using program = await new Program(100, 30, { LANG: "C.UTF-8", READ_ONLY: "1" }).start();
    program.terminal.press("p");
    const screen = await program.terminal.shows("Nothing can be changed here");
    assert.doesNotMatch(screen, /Pause/);
    program.terminal.press("q");
    await program.terminal.shows("exit 0");
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

  test("a closed terminal ends it well", LIMIT, async () => {
    using program = await new Program(80, 20).start();
    const script = program.script;
    program.terminal.close();
    const end = performance.now() + 40_000;
    while (!existsSync(`${script}.ended`)) {
      assert.ok(performance.now() < end, "it did not end");
      await pause(50);
    }
  });

  test("a Linux console: plain ASCII", LIMIT, async () => {
    using program = await new Program(80, 20, { LANG: "C.UTF-8", TERM: "linux" }).start();
    program.tell("fail");
    assert.match(await program.terminal.shows("ServerError"), /^[\x20-\x7e\n]*$/);
    program.terminal.press("q");
    await program.terminal.shows("ended well");
  });

  test("for a screen reader: sentences, no screen, answers to keys", LIMIT, async () => {
    using program = new Program(100, 30, { LANG: "C.UTF-8", SCREEN_READER: "1" });
    const { terminal } = program;
    await program.start();
    await terminal.shows("0 of 2 sinks ready, 0 samples a second.");
    assert.equal(terminal.modes().alternate, false);
    program.tell("fail");
    await terminal.shows("Warning: edge/cloud: not ready (ServerError)");
    terminal.press("w");
    await terminal.shows("To do: The cause is at the receiver");
    program.tell("deliver");
    await terminal.shows("edge/cloud: ready again after");
    terminal.press("s");
    await terminal.shows("1 of 2 sinks ready");
    terminal.press("q");
    await terminal.shows("exit 0");
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
