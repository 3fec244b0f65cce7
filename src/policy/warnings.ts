// What is valid in a policy and yet may not be meant. Pure.
import { parseDuration } from "../config/duration.ts";
import type { PlacedDocument } from "./document.ts";
import { hasCredential, isLoopback } from "./endpoint.ts";
import { problemsOf } from "./issue.ts";
import { overlap } from "./overlap.ts";
import type { Policy, Problem } from "./policy.ts";
import { DEFAULT_RETRY, type ExportPolicyDocument } from "./schema.ts";

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
function retryBudgetMs(maxAttempts: number, backoffMs: number): number {
  let sum = 0;
  for (let n = 1; n < maxAttempts; n++) sum += Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 ** (n - 1));
  return sum;
}
