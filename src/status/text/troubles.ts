// What is wrong with the agent itself and in the policies, as sentences for the command line and the web page. Pure.
import { placeText } from "../../platform/place.ts";
import type { Snapshot } from "../snapshot.ts";
import { alikeProblems } from "./overview.ts";
import { age, counted } from "./words.ts";

/** Kubernetes API, state store, log; empty while all is well. */
export function agentTroubles({ stateStore, log, cluster, at }: Snapshot): string[] {
  return [
    ...(cluster?.failure === undefined
      ? []
      : [`Kubernetes API for ${age(at - cluster.failure.since)}: ${cluster.failure.message}`]),
    ...(stateStore.state === "ok" ? [] : [stateStore.message]),
    ...(log?.state === "failing" ? [log.message] : []),
  ];
}

/** `head` has no full stop; `kinds`: each kind of problem once, with its first place. Undefined: there is no problem. */
export function policyTroubles({
  problems,
  policies,
}: Snapshot): { head: string; kinds: string[]; problems: number } | undefined {
  const bad = problems.filter((p) => p.severity === "problem");
  if (bad.length === 0) return undefined;
  const runs = policies.length === 0 ? "nothing runs" : "the last good version keeps running";
  const kinds = alikeProblems(bad).map(
    ({ first: p, places }) =>
      `${placeText(p)}: ${p.path === "" ? "" : `${p.path}: `}${p.message}${places > 1 ? ` (and ${counted(places - 1, "other place")})` : ""}`,
  );
  return { head: `${counted(bad.length, "problem")} in the policies: ${runs}`, kinds, problems: bad.length };
}
