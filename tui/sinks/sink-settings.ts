// How a sink is set up, and its account since outflow started. Pure.
import type { SinkInfo } from "../../src/status/events.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { age, count, took } from "../../src/status/text/words.ts";
import type { Line } from "../drawing/line.ts";
import { paragraph } from "../drawing/text.ts";
import { hidden } from "../screens/privacy.ts";
import { type Scene, shownText } from "../screens/scene.ts";

export function settings(sink: SinkState, scene: Scene): Line[] {
  const { columns, ui, now } = scene;
  const { info, account } = sink;
  const dropped = Object.entries(account.dropped).filter(([, n]) => n > 0);
  const drops = dropped.length === 0 ? "0" : dropped.map(([reason, n]) => `${count(n)} ${reason}`).join(", ");
  const sizes = sink.attempts.map((a) => a.samples);
  const had =
    sizes.length === 0
      ? ""
      : Math.min(...sizes) === Math.max(...sizes)
        ? `; the last ones had ${count(sizes[0] ?? 0)}`
        : `; the last ones had ${count(Math.min(...sizes))} to ${count(Math.max(...sizes))}`;
  return [
    ...paragraph("Endpoint", `${ui.privacy ? hidden : info.endpoint}, ${AUTH[info.auth]}`, columns),
    ...answer(sink, scene).flatMap((text) => paragraph("Answer", text, columns)),
    ...paragraph(
      "Batch",
      `at most ${count(info.batch.maxSize)} samples or ${took(info.batch.timeoutMs)}${had}`,
      columns,
    ),
    ...paragraph(
      "Retry",
      `${info.retry.maxAttempts} attempts, the first again after ${took(info.retry.backoffMs)}; then the batch is ${info.onExhausted === "hold" ? "kept" : "dropped"}`,
      columns,
    ),
    ...paragraph(
      "Account",
      `read ${count(account.read)} = delivered ${count(account.delivered)} + dropped ${drops} + returned ${count(account.returned)} + pending ${count(account.pending)}`,
      columns,
    ),
    ...paragraph(
      "Requests",
      `${sink.inFlight} in flight, at most ${sink.concurrency} now; ${count(sink.attemptsTotal)} attempts, ${count(sink.retries)} of them retries`,
      columns,
    ),
    ...(sink.skippedMs === 0 ? [] : paragraph("Skipped", `${age(sink.skippedMs)} of data`, columns)),
    ...paragraph("Started", `${age(now - sink.startedAt)} ago`, columns),
  ];
}

/** The last answer with its whole text. */
function answer({ attempts }: SinkState, scene: Scene): string[] {
  const last = attempts.at(-1);
  if (last === undefined) return [];
  const when = `${age(scene.now - last.at)} ago`;
  const status = last.status === undefined ? (last.reason ?? "none") : `status ${last.status}`;
  return [`${when}, ${status}${last.message === undefined ? "" : `: ${shownText(last.message, scene)}`}`];
}

const AUTH: Record<SinkInfo["auth"], string> = {
  none: "no authentication",
  basic: "basic authentication",
  bearer: "bearer token",
  headers: "headers of a Secret",
};
