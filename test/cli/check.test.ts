// outflow check and outflow query as their users call them: what goes where, and the exit code.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { VALID } from "../policy/documents.ts";
import { buildBinary, tempDir } from "../servers/binary.ts";

const dir = tempDir();
const at = (name: string) => join(dir.path, name);
const AUTH = "          authentication: { basicAuth: { secretRef: { name: door } } }\n";

before(() => {
  mkdirSync(at("both"));
  mkdirSync(at("empty"));
  writeFileSync(
    at("secret.yaml"),
    "apiVersion: v1\nkind: Secret\nmetadata: { name: door }\nstringData: { token: x }\n",
    { mode: 0o600 },
  );
  writeFileSync(at("valid.yaml"), VALID);
  writeFileSync(at("both/a.yaml"), VALID.replace("[gateway]", "[gatewy]"));
  writeFileSync(at("both/b.yml"), VALID.replace("name: edge", "name: b").replace("endpoint:", "endpont:"));
  writeFileSync(at("both/c.txt"), "not ours: [");
  writeFileSync(at("auth.yaml"), VALID + AUTH);
  writeFileSync(at("short.yaml"), VALID.replace("maxAttempts: 10", "maxAttempts: 2"));
  writeFileSync(at("other.yaml"), "apiVersion: v1\nkind: ConfigMap\n");
});
after(() => dir.remove());

function outflow(args: string[], stdin = ""): { code: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env.PATH ?? "", HOME: dir.path };
  const { status, stdout, stderr } = spawnSync(buildBinary(), args, {
    cwd: dir.path,
    env,
    input: stdin,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("outflow check", () => {
  test("valid: exit 0, a summary, nothing on standard error, and the word error nowhere", () => {
    const { code, stdout, stderr } = outflow(["check", "valid.yaml"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, "valid: 1 policy with 1 sink understood in 1 file; 0 problems, 0 warnings\n");
  });

  test("problems of all files of a directory at once, each with its place: exit 1", () => {
    const { code, stdout, stderr } = outflow(["check", "both"]);
    assert.equal(code, 1);
    assert.match(stdout, /^not valid: .* in 2 files; 3 problems/);
    assert.match(stderr, /^both\/a\.yaml:12:17: spec\.sinks\[0\]\.sources\[0\]: names no source: "gatewy"/m);
    assert.match(stderr, /^both\/b\.yml:15:11: .*unknown field "endpont" \(did you mean "endpoint"\?\)/m);
    assert.equal(stderr.trim().split("\n").length, 3, "no excerpts without a terminal");
  });

  test("no policy at all: where it looked, what to do, and exit 2", () => {
    for (const [path, stdin, said] of [
      ["-", "", "no ExportPolicy or Secret in standard input: read 1 file. "],
      ["empty", "", `no ExportPolicy or Secret in ${at("empty")}: there is no *.yaml, *.yml or *.json file. `],
    ] as const)
      for (const format of ["text", "json"]) {
        const { code, stdout, stderr } = outflow(["check", "--format", format, path], stdin);
        assert.equal(code, 2);
        assert.ok(
          stderr.startsWith(`outflow: ${said}Name the file or directory that has one, or write one there`),
          stderr,
        );
        assert.ok(format === "json" || stdout === "", stdout);
      }
  });

  test("files that only hold Secrets are checked: exit 0 or 1", () => {
    const good = outflow(["check", "secret.yaml"]);
    assert.deepEqual([good.code, good.stdout], [0, "valid: 1 Secret understood in 1 file; 0 problems, 0 warnings\n"]);
    const echo = `apiVersion: v1\nkind: Secret\nmetadata: { name: c }\ntype: kubernetes.io/basic-auth\ndata: { username: ${btoa("u\n")}, password: ${btoa("p\n")} }\n`;
    const broken = outflow(["check", "-"], echo);
    assert.equal(broken.code, 0);
    assert.match(
      broken.stderr,
      /^-:5:19: warning: data\.username: ends with a line break, which is not sent; encode it without one/m,
    );
    const bad = outflow(["check", "-"], echo.replace(btoa("p\n"), btoa("p\nq")));
    assert.equal(bad.code, 1);
    assert.match(
      bad.stderr,
      /^-:5:\d+: data\.password: has a line break or another control character in it; remove it$/m,
    );
    assert.equal(outflow(["check", "-"], "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n").code, 2);
  });

  test("a path that is bound to a namespace", () => {
    assert.equal(outflow(["check", "default=valid.yaml"]).code, 0);
    const other = VALID.replace("  name: edge\n", "  name: edge\n  namespace: team-b\n");
    writeFileSync(join(dir.path, "team-b.yaml"), other);
    const { code, stderr } = outflow(["check", "team-a=team-b.yaml"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^team-b\.yaml:5:14: metadata\.namespace: is outside namespace team-a, to which team-b\.yaml is bound; write team-a or remove it/m,
    );
    assert.equal(outflow(["check", "team-a=nowhere.yaml"]).code, 2);
  });

  test("standard input", () => {
    assert.equal(outflow(["check", "-"], VALID).code, 0);
    const { code, stderr } = outflow(["check", "-"], VALID.replace("edge", "Edge"));
    assert.equal(code, 1);
    assert.match(stderr, /^-:4:9: metadata\.name/);
  });

  test("usage: no path, a path that is not there, an unknown format: exit 2", () => {
    for (const args of [["check"], ["check", "nowhere.yaml"], ["check", "--format", "xml", "valid.yaml"]]) {
      const { code, stdout, stderr } = outflow(args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /path is missing|path: nowhere.yaml does not exist|not a valid choice/);
    }
  });

  test("--format json: one document on standard output", () => {
    const { code, stdout, stderr } = outflow(["check", "--format", "json", "both"]);
    assert.deepEqual([code, stderr], [1, ""]);
    const { problems, files } = JSON.parse(stdout) as { problems: Record<string, unknown>[]; files: string[] };
    assert.deepEqual(files, ["both/a.yaml", "both/b.yml"]);
    const { message, ...place } = problems[0]!;
    assert.deepEqual(place, {
      file: "both/a.yaml",
      line: 12,
      column: 17,
      severity: "problem",
      path: "spec.sinks[0].sources[0]",
    });
    assert.match(String(message), /did you mean/);
  });

  test("--format github: workflow commands", () => {
    const { stderr } = outflow(["check", "--format", "github", "both", "short.yaml"]);
    assert.match(stderr, /^::error file=both\/a\.yaml,line=12,col=17::spec\.sinks/m);
    assert.match(stderr, /^::warning file=short\.yaml,line=16,col=18::/m);
  });

  test("warnings do not fail, with --warnings-as-errors they do", () => {
    assert.equal(outflow(["check", "short.yaml"]).code, 0);
    assert.equal(outflow(["check", "--warnings-as-errors", "short.yaml"]).code, 1);
  });

  test("a Secret that is not among the files: a warning; a problem with --require-secrets", () => {
    const { code, stderr } = outflow(["check", "auth.yaml"]);
    assert.equal(code, 0);
    assert.match(stderr, /warning: .*secretRef\.name: Secret default\/door was not found/);
    assert.equal(outflow(["check", "--require-secrets", "auth.yaml"]).code, 1);
  });

  test("somebody else's documents: a note, and no policy if there is none beside them", () => {
    const { code, stderr } = outflow(["check", "other.yaml"]);
    assert.equal(code, 2);
    assert.equal(outflow(["check", "other.yaml", "valid.yaml"]).code, 0);
    assert.match(stderr, /note: kind: is skipped/);
  });

  test("--print: as understood, with defaults; it is a policy again", () => {
    const { stdout } = outflow(["check", "--print", "valid.yaml"]);
    assert.match(stdout, /namespace: default[\s\S]*maxSize: 500\n\s*timeout: 5s/);
    assert.equal(outflow(["check", "-"], stdout).code, 0);
  });

  test("--schema: JSON, without any path", () => {
    const { code, stdout } = outflow(["check", "--schema"]);
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { title: string }).title, "ExportPolicy");
  });

  test("--enforce-filter that cannot be read: exit 2; --forbid-label: a problem inside the query", () => {
    const { code, stderr } = outflow(["check", "valid.yaml", "--enforce-filter", "{project="]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot enforce --enforce-filter/);
    const forbidden = outflow(["check", "valid.yaml", "--forbid-label", "job"]);
    assert.equal(forbidden.code, 1);
    assert.match(forbidden.stderr, /valid\.yaml:9:22: .*filters on job, which the operator forbids/);
  });
});

test("outflow run: --enforce-filter that cannot be read ends the start with exit 2", () => {
  for (const filter of ["{project=", "", "{}", "up"]) {
    const args = ["run", "--no-tui", "--policies", ".", "--source-url", "http://127.0.0.1:9", "--listen", "off"];
    const { code, stderr } = outflow([...args, "--enforce-filter", filter]);
    assert.equal(code, 2, filter);
    assert.match(stderr, /cannot enforce --enforce-filter/);
  }
});

describe("outflow query", () => {
  test("explain: kind, selectors, functions, warnings, and what is sent", () => {
    const { code, stdout } = outflow(["query", "explain", "rate(sum(a{b='c'}))", "--enforce-filter", '{project="p1"}']);
    assert.equal(code, 0);
    for (const line of [
      /^kind +evaluated/m,
      /^selectors +a\{b="c"\}$/m,
      /^functions +rate$/m,
      /^warnings +1:1: rate\(\) of an expression/m,
      /^sent +rate\(sum\(a\{b="c",project="p1"\}\)\)$/m,
      /^extra_filters\[\] +\{project="p1"\}$/m,
    ])
      assert.match(stdout, line);
    assert.match(outflow(["query", "explain", "up"]).stdout, /^kind +raw[\s\S]*^sent +up\n +\[<window>ms\]$/m);
    assert.match(outflow(["query", "explain", "up"]).stdout, /^poll interval +a poll costs the source by its series/m);
  });

  test("fmt: readable lines, from an argument and from standard input", () => {
    assert.equal(outflow(["query", "fmt", "sum(rate( up[5m] ))by(job)"]).stdout, "sum(rate(up[5m])) by(job)\n");
    assert.equal(outflow(["query", "fmt", "-"], "a+b\n").stdout, "a + b\n");
  });

  test("no MetricsQL: the place and a caret, exit 1", () => {
    for (const command of ["fmt", "explain"]) {
      const { code, stdout, stderr } = outflow(["query", command, "up{a=“b”}"]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.equal(stderr, 'outflow: 1:6: typographic quotes “ ”: write "\n  up{a=“b”}\n       ^\n');
    }
  });
});
