// Which setting causes a loss, and what to change. Pure.
import { formatDuration } from "../config/duration.ts";
import { retryBudgetMs } from "../policy/warnings.ts";
import type { DropReason } from "../status/events.ts";
import type { Outcome } from "./run.ts";

export type SinkSettings = {
  maxAttempts: number;
  backoffMs: number;
  onExhausted: "drop" | "hold";
  /** The shortest of its sources. */
  maxBackfillMs: number;
};

/** `cause`: the setting, or what refuses; `remedy`: a sentence. */
export type Remedy = { reason: DropReason | "skipped"; cause: string; remedy: string };

/** Of each reason for which something was lost. */
export function remedies(
  { dropped, skipped, lost }: Pick<Outcome, "dropped" | "skipped" | "lost">,
  settings: SinkSettings,
): (Remedy & { samples: number })[] {
  if (lost === 0) return [];
  const found = (Object.entries(dropped) as [DropReason, number][]).map(([reason, samples]) => ({
    reason,
    samples,
    ...ofReason(reason, settings),
  }));
  if (skipped === 0) return found;
  const backfill = formatDuration(settings.maxBackfillMs);
  return [
    ...found,
    {
      reason: "skipped",
      samples: skipped,
      cause: `max-backfill ${backfill} is shorter than what was missed`,
      remedy: "Raise outflow/max-backfill, up to the retention of the source.",
    },
  ];
}

function ofReason(reason: DropReason, { maxAttempts, backoffMs }: SinkSettings): Omit<Remedy, "reason"> {
  switch (reason) {
    case "exhausted": {
      const budget = formatDuration(Math.round(retryBudgetMs(maxAttempts, backoffMs) / 1000) * 1000);
      return {
        cause: `retry ends after ${maxAttempts} attempts (about ${budget}) and on-exhausted is drop`,
        remedy: "Set the annotation outflow/on-exhausted: hold.",
      };
    }
    case "rejected":
      return {
        cause: "the receiver refuses these samples (400)",
        remedy: "--dead-letter-dir keeps what is refused, for outflow replay once the receiver takes it.",
      };
    case "conflict":
      return {
        cause: "the receiver has other values for these samples (409)",
        remedy: "Send what another writer sends with a label of its own (outflow/external-labels).",
      };
    case "refused_replay":
      return {
        cause: "the receiver refuses samples that are older than its newest",
        remedy: "Set out_of_order_time_window at the receiver.",
      };
    case "too_large":
      return {
        cause: "a single sample is too large for the receiver (413)",
        remedy: "Raise the receiver's limit, or shorten labels (--drop-label).",
      };
    case "invalid_name":
    case "invalid_labels":
      return {
        cause: `the source has series without a legal ${reason === "invalid_name" ? "name" : "label set"} (${reason})`,
        remedy: "Rename them at the source, or see --name-escaping.",
      };
    case "name_collision":
      return {
        cause: "series of the source become the same one",
        remedy: "Rename one, or use --name-escaping utf8 or values.",
      };
    case "native_histogram":
      return {
        cause: "native histograms cannot be sent by remote write 1.0",
        remedy: "Select classic histograms.",
      };
  }
}
