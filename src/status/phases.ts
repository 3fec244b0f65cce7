// What a sink does now: in which phase, and what moves it to another. The table is complete by type and is the documentation.
// Pure.
import type { PhaseName } from "./snapshot.ts";

/** The columns of the table. */
export const phaseNames = [
  "starting", // nothing delivered yet
  "flowing", // batches are accepted
  "idle", // no data
  "backing-off", // an attempt failed; the next is at retryAt
  "holding", // refused; a probe is at probeAt
  "catching-up", // batches are accepted, windows are missing
  "paused",
  "refused", // bad configuration
  "draining",
  "stopped",
] as const satisfies readonly PhaseName[];

export type Trigger =
  | "started" // sink-started: new, or its policy changed
  | "refused"
  | "paused"
  | "resumed"
  | "crashed"
  | "draining"
  | "stopped"
  | "samples-read" // a window brought samples
  | "quiet" // a tick finds nothing to send and nothing read for a while
  | "delivered" // an attempt was taken, no window is missing
  | "delivered-behind" // an attempt was taken, windows are missing
  | "answered" // samples were refused: the endpoint is there, nothing waits for it
  | "backing-off"
  | "holding"
  | "behind" // windows are missing
  | "caught-up";

type To = PhaseName | ".";
/** One cell for each of phaseNames; "." stays. */
type Row = readonly [To, To, To, To, To, To, To, To, To, To];

// biome-ignore format: a table is read by its columns
const table: Readonly<Record<Trigger, Row>> = {
  //                   starting        flowing         idle            backing-off     holding         catching-up     paused      refused     draining    stopped
  "started":          [".",            ".",            ".",            ".",            ".",            ".",            ".",        "starting", "starting", "starting"],
  "refused":          ["refused",      "refused",      "refused",      "refused",      "refused",      "refused",      "refused",  ".",        "refused",  "refused"],
  "paused":           ["paused",       "paused",       "paused",       "paused",       "paused",       "paused",       ".",        ".",        ".",        "."],
  "resumed":          [".",            ".",            ".",            ".",            ".",            ".",            "starting", ".",        ".",        "."],
  "crashed":          [".",            "starting",     "starting",     "starting",     "starting",     "starting",     ".",        ".",        ".",        "."],
  "draining":         ["draining",     "draining",     "draining",     "draining",     "draining",     "draining",     "draining", ".",        ".",        "."],
  "stopped":          ["stopped",      "stopped",      "stopped",      "stopped",      "stopped",      "stopped",      "stopped",  ".",        "stopped",  "."],
  "samples-read":     [".",            ".",            "flowing",      ".",            ".",            ".",            ".",        ".",        ".",        "."],
  "quiet":            ["idle",         "idle",         ".",            ".",            ".",            ".",            ".",        ".",        ".",        "."],
  "delivered":        ["flowing",      ".",            "flowing",      "flowing",      "flowing",      ".",            ".",        ".",        ".",        "."],
  "delivered-behind": ["catching-up",  "catching-up",  "catching-up",  "catching-up",  "catching-up",  ".",            ".",        ".",        ".",        "."],
  "answered":         [".",            ".",            ".",            "flowing",      "flowing",      ".",            ".",        ".",        ".",        "."],
  "backing-off":      ["backing-off",  "backing-off",  "backing-off",  ".",            "backing-off",  "backing-off",  ".",        ".",        ".",        "."],
  "holding":          ["holding",      "holding",      "holding",      "holding",      ".",            "holding",      ".",        ".",        ".",        "."],
  "behind":           [".",            "catching-up",  "catching-up",  ".",            ".",            ".",            ".",        ".",        ".",        "."],
  "caught-up":        [".",            ".",            ".",            ".",            ".",            "flowing",      ".",        ".",        ".",        "."],
};

export const triggers = Object.keys(table) as Trigger[];

const column = Object.fromEntries(phaseNames.map((name, i) => [name, i])) as Record<PhaseName, number>;

/** The phase that `trigger` leads to from `from`; `from` itself where it changes nothing. */
export function nextPhase(from: PhaseName, trigger: Trigger): PhaseName {
  const to = table[trigger][column[from]];
  return to === undefined || to === "." ? from : to;
}

/** The table as Markdown, for the documentation. */
export function phaseTable(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...phaseNames]),
    row(["---", ...phaseNames.map(() => "---")]),
    ...triggers.map((trigger) => row([`\`${trigger}\``, ...table[trigger].map((to) => (to === "." ? "" : to))])),
  ].join("\n");
}
