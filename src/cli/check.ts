// outflow check: every problem of the policies, offline. Exit 0 valid, 1 problems, 2 usage.
import { existsSync, readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { systemFiles } from "../platform/files.ts";
import { loadPolicies, problemLine } from "../policy/load.ts";
import type { LoadResult, Problem } from "../policy/policy.ts";
import { counted } from "../status/words.ts";
import { example } from "./example.ts";
import { queryChecker } from "./querycheck.ts";

type Options = {
  format: "text" | "json" | "github";
  secretsDir?: string;
  maxPolicySize: number;
  warningsAsErrors?: boolean;
};

export function checkCommand(): Command {
  return new Command("check")
    .description("verify policies offline: all problems, each with its place and what to do")
    .argument("<path...>", "files or directories; - is standard input", (path: string, paths: string[] = []) => {
      if (path !== "-" && !existsSync(path)) throw new InvalidArgumentError("it does not exist.");
      return [...paths, path];
    })
    .option("--format <format>", "text, json or github", "text")
    .option("--secrets-dir <dir>", "mounted secrets: <namespace>/<name>/<key>")
    .option("--max-policy-size <bytes>", "largest policy file", Number, 1_048_576)
    .option("--warnings-as-errors", "exit 1 for warnings too")
    .addHelpText("after", example("outflow check policies/", "cat policy.yaml | outflow check -"))
    .action((paths: string[], options: Options) => {
      const stdin = paths.includes("-") ? readFileSync(0, "utf8") : undefined;
      const loaded = loadPolicies(paths, {
        files: systemFiles,
        checkQuery: queryChecker({ enforceFilter: [], forbidLabel: [] }),
        secretsDir: options.secretsDir,
        maxPolicySize: options.maxPolicySize,
        stdin,
      });
      report(loaded, options);
      const bad = loaded.problems.some(
        (p) => p.severity === "problem" || (options.warningsAsErrors && p.severity === "warning"),
      );
      process.exitCode = bad ? 1 : 0;
    });
}

function report(loaded: LoadResult, { format }: Options): void {
  if (format === "json") {
    process.stdout.write(
      `${JSON.stringify({ policies: loaded.policies.map((p) => `${p.namespace}/${p.name}`), problems: loaded.problems.map(({ place, ...rest }) => ({ ...place, ...rest })) })}\n`,
    );
    return;
  }
  for (const problem of loaded.problems)
    process.stderr.write(`${format === "github" ? annotation(problem) : problemLine(problem)}\n`);
  const count = (severity: Problem["severity"]) => loaded.problems.filter((p) => p.severity === severity).length;
  const sinks = loaded.policies.reduce((n, p) => n + p.sinks.length, 0);
  const policies = `${loaded.policies.length} ${loaded.policies.length === 1 ? "policy" : "policies"}`;
  process.stdout.write(
    `${policies} with ${counted(sinks, "sink")} valid in ${counted(loaded.files.length, "file")}; ${counted(count("problem"), "problem")}, ${counted(count("warning"), "warning")}\n`,
  );
}

/** GitHub's workflow command: shown at the line in a review. */
function annotation({ severity, place, path, message }: Problem): string {
  const kind = { problem: "error", warning: "warning", note: "notice" }[severity];
  return `::${kind} file=${place.file},line=${place.line},col=${place.column}::${path === "" ? "" : `${path}: `}${message}`;
}
