// Why a sink is in its state, for a reader who knows nothing else: cause, since when, evidence, what is at risk, what happens next,
// what to do. Pure: the same snapshot and now give the same words in screen, command line and API.
import type { EpochMs } from "../../platform/clock.ts";
import { droppedTotal } from "../account.ts";
import { lostSinceArrival, readyLagMs, readyOf, remedies, WEB_PAGE } from "../conditions.ts";
import type { FailureReason } from "../events.ts";
import { CALM_MS } from "../flapping.ts";
import { lagOf } from "../sinks.ts";
import type { SinkState, Snapshot } from "../snapshot.ts";
import { causeOf, failedSource } from "./cause.ts";
import { replayOf } from "./lost.ts";
import { age, bytes, clockTime, collisionText, count, counted, gist, instant, sentence, short, took } from "./words.ts";

export type Explanation = {
  /** `Not ready for 3m12s: RateLimited` */
  headline: string;
  /** In this order; those that have nothing to say are missing. Each text is one or more full sentences. */
  parts: readonly { label: "Cause" | "Since" | "Evidence" | "Rejected" | "At risk" | "Next" | "To do"; text: string }[];
};

export function explain(sink: SinkState, source: Snapshot["source"], now: EpochMs): Explanation {
  const parts: { label: Explanation["parts"][number]["label"]; text: string }[] = [];
  const add = (label: (typeof parts)[number]["label"], text: string) => {
    if (text !== "") parts.push({ label, text });
  };
  add("Cause", sentence(causeOf(sink)));
  add("Since", since(sink, now));
  add("Evidence", evidence(sink, source, now));
  add("Rejected", rejected(sink, now));
  add("At risk", atRisk(sink, now));
  add("Next", nextStep(sink, now));
  add("To do", toDo(sink, source.replayFlags));
  return { headline: headline(sink, now), parts };
}

function headline(sink: SinkState, now: EpochMs): string {
  const { status, reason, lastTransitionTime } = readyOf(sink);
  const words = { True: "Ready", False: "Not ready", Unknown: "Not known yet" }[status];
  return `${words} for ${age(now - lastTransitionTime)}: ${reason}`;
}

function since(sink: SinkState, now: EpochMs): string {
  const from = sink.failing?.since ?? failedSource(sink)?.failure?.since ?? readyOf(sink).lastTransitionTime;
  const success =
    sink.lastSuccessAt === undefined
      ? "Nothing has been delivered since outflow started."
      : `The last batch was accepted ${age(now - sink.lastSuccessAt)} ago.`;
  return `${instant(from)}, ${age(now - from)} ago. ${success}`;
}

function evidence(sink: SinkState, source: Snapshot["source"], now: EpochMs): string {
  const said: string[] = [];
  const last = sink.attempts.at(-1);
  if (last !== undefined) {
    const answer = last.status === undefined ? `no response (${last.reason ?? "unknown"})` : `status ${last.status}`;
    said.push(
      `Last attempt ${age(now - last.at)} ago: ${counted(last.samples, "sample")}, ${bytes(last.bytes)}, ${answer} after ${took(last.durationMs)}.`,
    );
  }
  if (sink.webPage) said.push(WEB_PAGE);
  if (sink.learnedSize !== undefined) {
    const { samples, bytes: size } = sink.learnedSize;
    said.push(`The endpoint is known to accept requests of up to ${counted(samples, "sample")} and ${bytes(size)}.`);
  }
  if (sink.failuresInRow > 1) said.push(`${count(sink.failuresInRow)} attempts in a row failed.`);
  const seen = sink.failing?.evidence;
  if (seen !== undefined && seen.reason === sink.failing?.reason) said.push(seen.text);
  const unread = failedSource(sink);
  if (unread?.failure !== undefined) {
    const inRow = unread.failure.inRow === 1 ? "" : " in a row";
    said.push(`${counted(unread.failure.inRow, "read")} of "${unread.name}" failed${inRow}.`);
    if (source.health === "ok" && source.lastAnswerAt !== undefined && source.lastAnswerAt >= unread.failure.since)
      said.push(`The source itself responds, last ${age(now - source.lastAnswerAt)} ago.`);
    if (unread.failure.reason === "QueryFailed") said.push(`The query: ${unread.query}`);
  }
  if (source.clockSpreadMs !== undefined)
    said.push(
      `The clocks behind the source's address differ by ${age(Math.round(source.clockSpreadMs / 1000) * 1000)}; windows follow the slower one.`,
    );
  if (sink.account.dropped.name_collision > 0)
    for (const { lost, kept } of sink.collisions ?? []) said.push(collisionText(lost, kept));
  if (readyOf(sink).reason === "Idle")
    for (const s of sink.sources)
      said.push(
        `"${s.name}" returned nothing${s.lastReadAt === undefined ? "" : `, read ${age(now - s.lastReadAt)} ago`}: ${s.query}`,
      );
  return said.join(" ");
}

const SERIES_NAMED = 5;

function rejected(sink: SinkState, now: EpochMs): string {
  const all = sink.rejected;
  if (all.length === 0) return "";
  const shown = all.slice(-SERIES_NAMED).toReversed();
  const alike = shown.every((r) => gist(r.message) === gist(shown[0]?.message ?? ""));
  const named = shown.map(
    (r) => `${r.series} (${counted(r.samples, "sample")}, ${age(now - r.at)} ago${alike ? "" : `: ${r.message}`})`,
  );
  const more = all.length > SERIES_NAMED ? `; and ${all.length - SERIES_NAMED} more` : "";
  const others =
    sink.failing?.reason === "SamplesRejected" && readyOf(sink).status !== "True"
      ? ` Nothing has been accepted since ${instant(sink.failing.since)}: the tenant or the samples' timestamps may be wrong rather than these series.`
      : sink.failing === undefined && readyOf(sink).status === "True"
        ? " All others are sent."
        : "";
  const one = shown[0]?.message ?? "";
  const why = alike && gist(one) !== gist(causeOf(sink)) ? ` ${sentence(one)}` : "";
  return `The endpoint refused ${all.length === 1 ? "this series" : "these series"}: ${named.join("; ")}${more}.${why}${others}`;
}

function atRisk(sink: SinkState, now: EpochMs): string {
  const said: string[] = [];
  const lag = lagOf(sink, now);
  const lost = sink.failing?.dropped ?? 0;
  if (lost > 0)
    said.push(`Data is lost: ${counted(lost, "sample")} dropped since ${instant(sink.failing?.since ?? now)}.`);
  else if (readyOf(sink).status !== "True" && lostSinceArrival(sink) === "")
    said.push(
      droppedTotal(sink.account) > 0 ? "No data has been lost by this so far." : "No data has been lost so far.",
    );
  const gone = lostSinceArrival(sink);
  if (lag !== undefined && gone !== "")
    said.push(`Nothing has arrived for ${age(lag)}: everything that was read since then was dropped.`);
  else if (lag !== undefined && lag > readyLagMs(sink))
    said.push(
      sink.phase.name === "catching-up"
        ? `The sink is ${age(lag)} behind: the source keeps what is missing until it is sent.`
        : `The sink is ${age(lag)} behind and its cursor is held: the source keeps what is missing, and sends it, oldest first${catchesUp(sink, lag)}.`,
    );
  if (sink.skippedMs > 0) said.push(`${age(sink.skippedMs)} of data was skipped: older than --max-backfill.`);
  const late = sink.lastLate;
  if (late !== undefined)
    said.push(
      `${counted(sink.lateSamples, "sample")} arrived at the source too late to be read, the last from ${instant(late.from)} to ${instant(late.to)}.`,
    );
  const dropped = droppedTotal(sink.account);
  if (dropped > lost) said.push(`${counted(dropped, "sample")} dropped since outflow started: ${drops(sink)}.`);
  if (sink.deadLetters > 0)
    said.push(
      `${counted(sink.deadLetters, "dropped sample")} kept in the dead-letter folder: outflow replay --dead-letters DIR sends them.`,
    );
  return said.join(" ");
}

/** From how fast it went while it went. */
function catchesUp(sink: SinkState, lagMs: number): string {
  const { readPerS, sendPerS } = sink.pace;
  if (readPerS === 0 || sendPerS <= readPerS) return "";
  const ms = (lagMs * readPerS) / (sendPerS - readPerS);
  const about = ms < 1000 ? "1s" : age(ms);
  if (sink.phase.name === "paused") return `; it should catch up within about ${about} after it is resumed`;
  return `; it should catch up ${sink.failing === undefined ? `in about ${about}` : `within about ${about} after the endpoint answers`}`;
}

const drops = (sink: SinkState): string =>
  Object.entries(sink.account.dropped)
    .filter(([, n]) => n > 0)
    .map(([reason, n]) => `${reason} ${count(n)}`)
    .join(", ");

function nextStep(sink: SinkState, now: EpochMs): string {
  const { phase } = sink;
  switch (phase.name) {
    case "backing-off": {
      const when = `in ${age(phase.retryAt - now)} (${clockTime(phase.retryAt)})`;
      if (phase.attempt < phase.maxAttempts) return `Attempt ${phase.attempt + 1} of ${phase.maxAttempts} ${when}.`;
      return sink.info.onExhausted === "hold"
        ? `All ${phase.maxAttempts} attempts failed; the batch is held and retried ${when}.`
        : `All ${phase.maxAttempts} attempts failed and the batch was dropped; the next batch is sent ${when}.`;
    }
    case "holding":
      return `Next probe in ${age(phase.probeAt - now)} (${clockTime(phase.probeAt)}), or at once when the policy or its Secret changes.`;
    case "refused":
      return "Nothing is read or sent until the policy is corrected; outflow picks up the correction at once.";
    case "paused":
      return "Nothing until it is resumed; then it continues where it stopped.";
    case "catching-up":
      return `${age(phase.behindMs)} behind; missing data is sent, oldest first${speed(phase)}.`;
    case "starting":
      if (phase.crash !== undefined) return `The sink restarts in ${age(phase.crash.restartAt - now)}.`;
      if (failedSource(sink) === undefined && sink.failing === undefined && lostSinceArrival(sink) === "")
        return "The first batch is sent once a window has been read and batch.timeout has passed.";
      return comesNext(sink);
    case "flowing":
    case "idle":
      return comesNext(sink);
    case "draining":
    case "stopped":
      return "";
    default:
      return phase satisfies never;
  }
}

/** How fast it catches up, and when it should be done. */
const speed = ({ speed, doneAt }: { speed?: number; doneAt?: EpochMs }): string =>
  speed === undefined || doneAt === undefined
    ? ""
    : `, ${short(speed)} times as fast as new data comes; should be done at ${clockTime(doneAt)}`;

/** While it reads and sends as usual. */
function comesNext(sink: SinkState): string {
  if (failedSource(sink) !== undefined) return "The read is retried at the next poll.";
  if (lostSinceArrival(sink) !== "") return "Reading and sending continue; what was dropped is not retried.";
  if (readyOf(sink).reason === "Lagging")
    return "Reading and sending continue; the sink is ready again when its data is recent enough.";
  if (readyOf(sink).reason === "Flapping")
    return `Batches are sent as usual; the sink is ready when nothing has changed for ${age(CALM_MS)}.`;
  if (sink.failing === undefined) return "";
  return "The next batches are sent as usual; the first that is accepted makes the sink ready again.";
}

/** Dropped, and no dead letter of it: the source has it as long as its retention. */
const againLater = ({ failing, info }: SinkState, flags: string): string =>
  failing?.lost === undefined
    ? ""
    : ` What was dropped is still at the source. When the sink is ready: ${replayOf(info, [failing.lost], flags)}`;

function toDo(sink: SinkState, flags: string): string {
  const { phase, failing } = sink;
  if (phase.name === "refused")
    return "Correct the policy or its Secret; outflow check lists each problem with its location.";
  if (phase.name === "paused") return "Resume the sink when the reason for the pause is gone.";
  if (phase.name === "starting" && phase.crash !== undefined) return "Please report it, with the log around it.";
  if (failing !== undefined) return `${advice(failing.reason, sink.info.auth)}${againLater(sink, flags)}`;
  const unread = failedSource(sink)?.failure;
  if (unread?.reason === "QueryFailed")
    return "Correct the query in the policy; outflow check and outflow query explain read it offline.";
  if (unread !== undefined)
    return "Check that the source is up, and that --source-url and the credentials for it are right.";
  if (lostSinceArrival(sink) !== "")
    return "Correct these series where they come from, or exclude them from the query; docs/metrics.md lists the reasons.";
  if (readyOf(sink).reason === "Lagging")
    return "Raise batch.maxSize or --max-concurrency, select fewer series, or find out why the endpoint is slow.";
  if (readyOf(sink).reason === "Flapping")
    return "Find out why the receiver accepts some requests and fails others: one of several replicas, a load balancer, a limit, or the network path.";
  if (sink.restored?.status === "False") return "Nothing yet: the first attempt shows whether this is still the case.";
  if (readyOf(sink).reason === "Idle")
    return "If there should be data, run the query at the source: does it select anything? Otherwise nothing.";
  return whileReady(sink, flags).join(" ");
}

function whileReady({ info, lost, lastLate, rejected }: SinkState, flags: string): string[] {
  const said: string[] = [];
  if (lost.length > 0) said.push(`To send what was dropped while it failed: ${replayOf(info, lost, flags)}`);
  if (rejected.length > 0)
    said.push("If this continues, exclude these series from the query, or correct them where they come from.");
  if (lastLate !== undefined) said.push(`To send what arrived too late: ${lastLate.remedy}`);
  return said;
}

function advice(reason: FailureReason, auth: SinkState["info"]["auth"]): string {
  switch (reason) {
    case "EndpointUnreachable":
      return "Check the receiver, the address in endpoint, and the network path.";
    case "AuthenticationRejected":
      return auth === "none"
        ? "The policy gives no credentials: name a Secret in authentication.basicAuth.secretRef. The sink retries at once when the policy changes."
        : "Correct username and password in the sink's Secret, or its user's permissions at the receiver. Changes of the Secret are picked up, and the sink retries at once.";
    case "NotFound":
      return "Correct the path of endpoint in the policy, often /api/v1/write or /api/v1/push. The sink retries at once when the policy changes.";
    case "Redirected":
      return "Set endpoint to the final address. Redirects are not followed, so that credentials reach no other host.";
    case "SamplesRejected":
      return "The receiver's message says what it refuses. If it refuses everything, check the tenant and the samples' timestamps; if only some series, exclude those from the query.";
    case "ProtocolError":
      return "Check scheme and port of endpoint: http where https is expected, or a different service?";
    default:
      return remedies[reason];
  }
}
