// The kinds of metrics that are read from the snapshot: of each sink, each source of a sink, each policy, the agent. Pure.
import type { SinkInfo } from "../../status/events.ts";
import type { SinkSource, SinkState, Snapshot } from "../../status/snapshot.ts";
import { type Definition, joinLabels, labelsText } from "./exposition.ts";
import type { ProcessInfo } from "./process.ts";

/** What is known at a scrape. */
export type Known = { s: Snapshot; p: ProcessInfo };

type Kind = "counter" | "gauge";

const SINK = ["policy", "sink"] as const;

/** Made once for each sink: its info is the same object until its policy changes. */
const texts = new WeakMap<SinkInfo, string>();
function labelsOf({ info }: SinkState): string {
  let text = texts.get(info);
  if (text === undefined) {
    text = labelsText({ policy: info.policy, sink: info.sink, ...info.labels });
    texts.set(info, text);
  }
  return text;
}

/** One value for each sink. */
export const sink = (
  type: Kind,
  name: string,
  help: string,
  value: (k: SinkState, now: number) => number | undefined,
): Definition<Known> => ({
  name: `outflow_sink_${name}`,
  type,
  help,
  labels: SINK,
  write({ s }, row) {
    for (const k of s.sinks) row(value(k, s.at), labelsOf(k));
  },
});

/** Several values for each sink, told apart by more labels: one for each of `variants`. */
export const sinkBy = <V extends Readonly<Record<string, string>>>(
  type: Kind,
  name: string,
  help: string,
  variants: readonly V[],
  value: (k: SinkState, variant: V) => number,
): Definition<Known> => {
  const named = variants.map((variant) => ({ variant, labels: labelsText(variant) }));
  return {
    name: `outflow_sink_${name}`,
    type,
    help,
    labels: [...SINK, ...Object.keys(variants[0] ?? {})],
    write({ s }, row) {
      for (const k of s.sinks)
        for (const { variant, labels } of named) row(value(k, variant), joinLabels(labelsOf(k), labels));
    },
  };
};

/** One value for each source of each sink. */
export const source = (
  type: Kind,
  name: string,
  help: string,
  value: (x: SinkSource, now: number) => number | undefined,
): Definition<Known> => ({
  name: `outflow_source_${name}`,
  type,
  help,
  labels: [...SINK, "source"],
  write({ s }, row) {
    for (const k of s.sinks)
      for (const x of k.sources) row(value(x, s.at), joinLabels(labelsOf(k), labelsText({ source: x.name })));
  },
});

export const policy = (
  name: string,
  help: string,
  value: (p: Snapshot["policies"][number]) => number,
): Definition<Known> => ({
  name: `outflow_policy_${name}`,
  type: "gauge",
  help,
  labels: ["policy"],
  write({ s }, row) {
    for (const p of s.policies) row(value(p), labelsText({ policy: p.id }));
  },
});

export const agent = (
  type: Kind,
  name: string,
  help: string,
  value: (s: Snapshot, p: ProcessInfo) => number | undefined,
): Definition<Known> => ({
  name,
  type,
  help,
  labels: [],
  write: ({ s, p }, row) => row(value(s, p)),
});

/** Rows whose labels change with what they say: always 1, so that other metrics can be joined with them. */
export const sinkInfo = (
  name: string,
  help: string,
  labels: readonly string[],
  values: (k: SinkState) => readonly Readonly<Record<string, string>>[],
): Definition<Known> => ({
  name: `outflow_sink_${name}`,
  type: "gauge",
  help,
  labels: [...SINK, ...labels],
  write({ s }, row) {
    for (const k of s.sinks) for (const v of values(k)) row(1, joinLabels(labelsOf(k), labelsText(v)));
  },
});
