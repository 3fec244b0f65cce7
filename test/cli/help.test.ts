// Help, version and manual page, made from the definitions of the commands.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import type { Command, Option } from "commander";
import { everyCommand } from "../../src/cli/cli.ts";
import { candidates } from "../../src/cli/completion/candidates.ts";
import { suggestions } from "../../src/cli/help.ts";
import { manualPage } from "../../src/cli/man.ts";
import { runOptions } from "../../src/config/settings.ts";
import { buildBinary } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";

const program = await everyCommand();
const flagOf = ({ long, short }: Option): string => long ?? short!;
const all: Command[] = [program, ...program.commands.flatMap((c) => [c, ...c.commands])];
const outflow = (...args: string[]) =>
  spawnSync(buildBinary(), args, { encoding: "utf8", env: { PATH: process.env.PATH ?? "" } });

describe("--help", () => {
  for (const command of all) {
    const path: string[] = [];
    for (let c: Command | null = command; c !== null && c.parent !== null; c = c.parent) path.unshift(c.name());
    test(`outflow ${path.join(" ")}: fits 80 columns`, () => {
      const { stdout, status } = outflow(...path, "--help");
      assert.equal(status, 0);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.length > 80),
        [],
      );
    });
  }

  test("the flags of run are in groups, none of them beside", () => {
    const { stdout } = outflow("run", "--help");
    const headings = [...stdout.matchAll(/^(\S.*):$/gm)].map((m) => m[1]);
    assert.deepEqual(headings, [
      ...new Set(runOptions().map((o) => o.helpGroupHeading!.replace(/:$/, ""))),
      "Options",
      "Examples",
    ]);
    const beside = stdout.slice(stdout.indexOf("\nOptions:"), stdout.indexOf("\nExamples:"));
    assert.deepEqual([...beside.matchAll(/--[a-z-]+/g)].map(String), ["--help"]);
  });
});

describe("outflow help WORD", () => {
  test("a command, also of two words: its help", () => {
    assert.match(outflow("help", "run").stdout, /^Usage: outflow run /);
    assert.match(outflow("help", "query", "fmt").stdout, /^Usage: outflow query fmt /);
  });

  test("another word: what was perhaps meant, and the flags that mention it; exit 2", () => {
    const { status, stdout, stderr } = outflow("help", "statsu");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.equal(stderr, "outflow: no command is called statsu. Did you mean outflow status?\n");
    assert.match(suggestions(program, "proxy"), /--source-proxy {2}\(run, config, doctor, plan, rehearse, replay\)/);
    assert.equal(suggestions(program, "qqqqqq"), " outflow --help lists the commands.");
  });
});

describe("outflow version", () => {
  test("-o json: version, commit, date, platform, runtime", () => {
    const said = JSON.parse(outflow("version", "-o", "json").stdout);
    assert.deepEqual(Object.keys(said), ["version", "commit", "date", "platform", "runtime"]);
    assert.match(said.platform, /^\w+\/\w+$/);
    assert.match(said.runtime, /^bun \d/);
    const inGit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: import.meta.dirname }).status === 0;
    assert.match(said.commit, inGit ? /^[0-9a-f]{12}(-dirty)?$/ : /^unknown$/);
    assert.match(said.date, inGit ? /^\d{4}-\d\d-\d\dT/ : /^unknown$/);
  });
});

describe("the manual page", () => {
  const page = manualPage(program, "1.2.3", "2026-11-27T10:00:00Z");

  test("names every command and every flag", () => {
    for (const command of all.slice(1)) {
      assert.ok(page.includes(command.name()), command.name());
      for (const option of command.options)
        assert.ok(page.includes(flagOf(option).replaceAll("-", "\\-")), `${command.name()} ${option.flags}`);
    }
  });

  test("mandoc has no warning about it", needs("mandoc"), () => {
    const { stdout, status } = spawnSync("mandoc", ["-T", "lint", "-W", "all"], { input: page, encoding: "utf8" });
    // That it is not portable to have no .Os, and such, does not concern the man macros.
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });

  test("man shows it", needs("man"), () => {
    const out = execFileSync("man", ["--warnings", "-l", "-"], {
      input: page,
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", MANWIDTH: "100", MANPAGER: "cat", LC_ALL: "C.UTF-8" },
    });
    assert.match(out, /--poll-interval <duration>/);
    assert.match(out, /EXIT STATUS/);
  });

  test("outflow man prints it", () => {
    assert.match(outflow("man").stdout, /^\.TH OUTFLOW 1 /);
  });
});

describe("completion", () => {
  const words = (...typed: string[]) => candidates(program, typed).words.map((w) => w.value);

  test("every flag of every command is offered there, and every command", () => {
    for (const command of program.commands) {
      assert.ok(words("").includes(command.name()));
      for (const option of command.options)
        assert.ok(words(command.name(), "-").includes(flagOf(option)), `${command.name()} ${option.flags}`);
    }
    assert.ok(!words("").includes("complete"), "what is for scripts is not");
  });

  test("the choices of each setting are offered after it", () => {
    for (const { long, argChoices } of runOptions())
      if (argChoices !== undefined) {
        assert.deepEqual(words("run", long!, ""), argChoices);
        assert.deepEqual(
          words("run", `${long}=`),
          argChoices.map((c) => `${long}=${c}`),
        );
      }
  });

  test("files, directories and sinks where they belong", () => {
    const also = (...typed: string[]) => candidates(program, typed).also;
    assert.equal(also("check", ""), "files");
    assert.equal(also("run", "--policies", ""), "files");
    assert.equal(also("run", "--state-dir", ""), "dirs");
    assert.equal(also("status", ""), "sinks");
    assert.equal(also("run", "--settle", ""), undefined);
  });

  test("a value of a flag is not taken for a command or an argument", () => {
    assert.deepEqual(words("run", "--policies", "check", "--on-exhausted", "d"), ["drop"]);
    assert.deepEqual(words("query", "f"), ["fmt"]);
  });
});
