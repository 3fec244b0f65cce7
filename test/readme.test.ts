// The README and the documents are true: the screen is a real frame, the policy is valid, links lead somewhere, commands exist.
// UPDATE_DOCS=1 puts the present frame into the README.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { actionCommand, reloadCommand } from "../src/cli/act.ts";
import { checkCommand } from "../src/cli/check.ts";
import { demoCommand } from "../src/cli/demo.ts";
import { doctorCommand } from "../src/cli/doctor/command.ts";
import { planCommand } from "../src/cli/forecast/command.ts";
import { queryCommand } from "../src/cli/query.ts";
import { queryRules } from "../src/cli/querycheck.ts";
import { rehearseCommand } from "../src/cli/rehearse/command.ts";
import { replayCommand } from "../src/cli/replay/command.ts";
import { runCommand } from "../src/cli/run.ts";
import { statusCommand } from "../src/cli/status/status.ts";
import { topCommand } from "../src/cli/top.ts";
import { loadText } from "../src/policy/load.ts";

const root = resolve(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const everyCommand = [
  runCommand(),
  checkCommand(),
  queryCommand(),
  topCommand(),
  statusCommand(),
  replayCommand(),
  demoCommand(),
  doctorCommand(),
  planCommand(),
  rehearseCommand(),
  actionCommand("pause"),
  reloadCommand(),
];
const flags = new Set([
  "--help",
  "--version",
  ...everyCommand.flatMap((c) => [c, ...c.commands]).flatMap((c) => c.options.map((o) => o.long)),
]);
const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: root })];

describe("README.md", () => {
  test("the screen is a golden frame of the terminal UI", () => {
    const frame = read("test/tui/golden/sinks-3-one-fails-120x40.txt").split("\n");
    const footer = frame.findLast((l) => l.includes("q quit"))!;
    const rows = frame.slice(
      0,
      frame.findIndex((l, i) => i > 5 && l.trim() === ""),
    );
    const block = (lines: string[]) =>
      `<!-- screen -->\n\`\`\`\n${lines.map((l) => l.trimEnd()).join("\n")}\n\`\`\`\n<!-- /screen -->`;
    const shown = /<!-- screen -->[\s\S]*<!-- \/screen -->/;
    const want = block([...rows, "", footer]);
    if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, "README.md"), read("README.md").replace(shown, want));
    assert.equal(shown.exec(read("README.md"))?.[0], want, "run UPDATE_DOCS=1 npm test -- test/readme.test.ts");
  });

  test("the policy is valid", () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(read("README.md"))![1]!;
    const { policies, problems } = loadText(
      "README.md",
      yaml,
      queryRules({ enforceFilter: [], forbidLabel: [] }).check,
    );
    assert.deepEqual(problems, [], "not even a warning");
    assert.equal(policies.length, 1);
    assert.equal(policies[0]!.sinks[0]!.refusal, undefined);
  });

  test("the sample policies keep a batch after the last attempt; only the demo's shows what the API's default does", () => {
    const lacking = globSync("policies/*.yaml", { cwd: root }).filter(
      (file) => !read(file).includes("outflow/on-exhausted: hold"),
    );
    assert.deepEqual(lacking, ["policies/demo.yaml"]);
  });

  test("each cell of the table of other agents is in docs/performance.md, with a page that says so, or a test of ours", () => {
    const tableBehind = (text: string, head: string): string[][] => {
      const rows = text.slice(text.indexOf(head)).split("\n\n")[0]!.split("\n");
      return rows.map((row) =>
        row
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    };
    const [agents, , ...rows] = tableBehind(read("README.md"), "| | outflow |");
    const sources = tableBehind(read("docs/performance.md"), "| agent | what the table says | source |").slice(2);
    const missing = agents!.slice(1).flatMap((agent, i) =>
      rows.flatMap(([what, ...cells]) => {
        const source =
          sources.find(([who, says]) => who === agent && says!.includes(`${what}: ${cells[i]}`))?.[2] ?? "";
        const tests = [...source.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file!);
        const shown = agent === "outflow" ? tests.some((file) => existsSync(join(root, file))) : /https:/.test(source);
        return shown ? [] : [`${agent}, ${what}: ${cells[i]}`];
      }),
    );
    assert.equal(rows.length * (agents!.length - 1), 42);
    assert.deepEqual(missing, []);
  });

  test("every command that it names exists", () => {
    const named = [...read("README.md").matchAll(/`outflow ([a-z]+)/g)].map((m) => m[1]!);
    assert.ok(named.length > 5);
    const known = [...everyCommand.map((c) => c.name()), "version"];
    assert.deepEqual(
      named.filter((command) => !known.includes(command)),
      [],
    );
  });
});

describe("documents", () => {
  for (const page of pages) {
    test(`${page}: links lead to files and headings that exist`, () => {
      for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target!)) continue;
        const [file, heading] = target!.split("#");
        const path = file === "" ? page : join(dirname(page), file!);
        assert.ok(existsSync(join(root, path)), `${page} names ${target}`);
        if (heading === undefined) continue;
        const slugs = [...read(path).matchAll(/^#+ (.+)$/gm)].map((m) =>
          m[1]!
            .toLowerCase()
            .replace(/[^\w\- ]/g, "")
            .replaceAll(" ", "-"),
        );
        assert.ok(slugs.includes(heading), `${page} names ${target}`);
      }
    });

    test(`${page}: flags that it names exist`, () => {
      // Of other programs: systemd, curl, kubectl, helm, etcd, bun, npm, VictoriaMetrics.
      if (page === "docs/performance.md") return; // the flags of benches
      const foreign =
        /^--(web\.|fast$|type$|from-literal$|for$|timeout$|all$|replicas$|compile$|data-binary$|validate$|omit$|stop-timeout$|name$|create-namespace$|set$|auto-compaction-retention$)/;
      const text = read(page).replace(/\bbun bench\/[^`\n]*/g, ""); // a bench has flags of its own
      const named = [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9.-]*[a-z0-9]/g)].map(([flag]) => flag);
      assert.deepEqual(
        named.filter((flag) => !foreign.test(flag) && !flags.has(flag)),
        [],
      );
    });
  }
});
