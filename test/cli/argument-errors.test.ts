// The message for a wrong command line: one style, whatever is wrong.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { argumentError } from "../../src/cli/argument-errors.ts";

/** What a small program says of these arguments. */
function said(args: string[]): string {
  let text = "";
  const refuse = () => {
    throw new InvalidArgumentError("not a valid duration; write for example 15s");
  };
  const program = new Command("outflow");
  const command = program
    .command("run")
    .argument("<path>", "a path", (value: string) => (value === "bad" ? refuse() : value))
    .addArgument(new Argument("[shell]", "x").choices(["bash", "zsh"]))
    .addOption(new Option("--all", "x").conflicts("kind"))
    .addOption(new Option("-s, --settle <duration>", "x").argParser(refuse))
    .addOption(new Option("--kind <kind>", "x").choices(["a", "b"]));
  for (const c of [program, command])
    c.exitOverride().configureOutput({
      outputError: (t) => {
        text += argumentError(t);
      },
      writeErr: () => {},
    });
  assert.throws(() => program.parse(args, { from: "user" }));
  return text;
}

describe("errors of arguments", () => {
  const cases: [string[], string][] = [
    [["run", "p", "--settle", "geheim"], "--settle: not a valid duration; write for example 15s."],
    [["run", "p", "-s", "x"], "--settle: not a valid duration; write for example 15s."],
    [["run", "p", "--kind", "c"], '--kind: "c" is not a valid choice; write one of a, b.'],
    [["run", "p", "--kind"], "--kind: needs a value."],
    [["run", "p", "--setle", "5s"], "unknown flag --setle (did you mean --settle?)"],
    [["run", "p", "--zzz"], "unknown flag --zzz."],
    [["run", "bad"], "path: not a valid duration; write for example 15s."],
    [["run"], "path is missing."],
    [["run", "a", "b"], 'shell: "b" is not a valid choice; write one of bash, zsh.'],
    [["run", "a", "zsh", "c"], "too many arguments: a, zsh, c."],
    [["run", "a", "--all", "--kind", "a"], "--all and --kind: use one of them."],
    [["rnu"], "unknown command rnu (did you mean run?)"],
    [["zzzzzz"], "unknown command zzzzzz."],
  ];
  for (const [args, text] of cases) test(args.join(" "), () => assert.equal(said(args), text));

  test("a variable is named as such", () => {
    assert.equal(
      argumentError("error: option '--settle <d>' value 'it's x' from env 'OUTFLOW_SETTLE' is invalid. no good.\n"),
      "OUTFLOW_SETTLE: no good.",
    );
  });
});
