// What C copies: the command that an explanation gives, the policy that is shown, else the name of the sink or policy. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { explain } from "../../src/status/text/explain.ts";
import { shownPolicies } from "./order.ts";
import { selectedSink } from "./selection.ts";
import type { UiState } from "./ui-state.ts";

/** `what` is for people: `the replay command`, `default/edge/cloud`. */
export function copied(ui: UiState, snapshot: Snapshot, now: EpochMs): { what: string; text: string } | undefined {
  if (ui.screen === "policies") {
    const list = shownPolicies(snapshot, ui.filters.policies ?? "");
    const policy = list.find((p) => p.id === ui.selectedPolicy) ?? list[0];
    if (policy === undefined) return undefined;
    return ui.panel === "yaml" ? yamlOf(policy) : { what: policy.id, text: policy.id };
  }
  const id = selectedSink(ui, snapshot, now);
  const sink = id === undefined ? undefined : sinkOf(snapshot, id);
  if (sink === undefined) return undefined;
  if (ui.panel === "yaml") {
    const policy = snapshot.policies.find((p) => p.sinks.includes(sink.id));
    return policy === undefined ? undefined : yamlOf(policy);
  }
  const command = /\boutflow replay [^\n]*/.exec(
    explain(sink, snapshot.source, now)
      .parts.map(({ text }) => text)
      .join("\n"),
  )?.[0];
  return ui.panel === "why" && command !== undefined
    ? { what: "the replay command", text: command }
    : { what: sink.id, text: sink.id };
}

const yamlOf = ({ id, yaml }: Snapshot["policies"][number]) =>
  yaml === undefined ? undefined : { what: `the policy ${id}`, text: yaml };
