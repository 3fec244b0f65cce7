// Agent settings: flags, OUTFLOW_* variables and a file, in that order of precedence; and docs/settings.md is what the table says.
// UPDATE_DOCS=1 writes the page again.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { Command, type Option } from "commander";
import { applyConfigFile } from "../../src/config/config-file.ts";
import { effectiveSettings } from "../../src/config/effective.ts";
import { runOptions, type Settings } from "../../src/config/settings.ts";
import { unknownVariables } from "../../src/config/variables.ts";
import { annotationNames } from "../../src/policy/annotations.ts";
import { tempDir } from "../servers/binary.ts";

const SPELLINGS: [string, boolean][] = [
  ...["yes", "true", "on", "1", "YES", "True"].map((text): [string, boolean] => [text, true]),
  ...["no", "false", "off", "0", "No", "FALSE"].map((text): [string, boolean] => [text, false]),
];

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
    assert.equal(settings([]).settle, "auto");
    assert.equal(settings([], "settle: 6s").settle, 6_000);
    process.env.OUTFLOW_SETTLE = "7s";
    assert.equal(settings([], "settle: 6s").settle, 7_000);
    assert.equal(settings(["--settle", "8s"], "settle: 6s").settle, 8_000);
  });
});

/** A value that is not the default, as it is written, for each kind of setting. */
function sample(option: Option): string {
  const [, what = "yes|no"] = /<(.*)>/.exec(option.flags) ?? [];
  if (option.argChoices !== undefined) return option.argChoices.at(-1)!;
  const known: Record<string, string> = {
    "yes|no": "yes",
    duration: "7m",
    "now|duration": "7m",
    "auto|duration": "7m",
    n: "2000",
    bytes: "2000000",
    url: "http://vm.example:8428",
    "name=value": "region=eu",
    engine: "etcd",
    regex: "tmp_.*",
  };
  return option.name() === "max-concurrency" || option.name() === "max-source-queries"
    ? "33"
    : (known[what] ?? "some-text");
}

describe("each setting, made from the table", () => {
  for (const option of runOptions()) {
    const name = option.attributeName() as keyof Settings;
    const flag = option.long!;
    if (option.name() === "config") continue;
    const value = sample(option);

    test(`${flag}: flag, variable and key mean the same, and none of them the default`, () => {
      assert.equal(option.envVar, `OUTFLOW_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`);
      const byFlag = settings([flag, value])[name];
      assert.notDeepEqual(byFlag, settings([])[name]);
      assert.deepEqual(settings([`${flag}=${value}`])[name], byFlag);
      assert.deepEqual(settings([], `${option.name()}: ${JSON.stringify(value)}`)[name], byFlag);
      process.env[option.envVar!] = value;
      assert.deepEqual(settings([])[name], byFlag);
    });

    if (option.optional)
      for (const [spelling, wanted] of SPELLINGS)
        test(`${flag} ${spelling}: ${wanted}, as flag, variable and key`, () => {
          assert.equal(settings([`${flag}=${spelling}`])[name], wanted);
          assert.equal(settings([], `${option.name()}: ${spelling}`)[name], wanted);
          assert.equal(settings([], `${option.name()}: "${spelling}"`)[name], wanted);
          process.env[option.envVar!] = spelling;
          assert.equal(settings([])[name], wanted);
        });
    if (option.optional) {
      test(`${flag} alone is yes; a word that is neither is refused`, () => {
        assert.equal(settings([flag])[name], true);
        assert.throws(() => settings([`${flag}=maybe`]), /"maybe" is not a valid boolean; write yes or no/);
        assert.throws(() => settings([], `${option.name()}: maybe`), /"maybe" is not a valid boolean/);
        process.env[option.envVar!] = "maybe";
        assert.throws(() => settings([]), /"maybe" is not a valid boolean/);
      });
    }
    if (option.description.includes("(repeatable"))
      test(`${flag}: a list in the file is the flag repeated`, () => {
        const twice = settings([flag, value, flag, value])[name];
        assert.equal((twice as unknown[]).length, 2);
        assert.deepEqual(
          settings([], `${option.name()}: [${JSON.stringify(value)}, ${JSON.stringify(value)}]`)[name],
          twice,
        );
      });
    else
      test(`${flag}: a list in the file is refused`, () => {
        assert.throws(() => settings([], `${option.name()}: [a, b]`), /must be one value, not a list/);
      });
    test(`${flag}: a key without a value, or with a mapping, is refused`, () => {
      assert.throws(() => settings([], `${option.name()}:`), /has no value/);
      assert.throws(() => settings([], `${option.name()}: { a: b }`), /must be a string, a number or a boolean/);
    });
  }
});

describe("trouble with the file", () => {
  const cases: [string, string, RegExp][] = [
    ["an unknown key", "setle: 6s", /unknown setting setle \(did you mean "settle"\?\)/],
    ["itself", "config: other.yaml", /unknown setting config/],
    ["a value that is not valid", "settle: soon", /settle: "soon" is not a valid duration/],
    ["not a mapping", "- settle", /must be a mapping/],
    ["not YAML", "a: [", /not valid YAML/],
    ["a key twice", "settle: 5s\nsettle: 6s", /not valid YAML: Map keys must be unique/],
  ];
  for (const [name, text, message] of cases) test(name, () => assert.throws(() => settings([], text), message));

  test("a file that is not there, or is a directory", () => {
    assert.throws(
      () => settings(["--config", join(dir.path, "none.yaml")]),
      /cannot read --config .*none\.yaml: the file does not exist$/,
    );
    assert.throws(() => settings(["--config", dir.path]), /cannot read --config .*: it is a directory$/);
  });

  test("a command that takes some of the settings passes over the others", () => {
    const command = new Command("replay").exitOverride().configureOutput({ writeErr: () => {} });
    for (const option of runOptions()) if (["settle", "config"].includes(option.name())) command.addOption(option);
    const config = join(dir.path, "shared.yaml");
    writeFileSync(config, "settle: 6s\nlisten: off\n");
    command.parse(["--config", config], { from: "user" });
    applyConfigFile(command);
    assert.equal(command.opts<Settings>().settle, 6_000);
    writeFileSync(config, "listn: off\n");
    assert.throws(() => applyConfigFile(command), /unknown setting listn/);
  });
});

describe("limits", () => {
  const cases: [string[], RegExp][] = [
    [["--poll-interval", "999ms"], /at least 1s/],
    [["--poll-interval", "2h"], /at most 1h/],
    [["--settle", "5"], /"5" is not a valid duration/],
    [["--settle", "-5s"], /is not a valid duration/],
    [["--max-concurrency", "0"], /from 1 to 64/],
    [["--max-concurrency", "1.5"], /"1.5" is not a whole number/],
    [["--max-window-samples", "5"], /must be at least 1000/],
    [["--source-url", "ftp://user:geheim@x"], /not a valid http or https URL/],
    [["--on-exhausted", "keep"], /Allowed choices are drop, hold/],
    [["--audit-interval", "10ms"], /at least 1s/],
  ];
  for (const [args, message] of cases) test(args.join(" "), () => assert.throws(() => settings(args), message));

  for (const zero of ["0", "0s", "0ms", "0h"])
    test(`--audit-interval ${zero} turns it off`, () =>
      assert.equal(settings(["--audit-interval", zero]).auditInterval, 0));
});

describe("variables that no setting reads", () => {
  test("are named, with the setting that was perhaps meant", () => {
    assert.deepEqual(unknownVariables({ OUTFLOW_POLL_INTERVALL: "5s", OUTFLOW_SETTLE: "5s", PATH: "/bin" }), [
      'the variable OUTFLOW_POLL_INTERVALL is not a setting and has no effect (did you mean "OUTFLOW_POLL_INTERVAL"?).',
    ]);
  });

  test("each setting, what other commands read, and what Kubernetes sets for a Service named outflow, are not among them", () => {
    const env = Object.fromEntries(runOptions().map((o) => [o.envVar!, "x"]));
    const service = {
      OUTFLOW_SERVICE_HOST: "10.0.0.1",
      OUTFLOW_SERVICE_PORT: "9469",
      OUTFLOW_SERVICE_PORT_HTTP_METRICS: "9469",
      OUTFLOW_PORT: "tcp://10.0.0.1:9469",
      OUTFLOW_PORT_9469_TCP: "tcp://10.0.0.1:9469",
      OUTFLOW_PORT_9469_TCP_PROTO: "tcp",
      OUTFLOW_PORT_9469_TCP_PORT: "9469",
      OUTFLOW_PORT_9469_TCP_ADDR: "10.0.0.1",
    };
    assert.deepEqual(unknownVariables({ ...env, ...service, OUTFLOW_TOKEN_FILE: "x" }), []);
  });
});

describe("effective settings", () => {
  const effective = (args: string[], file?: string) => {
    const command = new Command("run").exitOverride().configureOutput({ writeErr: () => {} });
    for (const option of runOptions()) command.addOption(option);
    const config = join(dir.path, "effective.yaml");
    if (file !== undefined) writeFileSync(config, file);
    command.parse(file === undefined ? args : [...args, "--config", config], { from: "user" });
    applyConfigFile(command);
    const all = effectiveSettings(runOptions(), command.opts(), (name) => command.getOptionValueSource(name));
    return { config, of: (key: string) => all.find((s) => s.key === key), all };
  };

  test("each setting is there once, with its value as it is written and where it came from", () => {
    process.env.OUTFLOW_LATE_WINDOW = "45s";
    const { config, of, all } = effective(
      ["--settle", "90s", "--no-tui", "--drop-label", "a", "--drop-label", "b"],
      "max-labels: 7",
    );
    assert.deepEqual(
      all.map((s) => s.key).sort(),
      runOptions()
        .map((o) => o.name())
        .filter((name) => name !== "config")
        .sort(),
    );
    assert.deepEqual(of("settle"), { key: "settle", value: "1m30s", from: "flag" });
    assert.deepEqual(of("no-tui"), { key: "no-tui", value: true, from: "flag" });
    assert.deepEqual(of("late-window"), { key: "late-window", value: "45s", from: "variable OUTFLOW_LATE_WINDOW" });
    assert.deepEqual(of("max-labels"), { key: "max-labels", value: 7, from: `file ${config}` });
    assert.deepEqual(of("poll-interval"), { key: "poll-interval", value: "15s", from: "default" });
    assert.deepEqual(of("start"), { key: "start", value: "now", from: "default" });
    assert.deepEqual(of("drop-label")?.value, ["a", "b"]);
    assert.equal(of("proxy")?.value, undefined);
  });

  test("what is printed is understood again, as the same settings", () => {
    const args = runOptions().flatMap((o) => (o.name() === "config" ? [] : [`${o.long}=${sample(o)}`]));
    const { all } = effective(args.filter((a) => !/^--(source-header|proxy|source-proxy)=/.test(a)));
    const again = settings(
      [],
      all.flatMap(({ key, value }) => (value === undefined ? [] : [`${key}: ${JSON.stringify(value)}\n`])).join(""),
    );
    assert.deepEqual(again, {
      ...settings(args.filter((a) => !/^--(source-header|proxy|source-proxy)=/.test(a))),
      config: again["config" as never],
    });
  });

  for (const [args, shown] of [
    [["--proxy", "http://user:hunter22@proxy:3128"], "http://***@proxy:3128"],
    [["--proxy", "user:hunter22@proxy:3128"], "http://***@proxy:3128"],
    [["--proxy", "http://user:hunter22@pro xy"], "***"],
    [["--proxy", "off"], "off"],
    [["--source-proxy", "http://:hunter22@proxy"], "http://***@proxy"],
    [["--source-url", "http://u:hunter22@vm:8428/select?key=hunter22"], "http://***@vm:8428/select?key=***"],
    [["--source-header", "Authorization=Bearer hunter22"], ["Authorization=***"]],
    [["--source-header", "X-Key: hunter22"], ["X-Key:***"]],
    [["--source-header", "hunter22"], ["***"]],
  ] as const)
    test(`no credential of ${args.join(" ")}`, () => {
      const { of, all } = effective([...args]);
      assert.deepEqual(of(args[0].slice(2))?.value, shown);
      assert.doesNotMatch(JSON.stringify(all), /hunter22/);
    });
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
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const code = (text: string | undefined) => (text === undefined ? "" : `\`${cell(text)}\``);
  const groups = [...new Set(options.map((o) => o.helpGroupHeading!))];
  const tables = groups.map((heading) => {
    const rows = options
      .filter((o) => o.helpGroupHeading === heading)
      .map((o) => {
        const value = o.defaultValueDescription ?? o.defaultValue;
        const choices = o.argChoices === undefined ? "" : ` (${o.argChoices.join(", ")})`;
        const annotation = ANNOTATIONS[o.name()] ?? `outflow/${o.name()}`;
        return `| ${code(o.flags)} | ${code(o.envVar)} | ${o.name() === "config" ? "" : code(o.name())} | ${value === undefined ? "" : code(String(value))} | ${annotationNames.includes(annotation) ? code(annotation) : ""} | ${cell(o.description)}${choices} |`;
      });
    return `## ${heading.replace(/:$/, "")}\n\n| flag | variable | key | default | annotation | what it does |\n| --- | --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Settings

Settings of the agent, for everything that is not in a policy: a flag of \`outflow run\`, otherwise a variable, otherwise a key of the YAML file
in \`--config\`. \`outflow config\` prints the settings in effect and where each came from; \`outflow run --check\` checks them, and exits
with 0 or 2.

- Durations are written as in Go: \`500ms\`, \`15s\`, \`1m30s\`. Booleans are \`yes\`, \`true\`, \`on\`, \`1\` and \`no\`, \`false\`, \`off\`, \`0\`,
  everywhere; a flag without a value means yes.
- A repeatable setting is a YAML list in the file; its variable holds one value. An empty variable counts as not set.
- A setting with an annotation can be set (some can only be narrowed) for one policy: see [policies.md](policies.md).
- An unknown variable \`OUTFLOW_…\` causes a warning, an unknown key is an error.
- Without \`--policies\` the agent looks in \`$XDG_CONFIG_HOME/outflow/policies\` (\`~/.config/outflow/policies\`), then in
  \`/etc/outflow/policies\`.

This page is generated from the table in \`src/config/settings.ts\`.

${tables.join("\n")}`;
}

/** Of settings whose annotation has another name. */
const ANNOTATIONS: Record<string, string> = { "external-label": "outflow/external-labels" };
