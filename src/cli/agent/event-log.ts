// Lines of the log from the events of the agent: what loglines.ts makes of an event, and the problems of each load of the policies.
import type { Log } from "../../platform/log.ts";
import { placeText } from "../../platform/place.ts";
import type { ProblemInfo } from "../../status/events.ts";
import type { StatusStore } from "../../status/store.ts";
import { logged } from "../../status/text/loglines.ts";
import { alikeProblems } from "../../status/text/overview.ts";
import { counted } from "../../status/text/words.ts";

const levels = { problem: "error", warning: "warn", note: "debug" } as const;

export function logEvents(store: StatusStore, log: Log): void {
  store.subscribe((event, before, after) => {
    // What is logged is in the list of events too.
    if (after.events === before.events && event.type !== "policies-loaded") return;
    for (const line of logged(event, before, after).lines) log.write(event.at, line.level, line.text, line.fields);
    if (event.type !== "policies-loaded") return;
    // A warning is logged once; a problem at each load, until it is fixed. In a cluster others edit other policies all the time.
    const known = new Set(before.problems.map(placed));
    const again = event.origin !== "cluster";
    const fresh = event.problems.filter((p) => (again && p.severity === "problem") || !known.has(placed(p)));
    for (const { first, places } of alikeProblems(fresh))
      log.write(
        event.at,
        levels[first.severity],
        `${placed(first)}${places > 1 ? ` (and ${counted(places - 1, "other place")})` : ""}`,
      );
  });
}

const placed = (p: ProblemInfo): string => `${placeText(p)}: ${p.path === "" ? "" : `${p.path}: `}${p.message}`;
