// What is valid in a policy and yet may not be meant. Pure.
import { parseDuration } from "../config/duration.ts";
import { isLoopback } from "../http/connecting/host-pattern.ts";
import { elsewhere, hasCredential } from "./endpoint.ts";
import { overlap } from "./overlap.ts";
import type { Policy, Problem } from "./policy.ts";
import { DEFAULT_RETRY, type ExportPolicyDocument } from "./schema.ts";
import type { PlacedDocument } from "./yaml/document.ts";
import { problemsOf } from "./yaml/issue.ts";

/** ${HOST}, $HOST, {{ .host }}, %HOST%: also as a URL encodes them. */
const PLACEHOLDER = /\$\{?[A-Za-z_]|\{\{|%[A-Z][A-Z_]{2,}%/;
const MINUTE_MS = 60_000;
const LONGEST_BACKOFF_MS = 300_000;

export function policyWarnings(
  document: PlacedDocument,
  doc: ExportPolicyDocument,
  policy: Policy,
  onExhausted: "drop" | "hold" = "drop",
): Problem[] {
  const problem = problemsOf(document);
  return doc.spec.sinks.flatMap((sink, i) => {
    const base = ["spec", "sinks", i, "target", "prometheusRemoteWrite"];
    const found: Problem[] = [];
    const warn = (path: (string | number)[], message: string) => found.push(problem(path, message, "warning"));
    const write = sink.target.prometheusRemoteWrite;
    const url = new URL(write.endpoint);
    if (write.authentication && write.authentication.basicAuth === undefined)
      warn([...base, "authentication"], "is empty and means no authentication; add basicAuth or remove it");
    if (hasCredential(url))
      warn(
        [...base, "endpoint"],
        "holds what looks like a credential in its query; it is sent, but shows up in logs on the way, so use a Secret if the receiver can",
      );
    if (PLACEHOLDER.test(write.endpoint))
      warn(
        [...base, "endpoint"],
        "has a placeholder such as ${HOST} in it, which outflow does not replace; write the value, or use envsubst or a template before",
      );
    const other = elsewhere(url);
    if (other !== undefined)
      warn(
        [...base, "endpoint"],
        `${other} is not a path for remote write at VictoriaMetrics, which may answer 2xx there and store nothing; often it is /api/v1/write`,
      );
    if (url.protocol === "http:" && write.authentication?.basicAuth && !isLoopback(url.hostname))
      warn([...base, "endpoint"], "sends a password over plain http; use https");
    const retry = write.retry ?? DEFAULT_RETRY;
    const budgetMs = retryBudgetMs(retry.maxAttempts, parseDuration(retry.backoffDuration)!);
    if (budgetMs < MINUTE_MS && (policy.settings.onExhausted ?? onExhausted) === "drop")
      warn(
        [...base, ...(write.retry ? ["retry"] : [])],
        `${retry.maxAttempts} ${retry.maxAttempts === 1 ? "attempt" : "attempts"}, ${retry.backoffDuration} backoff: ${outage(budgetMs)}; raise maxAttempts or backoffDuration, or use --on-exhausted hold`,
      );
    for (const { later, message } of overlap(sink.sources, policy.sources))
      warn(["spec", "sinks", i, "sources", later], message);
    return found;
  });
}

const outage = (ms: number): string =>
  ms < 1
    ? "gives up at the first failure"
    : `gives up after about ${ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`} of outage`;

/** The backoffs between the attempts: 5s, 10s, … each at most five minutes. */
export function retryBudgetMs(maxAttempts: number, backoffMs: number): number {
  let sum = 0;
  for (let n = 1; n < maxAttempts; n++) sum += Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 ** (n - 1));
  return sum;
}
