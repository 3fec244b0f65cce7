// Which options of `outflow run` the other commands take that work with policies: those that have an effect there, and no other, so that
// none is accepted and ignored. test/cli/options.test.ts tries each of them.
import type { Option } from "commander";
import { runOptions } from "../config/settings.ts";

const POLICIES = ["policies", "config", "kubernetes", "kubeconfig", "context", "namespace", "milo"];
/** How policies and queries are checked. */
const RULES = ["secrets-dir", "enforce-filter", "forbid-label", "max-policy-size"];
/** What a policy's own annotations may not exceed. */
const LIMITS = ["max-window", "max-backfill", "max-concurrency"];
const SOURCE = [
  "source-url",
  "source-kind",
  "source-proxy",
  "source-username",
  "source-password-file",
  "source-bearer-file",
  "source-header",
  "source-ca",
  "source-cert",
  "source-key",
  "source-server-name",
  "source-insecure",
];
const READING = ["poll-interval", "max-window-samples", "allow-partial"];
const SINKS = ["proxy", "allow-sink", "sink-ca", "sink-cert", "sink-key", "sink-server-name", "sink-insecure"];
const LABELS = [
  "external-label",
  "force-label",
  "drop-label",
  "name-escaping",
  "max-labels",
  "max-label-name-length",
  "max-label-value-length",
];

/** By command; names of options without dashes. */
export const taken = {
  doctor: [
    ...[...POLICIES, ...RULES, ...LIMITS, ...SOURCE, ...SINKS],
    ...["settle", "eval-delay", "max-source-queries", "max-labels", "max-label-value-length", "on-exhausted"],
    ...["max-buffered-samples", "state-dir", "dead-letter-dir", "listen", "admin-token-file"],
  ],
  plan: [
    ...[...POLICIES, ...RULES, ...LIMITS, ...SOURCE, ...READING, ...LABELS],
    ...["settle", "eval-delay", "on-exhausted"],
  ],
  rehearse: [
    ...[...POLICIES, ...RULES, ...LIMITS, ...SOURCE, ...READING, ...LABELS],
    ...["settle", "eval-delay", "max-source-queries", "on-exhausted"],
    ...["max-buffered-samples", "send-timeout", "drain-timeout"],
  ],
  replay: [
    ...[...POLICIES, ...RULES, ...SOURCE, ...READING, ...SINKS, ...LABELS],
    ...["max-window", "max-concurrency", "send-timeout", "state-dir"],
  ],
} as const satisfies Record<string, readonly string[]>;

/** In the order and the groups of `run`. */
export function optionsOf(command: keyof typeof taken): Option[] {
  const names: readonly string[] = taken[command];
  return runOptions().filter((option) => names.includes(option.name()));
}
