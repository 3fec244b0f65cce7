// outflow query fmt | explain: a query in readable lines; what outflow makes of it and sends. Offline. Exit 0 well, 1 no MetricsQL.
import { Command } from "commander";
import stringWidth from "string-width";
import { list } from "../config/parsers.ts";
import { enforcementOptions } from "../config/settings.ts";
import { check, MetricsQLError, prettify, type Selector, toSafeString } from "../metricsql/mod.ts";
import { readAll } from "../platform/files.ts";
import { printable } from "../platform/printable.ts";
import type { PolicyIdentity } from "../policy/verdict.ts";
import { example } from "./example.ts";
import { LIMITS, type QueryRules, queryRules } from "./querycheck.ts";

type Options = { enforceFilter?: string[]; forbidLabel?: string[]; policy: string; label?: string[] };

export function queryCommand(): Command {
  const command = new Command("query")
    .description("format or explain a MetricsQL query, offline")
    .addHelpText("after", example("outflow query explain 'sum(rate(http_requests_total[5m])) by (job)'"));
  command
    .command("fmt")
    .description("print a query in lines of at most 80 columns, templates kept")
    .argument("<query>", "the query; - is standard input")
    .addHelpText("after", example("outflow query fmt 'sum(rate(up[5m]))by(job)'", "outflow query fmt - < query.txt"))
    .action((query: string) => {
      const text = textOf(query);
      try {
        print(prettify(text, LIMITS));
      } catch (error) {
        fail(text, error);
      }
    });
  const explain = command
    .command("explain")
    .description("print what a query is: its kind, selectors, functions, warnings, and the text that is sent")
    .argument("<query>", "the query; - is standard input")
    .option("--policy <namespace/name>", "whose query it is, for {namespace} and {name} in filters", "default/policy")
    .option("--label <name=value>", "a label of that policy, for {label:NAME} in filters (repeatable)", list);
  for (const option of enforcementOptions()) explain.addOption(option);
  explain
    .addHelpText("after", example(`outflow query explain '{job="gateway"}' --enforce-filter '{project="p1"}'`))
    .action((query: string, { enforceFilter = [], forbidLabel = [], policy, label = [] }: Options) => {
      const rules = queryRules({ enforceFilter, forbidLabel });
      const [namespace = "", name = ""] = policy.split("/");
      const labels = Object.fromEntries(label.map((text) => [text.split("=")[0]!, text.slice(text.indexOf("=") + 1)]));
      explainQuery(textOf(query), rules, { namespace, name, labels });
    });
  return command;
}

function explainQuery(query: string, rules: QueryRules, policy: PolicyIdentity): void {
  const checked = check(query, LIMITS);
  if (!checked.ok) return fail(query, checked.error);
  const verdict = rules.check(query, policy);
  if (!verdict.ok)
    return fail(query, new MetricsQLError("syntax", verdict.message, query, { offset: verdict.offset, length: 0 }));
  const raw = verdict.kind === "raw";
  const sent = rules.sent(query, policy);
  const rows: [string, string[]][] = [
    [
      "kind",
      [
        raw
          ? "raw: every sample of the series it selects, with its own timestamp"
          : "evaluated: its value at each grid time (every poll interval)",
      ],
    ],
    ["selectors", checked.selectors.map(selectorText)],
    ["functions", checked.functions],
    ["warnings", verdict.warnings.map((w) => `${placeIn(query, w.offset)}: ${w.message}`)],
    ["sent", [...sent.query.split("\n"), ...(raw ? ["[<window>ms]"] : [])]],
    ["extra_filters[]", sent.extraFilters],
    ["poll interval", raw ? RAW_POLLS : EVALUATED_POLLS],
  ];
  for (const [name, lines] of rows.filter(([, values]) => values.length > 0))
    for (const [i, line] of lines.entries()) print(`${(i === 0 ? name : "").padEnd(WIDTH)}${line}`);
}

const WIDTH = 17;

/** What outflow/poll-interval trades; figures: docs/performance.md. */
const RAW_POLLS = [
  "a poll costs the source by its series, whether it reads one sample of each or many",
  "a longer one delivers the same samples with less CPU at the source and here, and fewer bytes;",
  "data arrives later: by half of the difference on average, by all of it at most",
];
const EVALUATED_POLLS = [
  "each poll evaluates the query once: a longer one costs less and sends fewer samples, further apart",
];

const selectorText = ({ groups, span }: Selector): string => toSafeString({ kind: "metric", groups, span });

const textOf = (query: string): string =>
  query === "-" ? new TextDecoder().decode(readAll(0, LIMITS.maxLength + 1)).replace(/\r?\n$/, "") : query;

function placeIn(query: string, offset: number): string {
  const before = query.slice(0, offset).split("\n");
  return `${before.length}:${before.at(-1)!.length + 1}`;
}

/** `line:column: message`, and the line with a caret below. */
function fail(query: string, error: unknown): void {
  if (!(error instanceof MetricsQLError)) throw error;
  const line = query.split("\n")[error.line - 1] ?? "";
  const caret = " ".repeat(stringWidth(printable(line.slice(0, error.column - 1))));
  process.stderr.write(
    `outflow: ${error.line}:${error.column}: ${printable(error.message)}\n  ${printable(line)}\n  ${caret}^\n`,
  );
  process.exitCode = 1;
}

const print = (text: string): void => {
  process.stdout.write(
    `${text
      .split("\n")
      .map((line) => printable(line))
      .join("\n")}\n`,
  );
};
