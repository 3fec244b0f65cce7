// Agent settings: flags, OUTFLOW_* variables and a file, in that order of precedence; and docs/settings.md is what the table says.
// UPDATE_DOCS=1 writes the page again.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { Command, type Option } from "commander";
import { applyConfigFile, runOptions, type Settings } from "../../src/config/settings.ts";
import { tempDir } from "../servers/binary.ts";

const dir = tempDir();
const before = { ...process.env };
after(() => {
  dir.remove();
  process.env = before;
});
beforeEach(() => {
  process.env = Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith("OUTFLOW_")));
});

/** The settings of a command line, and a config file's text if given. Throws what would be printed. */
function settings(args: string[], file?: string): Settings {
  const command = new Command("run").exitOverride().configureOutput({ writeErr: () => {} });
  for (const option of runOptions()) command.addOption(option);
  const config = join(dir.path, "config.yaml");
  if (file !== undefined) writeFileSync(config, file);
  command.parse(file === undefined ? args : [...args, "--config", config], { from: "user" });
  applyConfigFile(command);
  return command.opts<Settings>();
}

describe("precedence", () => {
  test("a flag wins over a variable, a variable over the file, the file over the default", () => {
    assert.equal(settings([]).settle, 5_000);
    assert.equal(settings([], "settle: 6s").settle, 6_000);
    process.env.OUTFLOW_SETTLE = "7s";
    assert.equal(settings([], "settle: 6s").settle, 7_000);
    assert.equal(settings(["--settle", "8s"], "settle: 6s").settle, 8_000);
  });

  test("every option but --config, --no-tui and flags without a value has a variable of its name", () => {
    for (const option of runOptions()) {
      const without = ["--config", "--no-tui"].includes(option.long ?? "");
      const name = `OUTFLOW_${option.long!.slice(2).replaceAll("-", "_").toUpperCase()}`;
      assert.equal(without || option.envVar === name, true, `${option.long}: ${option.envVar}`);
    }
  });

  test("a repeatable flag takes a list in the file", () => {
    assert.deepEqual(settings([], "policies: [a, b]").policies, ["a", "b"]);
  });
});

describe("trouble with the file", () => {
  const cases: [string, string, RegExp][] = [
    ["an unknown key", "setle: 6s", /unknown setting "setle"/],
    ["a value that is none", "settle: soon", /settle: "soon" is no duration/],
    ["no mapping", "- settle", /must be a mapping/],
    ["no YAML", "a: [", /cannot read --config/],
  ];
  for (const [name, text, message] of cases) test(name, () => assert.throws(() => settings([], text), message));

  test("a file that is not there", () => {
    assert.throws(() => settings(["--config", join(dir.path, "none.yaml")]), /cannot read --config .*none\.yaml/);
  });
});

describe("limits", () => {
  const cases: [string[], RegExp][] = [
    [["--poll-interval", "999ms"], /at least 1s/],
    [["--poll-interval", "2h"], /at most 1h/],
    [["--settle", "5"], /"5" is no duration/],
    [["--settle", "-5s"], /is no duration/],
    [["--max-concurrency", "0"], /from 1 to 64/],
    [["--max-concurrency", "1.5"], /no whole number/],
    [["--source-url", "ftp://x"], /no http or https address/],
    [["--on-exhausted", "keep"], /Allowed choices are drop, hold/],
  ];
  for (const [args, message] of cases) test(args.join(" "), () => assert.throws(() => settings(args), message));
});

describe("docs/settings.md", () => {
  test("is what the table of options says", () => {
    const file = join(import.meta.dirname, "../../docs/settings.md");
    const page = settingsPage(runOptions());
    if (process.env.UPDATE_DOCS === "1" || before.UPDATE_DOCS === "1") writeFileSync(file, page);
    assert.equal(readFileSync(file, "utf8"), page, "run UPDATE_DOCS=1 npm test -- test/config/settings.test.ts");
  });
});

function settingsPage(options: readonly Option[]): string {
  const rows = options.map((o) => {
    const value = o.defaultValueDescription ?? o.defaultValue;
    const shown = value === undefined || o.isBoolean() ? "" : `\`${value}\``;
    const choices = o.argChoices === undefined ? "" : ` (${o.argChoices.join(", ")})`;
    const text = `${o.description}${choices}`.replaceAll("|", "\\|");
    return `| \`${o.flags.replaceAll("|", "\\|")}\` | ${shown} | ${o.envVar === undefined ? "" : `\`${o.envVar}\``} | ${text} |`;
  });
  return `# Settings

What a policy leaves open is a setting of the agent: a flag of \`outflow run\`, else a variable, else a key of the YAML file that
\`--config\` names (the flag's name without the dashes: \`poll-interval: 30s\`). A list, such as \`policies\`, is a YAML list there.
Durations are written as in Go: \`500ms\`, \`15s\`, \`1m30s\`. This page is made from the table in \`src/config/settings.ts\`.

| flag | default | variable | what it does |
| --- | --- | --- | --- |
${rows.join("\n")}

A variable for a repeatable flag holds one value. Without \`--policies\` the agent looks in \`$XDG_CONFIG_HOME/outflow/policies\`
(\`~/.config/outflow/policies\`), then in \`/etc/outflow/policies\`. Some settings can be narrowed for one policy by an annotation:
see [policies.md](policies.md).
`;
}
