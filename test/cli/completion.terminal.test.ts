// Completion in real shells, typed in a real terminal: commands, flags, choices, files, and names of sinks from a running agent.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildBinary, eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { Terminal } from "../tui/tmux.ts";

const dir = tempDir();
let agent: Running;
before(async () => {
  mkdirSync(join(dir.path, "bin"));
  symlinkSync(buildBinary(), join(dir.path, "bin/outflow"));
  const policy = join(dir.path, "gateway.yaml");
  const target = "{ prometheusRemoteWrite: { endpoint: http://127.0.0.1:9/write } }";
  writeFileSync(
    policy,
    `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge, namespace: team-a }
spec:
  sources: [{ name: m, metrics: { metricsql: up } }]
  sinks: [{ name: cloudburst, sources: [m], target: ${target} }]
`,
  );
  agent = await runAgent([
    "--policies",
    policy,
    "--source-url",
    "http://127.0.0.1:9",
    "--state-dir",
    join(dir.path, "s"),
  ]);
  await eventually(
    "it lives",
    () => fetch(`${agent.adminUrl}/readyz`).then((r) => r.text()),
    (t) => !t.includes("not loaded"),
  );
});
after(async () => {
  await agent?.stop();
  dir.remove();
});

/** How each shell starts without anybody's settings, and loads the script. */
const shells = {
  bash: ["bash --norc --noprofile", "source <(outflow completion bash)"],
  zsh: ["zsh -f", "autoload -Uz compinit && compinit -D; source <(outflow completion zsh)"],
  fish: ["fish --no-config", "outflow completion fish | source"],
} as const;

for (const [shell, [start, load]] of Object.entries(shells))
  describe(`completion in ${shell}`, shell === "bash" ? needs("tmux") : needs("tmux", shell as "zsh"), () => {
    let terminal: Terminal;
    before(async () => {
      terminal = new Terminal(100, 30, { LANG: "C.UTF-8", TERM: "screen" });
      terminal.run(
        `export PATH=${join(dir.path, "bin")}:$PATH OUTFLOW_URL=${agent.adminUrl} HOME=${dir.path}; cd ${dir.path}; ${start}`,
      );
      terminal.run("echo st''arted");
      await terminal.shows(/^started/m);
      terminal.run(load);
      terminal.run("clear; echo lo''aded");
      await terminal.shows(/^loaded/m);
    });
    after(() => terminal.close());

    /** Types, asks for completion, waits for what must come of it, and clears the line. */
    async function completes(typed: string, wanted: RegExp, tabs = 1): Promise<void> {
      terminal.type(typed);
      await terminal.shows(typed);
      for (let i = 0; i < tabs; i++) terminal.press("Tab");
      await terminal.shows(wanted);
      terminal.press("C-c");
      terminal.run("clear; echo cle''ared");
      await terminal.shows(/^cleared/m);
    }

    test("a command", () => completes("outflow licen", /outflow licenses/));
    test("a flag", () => completes("outflow run --dead-letter-max-s", /--dead-letter-max-size/));
    test("a choice of a flag", () => completes("outflow run --on-exhausted ho", /--on-exhausted hold/));
    test("a choice after an equals sign", () =>
      completes("outflow run --source-kind=vic", /--source-kind=victoriametrics/));
    test("a file", () => completes("outflow check gatew", /outflow check gateway\.yaml/));
    test("a sink of the running agent", () =>
      completes("outflow status team", /outflow status team-a\/edge\/cloudburst/));
    test("several commands", () => completes("outflow co", /completion[\s\S]*config/, 2));
  });

describe("the names of sinks", () => {
  test("an agent that is not there: none, and no error", async () => {
    const { execFileSync } = await import("node:child_process");
    const env = { PATH: process.env.PATH ?? "", OUTFLOW_URL: "http://127.0.0.1:9" };
    assert.equal(execFileSync(buildBinary(), ["complete", "--", "status", ""], { env, encoding: "utf8" }), "");
  });
});
