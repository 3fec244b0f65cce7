// The compiled binary in a real terminal: it shows what happens, and gives the terminal back whatever ends it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { bindings } from "../../tui/input/keys.ts";
import { openIncident } from "../../tui/recording/open.ts";
import { haveTmux, Terminal } from "./tmux.ts";

/** As in package.json's build script, so that what is bundled here is what is shipped. */
const BUILD =
  "build --compile --production --bytecode --format=esm --no-compile-autoload-dotenv --no-compile-autoload-bunfig";
const LIMIT = { timeout: 200_000 };

/** tmux's name of a key to ours. */
const nameOfKey = (key: string): string =>
  ({ Space: " ", PageUp: "pageup", PageDown: "pagedown", BTab: "shift-tab" })[key] ??
  (key.startsWith("C-") ? `ctrl-${key.slice(2).toLowerCase()}` : key.length > 1 ? key.toLowerCase() : key);

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

  test("delivering, broken, fixed: state, reason and countdown follow", LIMIT, async () => {
    using program = await new Program(100, 24).start();
    const { terminal } = program;
    assert.deepEqual(terminal.modes(), { alternate: true, cursor: false });
    await terminal.shows("Pending");
    program.tell("deliver");
    await terminal.shows(/● +(ready +)?default\/edge\/cloud +Delivering/);
    program.tell("fail");
    await terminal.shows(/✗ +(not ready +)?default\/edge\/cloud +ServerError .*2\/3 in (1m00|5\d)s/);
    await terminal.shows(/2\/3 in 5[0-8]s/); // it counts down
    program.tell("deliver");
    await terminal.shows(/● +(ready +)?default\/edge\/cloud +Delivering/);
    terminal.press("q");
    await terminal.shows("ended well");
    await terminal.shows("exit 0");
    await program.givenBack();
  });

  /** Each key, what is typed before it, and what the screen shows then. */
  const cloud = /› +✗ not ready +default\/edge\/cloud/;
  const archive = /› +\? pending +default\/edge\/archive/;
  const home = /last minute +retry/;
  const keys: [keys: string[], shows: string | RegExp][] = [
    [["Enter"], /To do +The cause is at the receiver/],
    [["Left"], /(latency|requests\/s) +\d\d:\d\d:\d\dZ/],
    [["Right"], /(latency|requests\/s) +\d\d:\d\d:\d\dZ/],
    [["Escape"], "1m ago"],
    [["]"], "15m ago"],
    [["]"], "1h ago"],
    [["["], "15m ago"],
    [["Escape"], home],
    [["j"], archive],
    [["k"], cloud],
    [["Down"], archive],
    [["Up"], cloud],
    [["G"], archive],
    [["Home"], cloud],
    [["End"], archive],
    [["Home"], cloud],
    [["C-d"], archive],
    [["C-u"], cloud],
    [["PageDown"], archive],
    [["PageUp"], cloud],
    [["w"], "Why is default/edge/cloud not ready?"],
    [["w"], home],
    [["y"], "kind: ExportPolicy"],
    [["Escape"], home],
    [["l"], /events? of default\/edge\/cloud/],
    [["Escape"], /condition +status/],
    [["Escape"], home],
    [["s"], "by name"],
    [["r"], "by name, reversed"],
    [["S"], "by samples/s"],
    [["B"], "by bytes/s"],
    [["L"], "by lag"],
    [["D"], "by dropped"],
    [["A"], "by ok ago"],
    [["N"], "by name"],
    [["N"], "by name, reversed"],
    [["W"], cloud],
    [["g"], /▾ ServerError: The endpoint[\s\S]*▾ Pending/],
    [["g"], /▾ default\/edge +2 sinks[\s\S]*grouped by policy/],
    [["Enter"], /▸ default\/edge/],
    [["Space"], "2 marked"],
    [["p"], "Pause 2 sinks?"],
    [["n"], "2 marked"],
    [["g"], /q quit +2 marked *$/m],
    [["Escape"], cloud],
    [["Space"], /◆✗ not ready[\s\S]*1 marked/],
    [["C-Space"], "2 marked"],
    [["Escape"], /q quit *$/m],
    [["Home", "C"], "Copied default/edge/cloud"],
    [["Home"], cloud],
    [["c"], /\[x\] state/],
    [["j", "j", "Space"], /\[ \] reason/],
    [["r"], /\[x\] reason/],
    [["Escape"], home],
    [["|"], /│ ── default\/edge\/cloud/],
    [["|"], /last minute +retry[^─]*$/],
    [["|"], /^── default\/edge\/cloud/m],
    [["+", "-"], home],
    [["!"], "faults only"],
    [["!"], cloud],
    [["?"], "5 s back in the recording"],
    [["?"], home],
    [["2"], /condition +status/],
    [["3"], /› ● +default\/edge\/metrics|› \? +default\/edge\/metrics/],
    [["4"], "1 policy, loaded"],
    [["Enter"], "As it runs: defaults filled in"],
    [["Escape"], "1 policy, loaded"],
    [["5"], /warn +default\/edge\/cloud: not ready \(ServerError\)/],
    [["6"], "This agent is alone"],
    [["1"], home],
    [["Tab"], /condition +status/],
    [["BTab"], home],
    [["P"], /source \(hidden\)/],
    [["P"], /source http:\/\/127/],
    [["f"], "FROZEN"],
    [["f"], /outflow 9.9.9 +up \d+s/],
    [["<"], /◀ \d\d:\d\d:\d\dZ, \d+s ago[\s\S]*esc live/],
    [["{"], /The recording begins at/],
    [["}"], /outflow 9.9.9 +up \d+s/],
    [["<"], /◀ \d\d:\d\d:\d\dZ, \d+s ago/],
    [[">"], /outflow 9.9.9 +(up|◀)/],
    [["Escape"], /outflow 9.9.9 +up \d+s/],
    [["/", "a", "r", "c", "h"], /filter arch_/],
    [["Enter"], /\/arch +1 of 2/],
    [["/", "C-u", "[", "a"], /filter \[a_ .*not a valid regular expression: missing closing \]/],
    [["C-u", "!", "c", "l", "o", "u", "d"], /filter !cloud_/],
    [["Escape"], cloud],
    [[":", "w", "h", "Tab"], /:why _ +tab +default\/edge\/cloud +default\/edge\/archive/],
    [["c", "l", "o", "u", "d", "Enter"], "Why is default/edge/cloud not ready?"],
    [["Escape"], /condition +status/],
    [["Escape"], home],
    [[":", "n", "o", "Enter"], '"no" is not a command'],
    [[":", "Up"], ":no_"],
    [["Escape"], /q quit *$/m],
    [["p"], "Pause default/edge/cloud?"],
    [["n"], home],
    [["p", "y"], "default/edge/cloud was told to pause."],
    [["p"], "Resume default/edge/cloud?"],
    [["y"], "default/edge/cloud was told to resume."],
    [["C-r"], "Reload the policies?"],
    [["y"], "the last good version keeps running"],
    [["C-s"], /Saved as .*outflow-incident-.*\.zip/],
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
    const [saved] = readdirSync(terminal.dir).filter((f) => f.endsWith(".zip"));
    const opened = openIncident(readFileSync(join(terminal.dir, saved ?? "")));
    assert.equal(opened.ok && opened.manifest.agent, "9.9.9");
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
    await terminal.shows("default/edge/cloud was told to retry.");
    await terminal.shows(/● +(ready +)?default\/edge\/cloud +Delivering/);
    terminal.press("G", "R");
    await terminal.shows("there is nothing to retry");
    terminal.press("q");
    await terminal.shows("exit 0");
  });

  test("--read-only: an action says that it is off, and asks nothing", LIMIT, async () => {
    using program = await new Program(100, 30, { LANG: "C.UTF-8", READ_ONLY: "1" }).start();
    program.terminal.press("p");
    const screen = await program.terminal.shows("Actions are disabled");
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
      assert.equal(screen.match(/^outflow 9\.9\.9/gm)?.length, 1, screen);
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

  test("resizing repaints at once: no row of the old frame, and the header is there", LIMIT, async () => {
    using program = await new Program(120, 40).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    for (const [columns, rows] of [
      [80, 24],
      [120, 40],
      [100, 20],
      [70, 30],
    ] as const) {
      terminal.resize(columns, rows);
      const screen = await terminal.shows(
        new RegExp(`^outflow 9.9.9.{${columns - 40},${columns}}B/s[\\s\\S]*sink +reason[\\s\\S]*q quit`),
      );
      const lines = screen.trimEnd().split("\n");
      assert.match(lines[0] ?? "", /^outflow 9\.9\.9/, screen);
      assert.equal(screen.match(/q quit/g)?.length, 1, screen);
      assert.equal(screen.match(/sink +reason/g)?.length, 1, screen);
    }
    terminal.press("q");
    await terminal.shows("exit 0");
  });

  test("resized to and fro, as a tiling window manager does: a blank row stays blank", LIMIT, async () => {
    using program = await new Program(200, 50).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    for (let i = 0; i < 12; i++) {
      const [columns, rows] = i % 2 === 0 ? [120, 40] : [200, 50];
      terminal.resize(columns as number, rows as number);
      // Whole: the header at this width, a blank line, the titles, the footer, and each of them once.
      const screen = await terminal.shows(
        new RegExp(
          `^outflow 9.9.9.{${(columns as number) - 40},${columns}}\\n[^\\n]*\\n[^\\n]*\\n● source[^\\n]*\\n\\n  state +sink +reason[\\s\\S]*q quit\\s*$`,
        ),
      );
      assert.equal(screen.match(/sink +reason/g)?.length, 1, screen);
      assert.equal(screen.match(/default\/edge\/archive +Pending/g)?.length, 1, screen);
    }
    terminal.press("q");
    await terminal.shows("exit 0");
  });

  test(
    "the mouse: a click selects, a second one opens, a title sorts, a hint does it, the wheel moves",
    LIMIT,
    async () => {
      using program = await new Program(120, 40).start();
      const { terminal } = program;
      program.tell("fail");
      let screen = await terminal.shows(/› ✗ not ready +default\/edge\/cloud/);
      const click = (text: string | RegExp, button = 0) => {
        const lines = screen.split("\n");
        const row = lines.findIndex((l) => (typeof text === "string" ? l.includes(text) : text.test(l)));
        assert.ok(row >= 0, `${text} in ${screen}`);
        const column = typeof text === "string" ? (lines[row] ?? "").indexOf(text) : 20;
        for (const end of ["M", "m"]) terminal.type(`\x1b[<${button};${column + 1};${row + 1}${end}`);
      };
      click(/default\/edge\/archive +Pending/);
      screen = await terminal.shows(/› \? pending +default\/edge\/archive/);
      click(/default\/edge\/archive +Pending/);
      await terminal.shows(/condition +status/);
      terminal.press("Escape");
      screen = await terminal.shows(/sink +reason/);
      click("dropped     lag");
      screen = await terminal.shows("by dropped");
      click("dropped", 0);
      screen = await terminal.shows("by dropped, reversed");
      terminal.press("W");
      screen = await terminal.shows(/› ✗ not ready +default\/edge\/cloud/);
      click(/default\/edge\/archive +Pending/, 65);
      screen = await terminal.shows(/› \? pending +default\/edge\/archive/);
      click(/default\/edge\/archive +Pending/, 64);
      screen = await terminal.shows(/› ✗ not ready +default\/edge\/cloud/);
      click("? help");
      await terminal.shows("5 s back in the recording");
      terminal.press("Escape");
      screen = await terminal.shows(/sink +reason/);
      click("default/edge/cloud ServerError for");
      await terminal.shows("Why is default/edge/cloud not ready?");
      terminal.press("q");
      await terminal.shows("exit 0");
      await program.givenBack();
      terminal.run("printf 'mouse is %s\\n' off");
      assert.match(await terminal.shows("mouse is off"), /mouse is off/);
    },
  );

  test("a terminal that tells a light background gets the light theme; :theme is stronger", LIMIT, async () => {
    using program = await new Program(100, 30, { LANG: "C.UTF-8", TERM: "xterm-256color" }).start();
    const { terminal } = program;
    program.tell("fail");
    await terminal.shows("ServerError");
    const accent = async (code: string) => {
      const end = performance.now() + 20_000;
      while (!new RegExp(`\\x1b\\[[0-9;]*${code}m[^\\x1b]*tab`).test(terminal.styled())) {
        assert.ok(performance.now() < end, terminal.styled());
        await pause(40);
      }
    };
    terminal.type("\x1b]11;rgb:ffff/ffff/ffff\x07");
    await accent("34");
    terminal.type("\x1b]11;rgb:0000/0000/0000\x07");
    await accent("36");
    terminal.type(":theme light");
    terminal.press("Enter");
    await accent("34");
    assert.doesNotMatch(terminal.screen(), /rgb|11;/);
    terminal.press("q");
    await terminal.shows("exit 0");
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
    await terminal.shows("Warning: default/edge/cloud: not ready (ServerError)");
    terminal.press("w");
    await terminal.shows("To do: The cause is at the receiver");
    program.tell("deliver");
    await terminal.shows("default/edge/cloud: ready again after");
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
