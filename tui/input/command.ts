// The command line: `:why edge/cloud`, `:sort lag`, `:at -5m`. Each command gives an intent or says what is wrong; tab completes the
// word that is being typed. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import type { SinkId } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { themes } from "../drawing/theme.ts";
import { groupings, type Intent, sortColumns } from "./intents.ts";

type Known = Pick<Snapshot, "order">;
type Result = { intent: Intent; wrong?: never } | { intent?: never; wrong: string };

type Command = {
  /** What may follow, for completion; none: nothing may. */
  words?: (snapshot: Known) => readonly string[];
  /** As help shows it. */
  takes?: string;
  does: string;
  run(rest: string, snapshot: Known, now: EpochMs): Result;
};

const plain = (does: string, intent: Intent): Command => ({
  does,
  run: (rest) => (rest === "" ? { intent } : { wrong: "this command takes no argument" }),
});

/** @param selected what it means without a name: the sink that is selected */
const ofSink = (does: string, selected: Intent, intent: (id: SinkId) => Intent): Command => ({
  takes: "[SINK]",
  does,
  words: ({ order }) => order,
  run(rest, snapshot) {
    if (rest === "") return { intent: selected };
    const id = sinkNamed(rest, snapshot);
    return typeof id === "string" ? { intent: intent(id) } : id;
  },
});

/** Without a name: what is marked or selected. */
const action = (does: string, wanted: "pause" | "resume" | "retry"): Command => ({
  takes: "[SINK]",
  does,
  words: ({ order }) => order,
  run(rest, snapshot) {
    if (rest === "") return { intent: { type: "ask", action: wanted } };
    const id = sinkNamed(rest, snapshot);
    return typeof id === "string" ? { intent: { type: "ask", action: wanted, sinks: [id] } } : id;
  },
});

const oneOf = <T extends string>(does: string, choices: readonly T[], intent: (choice: T) => Intent): Command => ({
  takes: choices.join("|"),
  does,
  words: () => choices,
  run(rest) {
    const choice = choices.find((c) => c === rest) ?? choices.filter((c) => c.startsWith(rest)).at(0);
    return rest === "" || choice === undefined
      ? { wrong: `one of: ${choices.join(", ")}` }
      : { intent: intent(choice) };
  },
});

export const commands: Readonly<Record<string, Command>> = {
  sinks: plain("the sinks", { type: "screen", to: "sinks" }),
  sink: ofSink("one sink in detail", { type: "screen", to: "detail" }, (id) => ({ type: "sink", id, show: "detail" })),
  why: ofSink("explain its state", { type: "panel", panel: "why" }, (id) => ({ type: "sink", id, show: "why" })),
  yaml: ofSink("its policy as YAML", { type: "panel", panel: "yaml" }, (id) => ({ type: "sink", id, show: "yaml" })),
  log: ofSink("its events", { type: "events-of" }, (id) => ({ type: "sink", id, show: "events" })),
  sources: plain("sources and queries", { type: "screen", to: "sources" }),
  policies: plain("policies and problems", { type: "screen", to: "policies" }),
  events: plain("events", { type: "screen", to: "events" }),
  fleet: plain("the fleet: who owns what", { type: "screen", to: "fleet" }),
  pause: action("pause it, or what is marked", "pause"),
  resume: action("resume it", "resume"),
  retry: action("retry it now", "retry"),
  reload: plain("reload the policies", { type: "ask", action: "reload" }),
  filter: {
    takes: "REGEX",
    does: "only rows that match",
    run: (rest) => ({ intent: { type: "filter-is", text: rest } }),
  },
  faults: plain("only what is not ready", { type: "faults-only" }),
  sort: oneOf("the order of the rows", sortColumns, (by) => ({ type: "sort", by })),
  group: oneOf("group the rows", groupings, (by) => ({ type: "group", by })),
  columns: plain("choose the columns", { type: "panel", panel: "columns" }),
  at: {
    takes: "TIME|-5m",
    does: "a recorded moment",
    run(rest, _, now) {
      const toMs = momentOf(rest, now);
      return toMs === undefined ? { wrong: "a time such as 14:02:11, or -5m" } : { intent: { type: "travel", toMs } };
    },
  },
  live: plain("back to the present", { type: "travel" }),
  freeze: plain("freeze the screen", { type: "freeze" }),
  theme: oneOf("colours", themes, (name) => ({ type: "theme", name })),
  privacy: plain("hide addresses, labels", { type: "privacy" }),
  copy: plain("copy name, YAML, replay", { type: "copy" }),
  save: plain("save an incident file", { type: "save" }),
  help: plain("the keys", { type: "panel", panel: "help" }),
  quit: plain("quit", { type: "quit", leaveFrame: false }),
};

export function parsed(text: string, snapshot: Known, now: EpochMs): Result {
  const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*?)\s*$/.exec(text) ?? [];
  const name = commandNamed(word);
  const command = name === undefined ? undefined : commands[name];
  if (command === undefined) return { wrong: `"${word}" is not a command; tab lists them` };
  const result = command.run(rest, snapshot, now);
  return result.wrong === undefined ? result : { wrong: `${name}: ${result.wrong}` };
}

/** A command by its name, or by a beginning that only one has. */
export const commandNamed = (word: string): string | undefined =>
  Object.hasOwn(commands, word) ? word : only(Object.keys(commands).filter((c) => word !== "" && c.startsWith(word)));

const only = <T>(list: readonly T[]): T | undefined => (list.length === 1 ? list[0] : undefined);

/** The whole name, or an end or a part of it that only one has. */
function sinkNamed(text: string, { order }: Known): SinkId | { wrong: string } {
  if (order.includes(text)) return text;
  const ends = order.filter((id) => id.endsWith(`/${text}`));
  const found = only(ends) ?? only(order.filter((id) => id.includes(text)));
  if (found !== undefined) return found;
  const n = order.filter((id) => id.includes(text)).length;
  return { wrong: n === 0 ? `no sink is named "${text}"` : `"${text}" matches ${n} sinks` };
}

/** `14:02`, `14:02:11` (UTC, the last time it was that), `-5m`, `-90s`, `-1h`. */
function momentOf(text: string, now: EpochMs): EpochMs | undefined {
  const back = /^-(\d{1,4})([smh])$/.exec(text);
  if (back !== null)
    return now - Number(back[1]) * ({ s: 1_000, m: 60_000, h: 3_600_000 }[back[2] as "s" | "m" | "h"] ?? 0);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?Z?$/.exec(text);
  if (clock === null) return undefined;
  const [, h, m, s = "0"] = clock;
  const midnight = now - (now % 86_400_000);
  const at = midnight + (Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1_000;
  return at > now ? at - 86_400_000 : at;
}

export type Completion = { candidates: readonly string[] /** What the line becomes. */; line: string };

/** Words that may stand where the cursor is; the line with what all of them begin with. */
export function completion(text: string, snapshot: Known): Completion {
  const [, word = "", gap = "", rest = ""] = /^\s*(\S*)(\s*)(.*)$/.exec(text) ?? [];
  if (gap === "") {
    const candidates = Object.keys(commands).filter((c) => c.startsWith(word));
    const command = candidates[0] === undefined ? undefined : commands[candidates[0]];
    const end = candidates.length === 1 && command?.takes !== undefined ? " " : "";
    return { candidates, line: candidates.length === 0 ? text : commonOf(candidates, word) + end };
  }
  const words = (Object.hasOwn(commands, word) ? commands[word]?.words?.(snapshot) : undefined) ?? [];
  const starts = words.filter((w) => w.startsWith(rest));
  const candidates = starts.length > 0 ? starts : words.filter((w) => w.includes(rest));
  const typed = starts.length > 0 || candidates.length === 1 ? commonOf(candidates, rest) : rest;
  return { candidates, line: candidates.length === 0 ? text : `${word} ${typed}` };
}

export const completed = (text: string, snapshot: Known): string => completion(text, snapshot).line;

function commonOf(candidates: readonly string[], typed: string): string {
  let common = candidates[0] ?? typed;
  for (const c of candidates) while (!c.startsWith(common)) common = common.slice(0, -1);
  return common.length >= typed.length || candidates.length === 1 ? common : typed;
}
