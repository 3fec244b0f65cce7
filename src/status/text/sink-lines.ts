// Which events of one sink are worth a line of the log, and its text: one line for each change of state, none for each attempt; what
// repeats is summed up at ever longer intervals. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { readyOf, WEB_PAGE } from "../conditions.ts";
import type { Event, SinkId } from "../events.ts";
import type { SinkState, Snapshot } from "../snapshot.ts";
import { causeOf } from "./cause.ts";
import { type LogLine, line } from "./logline.ts";
import { replayOf } from "./lost.ts";
import { age, count, counted, gist, instant, sentence, bytes as size } from "./words.ts";

type SinkLineEvent = Extract<Event, { id: SinkId }>;

export function sinkLine(
  event: SinkLineEvent,
  was: SinkState | undefined,
  now: SinkState | undefined,
  after: Snapshot,
): LogLine | undefined {
  const { id } = event;
  const say = (level: LogLine["level"], text: string, fields: LogLine["fields"] = {}) =>
    line(level, `${id}: ${text}`, { sink: id, ...fields });
  switch (event.type) {
    case "sink-paused":
      return say("info", "paused: nothing is read or sent, the cursor stays.");
    case "sink-resumed":
      return say("info", "resumed.");
    case "sink-draining":
      return event.why === "removed"
        ? say("info", `removed from its policy; draining.${whereItStood(was)}`)
        : undefined;
    case "sink-crashed":
      return say(
        "error",
        `a bug in outflow stopped this sink; it restarts at ${instant(event.restartAt)}. Please report it: ${event.message}`,
      );
    case "skipped":
      return say(
        "warn",
        `skipped ${age(event.to - event.from)} of source ${event.source} (${instant(event.from)} to ${instant(event.to)}): ${event.why}.`,
        { reason: "skipped" },
      );
    case "evidence":
      return undefined;
    case "series-rejected":
      return rejected(event, was, now, say);
    case "late":
      return say(
        "warn",
        `${counted(event.samples, "sample")} of source ${event.source} arrived too late to be read (${instant(event.from)} to ${instant(event.to)}). To send them: ${event.remedy}`,
        { reason: "late", samples: event.samples },
      );
    case "returned": {
      const said = say("info", `returned ${counted(event.samples, "sample")} unsent; they will be read again.`, {
        samples: event.samples,
      });
      // Each sink of a receiver that is away says so: one line for all of them.
      return {
        ...said,
        alike: { sink: id, key: "returned", says: "returned samples unsent; they will be read again." },
      };
    }
    case "dropped":
      return dropped(event, was, now, say);
    case "size-learned": {
      const { samples, bytes } = event;
      if (samples === undefined || bytes === undefined) return undefined;
      // Halved at least: not each step of its slow growth.
      if (was?.learnedSize !== undefined && 2 * samples > was.learnedSize.samples) return undefined;
      return say(
        "info",
        `requests are limited to ${counted(samples, "sample")} and ${size(bytes)}: larger ones failed.`,
      );
    }
    case "attempt-ended":
      if (now?.webPage && was?.webPage === false)
        return say("warn", `${WEB_PAGE} Nothing may be stored there.`, { reason: "web_page" });
      return readyChanged(was, now, event.at, after, say) ?? stillFailing(event, was, now, say);
    default:
      return readyChanged(was, now, event.at, after, say) ?? stillFailing(event, was, now, say);
  }
}

/** The same is said of other sinks: what differs in numbers only, for the same cause. */
const like = (said: LogLine, sink: SinkState, says: string): LogLine => ({
  ...said,
  alike: { sink: sink.id, key: `${says} ${gist(causeOf(sink))}`, says: `${says}: ${sentence(causeOf(sink))}` },
});

type Say = (level: LogLine["level"], text: string, fields?: LogLine["fields"]) => LogLine;

/** The first series that is refused with these words, then each time there are twice as many. */
function rejected(
  { series, message }: Extract<Event, { type: "series-rejected" }>,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  const { nth = 1 } = now?.rejected.at(-1) ?? {};
  if (was?.rejected.some((r) => r.series === series) || !Number.isInteger(Math.log2(nth))) return undefined;
  const soFar = nth === 1 ? "" : ` (${count(nth)} refusals like this so far)`;
  return say("warn", `the endpoint refuses ${series}${soFar}: ${message}`, { reason: "rejected" });
}

/** The first drop for a reason, then each time the number has doubled. */
function dropped(
  event: Extract<Event, { type: "dropped" }>,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  const before = was?.account.dropped[event.reason] ?? 0;
  const total = now?.account.dropped[event.reason] ?? event.samples;
  if (Math.floor(Math.log2(before)) === Math.floor(Math.log2(total))) return undefined;
  const soFar = before > 0 ? ` (${count(total)} so far)` : "";
  return say("warn", `dropped ${counted(event.samples, "sample")}${soFar}, ${event.reason}: ${event.message}`, {
    reason: event.reason,
    samples: total,
  });
}

/** A change of Ready, whichever event caused it. What the source's own line says is not said again for each sink. */
function readyChanged(
  was: SinkState | undefined,
  now: SinkState | undefined,
  at: EpochMs,
  after: Snapshot,
  say: Say,
): LogLine | undefined {
  if (was === undefined || now === undefined) return undefined;
  const [before, ready] = [readyOf(was), readyOf(now)];
  if (ready === before) return undefined;
  const { status, reason } = ready;
  const fields = { reason };
  if (status === "False" && (before.status !== "False" || before.reason !== reason)) {
    if (reason === "SourceUnavailable" && after.source.health === "failing") return undefined;
    return like(say("warn", `not ready (${reason}): ${ready.message}`, fields), now, `not ready (${reason})`);
  }
  if (status !== "True" || before.status === "True" || before.reason === "SourceUnavailable") return undefined;
  if (before.status === "Unknown")
    return like(say("info", `ready (${reason}): ${ready.message}`, fields), now, `ready (${reason})`);
  const lost =
    was.failing === undefined || was.failing.dropped === 0
      ? ""
      : ` ${counted(was.failing.dropped, "sample")} dropped meanwhile.${was.failing.lost === undefined ? "" : ` To send them: ${replayOf(was.info, [was.failing.lost], after.source.replayFlags)}`}`;
  const again = say(
    "info",
    `ready again after ${age(at - before.lastTransitionTime)} (${reason}): ${ready.message}${lost}`,
    fields,
  );
  return lost === "" ? like(again, now, `ready again (${reason})`) : again; // the command is of this sink alone
}

/** Requests that were in flight together fail together: that was said. */
const AT_ONCE_MS = 5_000;
/** A failure within the last minutes was logged already: a sink that fails every other request must not fill the log. */
const TOLD_MS = 600_000;

function stillFailing(
  event: SinkLineEvent,
  was: SinkState | undefined,
  now: SinkState | undefined,
  say: Say,
): LogLine | undefined {
  if ((event.type !== "backing-off" && event.type !== "holding") || now?.failing === undefined || was === undefined)
    return undefined;
  const { failuresInRow: n, failing } = now;
  const fields = { reason: failing.reason, attempts: n };
  if (n >= 8 && Number.isInteger(Math.log2(n)) && event.at - failing.since >= AT_ONCE_MS) {
    const lost = failing.dropped > 0 ? `${counted(failing.dropped, "sample")} dropped` : "no data is lost";
    return like(
      say(
        "warn",
        `still not ready after ${age(event.at - failing.since)}, ${count(n)} attempts in a row failed, ${lost}: ${failing.message}`,
        fields,
      ),
      now,
      `still not ready (${failing.reason})`,
    );
  }
  if (n !== 1 || event.type !== "backing-off") return undefined;
  if (now.attempts.some((a, i) => i < now.attempts.length - 1 && a.reason !== undefined && event.at - a.at < TOLD_MS))
    return undefined;
  return like(
    say(
      "warn",
      `attempt ${event.attempt} of ${event.maxAttempts} failed, next attempt in ${age(event.retryAt - event.at)}: ${event.message}`,
      fields,
    ),
    now,
    `an attempt failed (${failing.reason})`,
  );
}

const NAMED = 3;

/** A tick may change several sinks at once: one line for all of them. */
export function changedByTime(before: Snapshot, after: Snapshot): LogLine | undefined {
  if (before.sinks === after.sinks) return undefined;
  const late = after.sinks.filter((sink, i) => {
    const was = before.sinks[i];
    return was !== sink && was !== undefined && readyOf(sink).status === "False" && readyOf(was).status !== "False";
  });
  const first = late[0] && readyOf(late[0]);
  if (first === undefined) return undefined;
  const names = `${late
    .slice(0, NAMED)
    .map((s) => s.id)
    .join(", ")}${late.length > NAMED ? ` and ${late.length - NAMED} more` : ""}`;
  return line("warn", `${names}: not ready (${first.reason}): ${first.message}`, { reason: first.reason });
}

function whereItStood(sink: SinkState | undefined): string {
  const cursors = (sink?.sources ?? []).flatMap((s) =>
    s.cursor === undefined ? [] : [`${s.name} at ${instant(s.cursor)}`],
  );
  return cursors.length === 0
    ? ""
    : ` Its cursors: ${cursors.join(", ")}; a sink added back within a day continues there.`;
}
