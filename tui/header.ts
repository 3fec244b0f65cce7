// The top of every screen: who this is, the worst news, the source, all throughput. Three lines, one more while something is wrong
// with the policies or the state. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import { placeText } from "../src/platform/place.ts";
import { readyOf } from "../src/status/conditions.ts";
import { lastMinute, rate } from "../src/status/rings.ts";
import { lagOf } from "../src/status/sinks.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { age, short } from "../src/status/words.ts";
import { sparkline } from "./charts.ts";
import { type Line, type Segment, seg, spread } from "./line.ts";
import { nameOf } from "./names.ts";
import { shownSinks } from "./order.ts";
import { hidden } from "./privacy.ts";
import { labelled, type Scene, shownText } from "./scene.ts";

/** @param clockNow the real now: a frozen or lost screen shows an earlier one */
export function header(scene: Scene, clockNow: EpochMs): Line[] {
  const { columns, glyphs } = scene;
  const lines = [
    spread(title(scene), total(scene), columns, glyphs.more),
    spread(news(scene), [], columns, glyphs.more),
    spread(source(scene), largestLag(scene), columns, glyphs.more),
  ];
  const trouble = lost(scene, clockNow) ?? troubles(scene);
  return trouble === undefined ? lines : [...lines, spread(trouble, [], columns, glyphs.more)];
}

/** The agent is not reached: everything below is the last that was known. */
function lost(scene: Scene, now: EpochMs): Segment[] | undefined {
  const { link, glyphs } = scene;
  if (link?.state !== "lost") return undefined;
  const next = link.retryAt > now ? `again in ${age(link.retryAt - now + 999)}` : "trying now";
  return [
    seg(`${glyphs.notReady} RECONNECTING for ${age(now - link.since)}, ${next}`, "bad"),
    seg(`  ${shownText(link.why, scene)}`),
  ];
}

function title({ snapshot, now, ui, link }: Scene): Segment[] {
  const up = snapshot.startedAt === 0 ? [] : [seg("  up ", "dim"), seg(age(now - snapshot.startedAt))];
  const frozen = ui.frozen === undefined ? [] : [seg("  FROZEN ", "warn")];
  const quitting =
    ui.quitting === undefined
      ? []
      : [seg(link === undefined ? "  quitting: sending what is in memory" : "  quitting", "warn")];
  const at = link === undefined ? [] : [seg("  at ", "dim"), seg(ui.privacy ? hidden : link.url)];
  return [seg("outflow", "strong"), seg(` ${snapshot.version}`), ...up, ...frozen, ...quitting, ...at];
}

function total({ snapshot, now, columns, glyphs }: Scene): Segment[] {
  const perSecond = rate(snapshot.samples, now, snapshot.startedAt);
  const rateText = [seg(short(perSecond), "strong"), seg(" samples/s", "dim")];
  if (columns < 80) return rateText;
  return [...rateText, seg(` ${sparkline(lastMinute(snapshot.samples, now), 20, glyphs)}`, "accent")];
}

/** How many are ready; if not all, which is worst and why. */
function news(scene: Scene): Segment[] {
  const { snapshot, now, glyphs } = scene;
  const n = snapshot.sinks.length;
  if (scene.link?.state === "connecting")
    return [seg(`${glyphs.unknown} `, "warn"), seg(shownText(`connecting to ${scene.link.url}`, scene))];
  if (n === 0) return [seg(`${glyphs.unknown} `, "warn"), seg("no sinks yet")];
  const bad = snapshot.sinks.filter((s) => readyOf(s).status === "False");
  const open = snapshot.sinks.filter((s) => readyOf(s).status === "Unknown").length;
  if (bad.length === 0 && open === 0)
    return [seg(`${glyphs.ready} `, "good"), seg(n === 1 ? "the sink is ready" : `all ${n} sinks ready`)];
  if (bad.length === 0)
    return [
      seg(`${glyphs.unknown} `, "warn"),
      seg(n === 1 ? "the sink has not delivered yet" : `${n - open} of ${n} sinks ready, ${open} pending`),
    ];
  const worst = worstOf(scene, bad);
  const why =
    worst === undefined
      ? []
      : [
          seg("   "),
          seg(nameOf(worst.id)),
          seg(` ${readyOf(worst).reason}`, "bad"),
          seg(` for ${age(now - readyOf(worst).lastTransitionTime)}`, "dim"),
        ];
  return [
    seg(`${glyphs.notReady} ${n === 1 ? "the sink is not ready" : `${bad.length} of ${n} sinks not ready`}`, "bad"),
    ...why,
  ];
}

const worstOf = ({ snapshot, now }: Scene, bad: readonly SinkState[]): SinkState | undefined =>
  shownSinks({ ...snapshot, sinks: bad }, { faultsOnly: false, sort: "worst", reverse: false, filters: {} }, now)[0];

const kinds = { victoriametrics: "VictoriaMetrics", prometheus: "Prometheus", unknown: "" };
/** Less is the grain of the Date header. */
const CLOCK_WORTH_TELLING_MS = 2_000;

function source(scene: Scene): Segment[] {
  const { snapshot, now, ui, glyphs, columns } = scene;
  const { url, kind, health, clockDifferenceMs, failure } = snapshot.source;
  const mark = {
    ok: seg(glyphs.ready, "good"),
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
  const off =
    clockDifferenceMs === undefined || Math.abs(clockDifferenceMs) < CLOCK_WORTH_TELLING_MS
      ? []
      : [seg(`  clock ${age(Math.abs(clockDifferenceMs))} ${clockDifferenceMs < 0 ? "behind" : "ahead"}`, "warn")];
  return [mark, seg(" source", "dim"), address, ...what, ...waiting, ...off];
}

function largestLag({ snapshot, now }: Scene): Segment[] {
  let largest = -1;
  for (const sink of snapshot.sinks) largest = Math.max(largest, lagOf(sink, now) ?? -1);
  return largest < 0 ? [] : labelled("largest lag", age(largest));
}

function troubles(scene: Scene): Segment[] | undefined {
  const { snapshot, glyphs } = scene;
  const problems = snapshot.problems.filter((p) => p.severity === "problem");
  const [first] = problems;
  if (first !== undefined) {
    const n = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    return [
      seg(`${glyphs.notReady} ${n} in policies`, "bad"),
      seg(`  ${placeText(first)}: ${shownText(first.message, scene)}`),
      seg("  (4 shows all)", "dim"),
    ];
  }
  if (snapshot.stateStore.state !== "ok")
    return [seg(`${glyphs.unknown} state`, "warn"), seg(`  ${snapshot.stateStore.message}`)];
  if (snapshot.log?.state === "failing")
    return [seg(`${glyphs.unknown} log`, "warn"), seg(`  ${snapshot.log.message}`)];
  return undefined;
}
