// The source in a line: whether it answers, what it is, its clock; how many series are read, and how far behind the sinks are. Pure.

import { pollSeconds, steadyLag } from "../src/status/text/steady.ts";
import { age, short } from "../src/status/text/words.ts";
import { type Segment, seg } from "./drawing/line.ts";
import { hidden } from "./screens/privacy.ts";
import { labelled, type Scene, shownText } from "./screens/scene.ts";

const kinds = { victoriametrics: "VictoriaMetrics", prometheus: "Prometheus", unknown: "" };
/** A response may take as long as this, and a poll may have just begun. */
const SILENT_MS = 10_000;

/** Since the last response, where a sink waits for nothing else and no read has failed: the source hangs, or is slow. */
function silentFor({ snapshot, now }: Scene): number | undefined {
  const { health, lastAnswerAt = 0 } = snapshot.source;
  if (health !== "ok") return undefined;
  let last = lastAnswerAt;
  let waiting = false;
  for (const { sources, lastReadAt = 0, phase, account, inFlight } of snapshot.sinks) {
    last = Math.max(last, lastReadAt);
    waiting ||=
      (phase.name === "flowing" || phase.name === "idle") &&
      account.pending === 0 &&
      inFlight === 0 &&
      sources.some(({ kind, lastReadAt: read }) => kind === "raw" && read !== undefined);
  }
  const silent = now - last;
  return waiting && silent > SILENT_MS + 2_000 * pollSeconds(snapshot) ? silent : undefined;
}

/** Less is the grain of the Date header. */
const CLOCK_WORTH_TELLING_MS = 2_000;

export function source(scene: Scene): Segment[] {
  const { snapshot, now, ui, glyphs, columns } = scene;
  const { url, kind, health, clockDifferenceMs, failure } = snapshot.source;
  if (snapshot.startedAt === 0) return [];
  const silent = silentFor(scene);
  const mark = {
    ok: silent === undefined ? seg(glyphs.ready, "good") : seg(glyphs.unknown, "warn"),
    failing: seg(glyphs.notReady, "bad"),
    unknown: seg(glyphs.unknown, "warn"),
  }[health];
  const address = seg(` ${ui.privacy ? hidden : url.replace(/\/$/, "")}`);
  const what = kinds[kind] === "" || columns < 80 ? [] : [seg(`  ${kinds[kind]}`, "dim")];
  if (health === "failing" && failure !== undefined) {
    return [
      mark,
      seg(" source", "dim"),
      address,
      seg(`  ${failure.reason}`, "bad"),
      seg(` for ${age(now - failure.since)}: `, "dim"),
      seg(shownText(failure.message, scene)),
    ];
  }
  const waiting = health === "unknown" ? [seg("  no answer yet", "dim")] : [];
  const hangs = silent === undefined ? [] : [seg(`  no response for ${age(silent)}`, "warn")];
  const off =
    clockDifferenceMs === undefined || Math.abs(clockDifferenceMs) < CLOCK_WORTH_TELLING_MS
      ? []
      : [seg(`  clock ${age(Math.abs(clockDifferenceMs))} ${clockDifferenceMs < 0 ? "behind" : "ahead"}`, "warn")];
  return [mark, seg(" source", "dim"), address, ...what, ...waiting, ...hangs, ...off];
}

/** Series that are read (each query once), and the largest lag of all sinks. */
export function behind({ snapshot, now, columns }: Scene): Segment[] {
  const poll = pollSeconds(snapshot);
  let largest = -1;
  const series = new Map<string, number>();
  for (const sink of snapshot.sinks) {
    largest = Math.max(largest, steadyLag(sink, now, poll) ?? -1);
    for (const s of sink.sources) series.set(s.query, Math.max(series.get(s.query) ?? 0, s.series));
  }
  if (largest < 0) return [];
  const all = [...series.values()].reduce((n, s) => n + s, 0);
  return [
    ...(columns < 100 ? [] : [...labelled("series", short(all)), seg("  ")]),
    ...labelled("largest lag", age(largest)),
  ];
}
