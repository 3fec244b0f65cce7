// outflow check: every problem of the policies and Secrets, offline. Exit 0 valid, 1 problems, 2 usage, or neither of them at all.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { clusterOptions, type KubernetesSettings } from "../config/kubernetes-options.ts";
import { count } from "../config/parsers.ts";
import { enforcementOptions } from "../config/settings.ts";
import { readAll, systemFiles } from "../platform/files.ts";
import { placeText } from "../platform/place.ts";
import { printable, printableJson } from "../platform/printable.ts";
import { jsonSchema } from "../policy/json-schema.ts";
import { loadPolicies } from "../policy/load.ts";
import { policyPath } from "../policy/paths.ts";
import type { LoadResult } from "../policy/policy.ts";
import { policyYaml } from "../policy/print.ts";
import { githubLine, jsonReport, problemText, summary } from "../policy/report.ts";
import { API_VERSION } from "../policy/schema.ts";
import { clusterPolicies } from "./agent/cluster.ts";
import { example } from "./example.ts";
import { queryRules } from "./querycheck.ts";

type Options = {
  format: "text" | "json" | "github";
  secretsDir?: string;
  requireSecrets?: boolean;
  maxPolicySize: number;
  warningsAsErrors?: boolean;
  print?: boolean;
  schema?: boolean;
  enforceFilter?: string[];
  forbidLabel?: string[];
} & KubernetesSettings;

export function checkCommand(): Command {
  const command = new Command("check")
    .description("verify policies, offline or in a cluster: every problem with its location and remedy")
    .argument(
      "[path...]",
      "files or directories (NAMESPACE=PATH binds a path to a namespace); - is standard input",
      (path: string, paths: string[] = []) => {
        if (path !== "-" && !existsSync(policyPath(path).path))
          throw new InvalidArgumentError(`${path} does not exist`);
        return [...paths, path];
      },
    )
    .addOption(
      new Option("--format <format>", "how problems are written").choices(["text", "json", "github"]).default("text"),
    )
    .option("--secrets-dir <dir>", "mounted secrets: <namespace>/<name>/<key>, or <name>/<key>")
    .option("--require-secrets", "report a missing Secret as a problem, not a warning")
    .option("--max-policy-size <bytes>", "largest policy file", count({ min: 1024 }), 1_048_576)
    .option("--warnings-as-errors", "exit 1 for warnings too")
    .option("--print", "print the policies as understood: defaults filled in, no secrets")
    .option("--schema", "print the JSON Schema of an ExportPolicy for editors, then exit");
  for (const option of [...enforcementOptions(), ...clusterOptions()]) command.addOption(option);
  return command
    .addHelpText(
      "after",
      example(
        "outflow check policies/",
        "outflow check team-a=/etc/outflow/team-a team-b=/etc/outflow/team-b",
        "cat policy.yaml | outflow check -",
        "outflow check --kubernetes --namespace default",
        "outflow check --schema > exportpolicy.schema.json",
      ),
    )
    .action(async (paths: string[], options: Options) => {
      if (options.schema) return void process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      if (options.kubernetes && paths.length > 0)
        command.error("error: --kubernetes reads policies from the API server: name no file, or leave it out");
      if (paths.length === 0 && !options.kubernetes)
        command.error("error: missing required argument 'path': name a file or a directory, or - for standard input");
      const loaded = options.kubernetes ? await loadCluster(options) : load(paths, options);
      report(loaded, options);
      if (isEmpty(loaded)) {
        process.stderr.write(options.kubernetes ? NOTHING_IN_CLUSTER : nothingFound(paths, loaded.files.length));
        process.exitCode = 2;
        return;
      }
      const bad = loaded.problems.some(
        (p) => p.severity === "problem" || (options.warningsAsErrors && p.severity === "warning"),
      );
      process.exitCode = bad ? 1 : 0;
    });
}

const NOTHING_IN_CLUSTER =
  "outflow: the API server has no ExportPolicy that this user may see there. Create one with kubectl apply, or choose other namespaces with --namespace.\n";

const rulesOf = ({ enforceFilter = [], forbidLabel = [] }: Options) => queryRules({ enforceFilter, forbidLabel });

const secretsOf = ({ requireSecrets }: Options) =>
  ({ missingSecret: requireSecrets ? "problem" : "warning", uselessSecret: "problem" }) as const;

function loadCluster(options: Options): Promise<LoadResult> {
  const { check } = rulesOf(options);
  return clusterPolicies(options, {
    interpretOptions: () => ({ checkQuery: check }),
    maxPolicySize: options.maxPolicySize,
    ...secretsOf(options),
  });
}

function load(paths: string[], options: Options): LoadResult {
  return loadPolicies(paths, {
    files: systemFiles,
    checkQuery: rulesOf(options).check,
    secretsDir: options.secretsDir,
    maxPolicySize: options.maxPolicySize,
    stdin: paths.includes("-") ? readAll(0, options.maxPolicySize + 1) : undefined,
    ...secretsOf(options),
  });
}

function report(loaded: LoadResult, { format, print, warningsAsErrors }: Options): void {
  if (format === "json") return void process.stdout.write(`${printableJson(jsonReport(loaded))}\n`);
  const excerpts = process.stderr.isTTY === true;
  const lines = loaded.problems.map((p) => (format === "github" ? githubLine(p) : problemText(p, excerpts)));
  process.stderr.write(lines.map((line) => `${line}\n`).join(""));
  if (print) {
    for (const policy of loaded.policies)
      process.stdout.write(`# ${printable(placeText(policy.place))}\n${policyYaml(policy)}\n---\n`);
  }
  if (isEmpty(loaded)) return;
  process.stdout.write(`${print ? "# " : ""}${summary(loaded, warningsAsErrors === true)}\n`);
}

/** Nothing that could be valid, and nothing that is wrong. */
const isEmpty = ({ policies, secrets = 0, problems }: LoadResult): boolean =>
  policies.length + secrets === 0 && !problems.some((p) => p.severity === "problem");

function nothingFound(paths: readonly string[], files: number): string {
  const where = paths.map((path) => (path === "-" ? "standard input" : printable(resolve(path)))).join(", ");
  const read =
    files === 0 ? "there is no *.yaml, *.yml or *.json file" : `read ${files === 1 ? "1 file" : `${files} files`}`;
  return `outflow: no ExportPolicy or Secret in ${where}: ${read}. Name the file or directory that has one, or write one there: kind ExportPolicy, apiVersion ${API_VERSION}. outflow demo shows a working example.\n`;
}
