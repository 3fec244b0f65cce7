// What a sink is doing about its trouble, in few words: the next attempt, how far it has caught up, what it waits for. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { REJECTED_KEPT } from "../../src/status/attempts/attempts.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { rate } from "../../src/status/rings.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { age, counted, short } from "../../src/status/text/words.ts";
import { type Segment, seg } from "../drawing/line.ts";

/** `25m behind, 13.9k/s, 12s left`, and shorter ways to say so; undefined while it is not catching up. */
export function catchingUp(sink: SinkState, now: EpochMs): string[] | undefined {
  const { phase } = sink;
  if (phase.name !== "catching-up") return undefined;
  const behind = `${roughly(phase.behindMs)} behind`;
  const left = phase.doneAt === undefined ? "" : `${roughly(Math.max(0, phase.doneAt - now))} left`;
  const perSecond = rate(sink.samples, now, Math.max(sink.startedAt, now - FAST_MS));
  const speed = perSecond === 0 ? "" : `${short(perSecond)}/s`;
  const all = [behind, speed, left].filter((t) => t !== "").join(", ");
  return [all, [behind, left].filter((t) => t !== "").join(", "), left === "" ? behind : left];
}

/** What is being sent now, not the minute before it began. */
const FAST_MS = 10_000;

/** One unit is enough where a number only shrinks. */
const roughly = (ms: number): string => age(ms).replace(/^(\d+[mhd])\d+[smh]$/, "$1");

/** Attempt and countdown; what is held, and until when. */
export function retryOf(sink: SinkState, now: EpochMs, width: number): Segment | Segment[] {
  const { phase } = sink;
  switch (phase.name) {
    case "backing-off": {
      const of = attemptOf(phase);
      if (sink.inFlight > 0) return [seg(of), seg(" now", "accent")];
      const wait = inSeconds(phase.retryAt, now);
      return [seg(of.length + wait.length + 4 > width ? `${of} ` : `${of} in `), seg(wait, "warn")];
    }
    case "holding":
      if (sink.inFlight > 0) return [seg("held", "bad"), seg(" probing", "accent")];
      return [seg("held", "bad"), seg(width < 15 ? " " : ", probe "), seg(inSeconds(phase.probeAt, now), "warn")];
    case "catching-up":
      // How far a ready one is behind is in the column reason.
      if (phase.doneAt === undefined && readyOf(sink).status === "True") return seg("");
      return seg(catchingUp(sink, now)?.[2] ?? "", "accent");
    case "starting":
      return phase.crash === undefined ? seg("") : seg(`restart ${inSeconds(phase.crash.restartAt, now)}`, "warn");
    case "flowing":
    case "idle":
      return usually(sink, now, width);
    default:
      return seg("");
  }
}

/** How long a refused series is told in the row. */
const REFUSED_MS = 300_000;

/** What a sink without trouble has learned: the size of requests that its endpoint takes, series that it refuses. */
function usually({ learnedSize, rejected }: SinkState, now: EpochMs, width: number): Segment {
  const refused = rejected.filter(({ at }) => now - at < REFUSED_MS).length;
  if (refused > 0) return seg(`${refused}${refused >= REJECTED_KEPT ? "+" : ""} refused`, "warn");
  if (learnedSize === undefined) return seg("");
  return seg(`max ${short(learnedSize.samples)}${width < 15 ? "" : "/request"}`, "dim");
}

/** `2/3`; a sink that holds its batches goes beyond the last one: `7`. */
export const attemptOf = ({ attempt, maxAttempts }: { attempt: number; maxAttempts: number }): string =>
  attempt > maxAttempts ? String(attempt) : `${attempt}/${maxAttempts}`;

/** Until then, as explanations count it. */
export const inSeconds = (at: EpochMs, now: EpochMs): string => age(Math.max(0, at - now));

/** What stands between the sink and readiness, in the receiver's words; nothing where all is well. */
export function whyOf(sink: SinkState): string {
  const { phase } = sink;
  if (phase.name === "backing-off" || phase.name === "holding") return phase.message;
  if (readyOf(sink).status !== "True") return readyOf(sink).message;
  const refused = sink.rejected.at(-1);
  if (refused !== undefined) return `${refused.series} is refused: ${refused.message}`;
  const { learnedSize } = sink;
  return learnedSize === undefined ? "" : `takes requests of up to ${counted(learnedSize.samples, "sample")}`;
}
