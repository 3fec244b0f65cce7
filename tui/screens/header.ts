// The top of every screen: who this is and all throughput, how many sinks are how, the worst cause, the source; one line more while
// something is wrong with the policies, the state or the connection. Pure.
import type { EpochMs } from "../../src/platform/clock.ts";
import { placeText } from "../../src/platform/place.ts";
import type { ProblemInfo } from "../../src/status/events.ts";
import { lastMinute, rate } from "../../src/status/rings.ts";
import { pollSeconds, steady } from "../../src/status/text/steady.ts";
import { age, bytes, clockTime, counted, short } from "../../src/status/text/words.ts";
import { sparkline } from "../drawing/charts.ts";
import { type Line, lineWidth, type Segment, seg, spread } from "../drawing/line.ts";
import { fleetTroubles, shares } from "../fleet/fleet-header.ts";
import { counts, dropped, worst } from "../header-counts.ts";
import { behind, source } from "../header-source.ts";
import { inSeconds } from "../sinks/progress.ts";
import { hidden } from "./privacy.ts";
import { type Scene, shownText } from "./scene.ts";

/** @param clockNow the real now: a frozen or lost screen shows an earlier one */
export function header(scene: Scene, clockNow: EpochMs): Line[] {
  const { columns, glyphs } = scene;
  const row = (left: Segment[], right: Segment[] = []) => spread(left, right, columns, glyphs.more);
  return [
    row(...titleLine(scene, clockNow)),
    row(...countsLine(scene)),
    ...worst(scene),
    // What has failed is worth more than how far it has come.
    row(source(scene), scene.snapshot.source.health === "failing" ? [] : behind(scene)),
    ...[lost(scene, clockNow), ...troubles(scene)].flatMap((t) => (t === undefined ? [] : [row(t)])),
  ];
}

function countsLine(scene: Scene): [left: Segment[], right: Segment[]] {
  const width = (segments: Segment[]) => lineWidth({ segments });
  // A count of its own for each cause is worth more than the words behind a number.
  const all = width(counts(scene, Number.POSITIVE_INFINITY));
  const right = dropped(scene, all + 2 + width(dropped(scene, true)) <= scene.columns);
  return [counts(scene, scene.columns - width(right) - 2), right];
}

/** Who this is, and where there is room the fleet and the API server. */
function titleLine(scene: Scene, clockNow: EpochMs): [left: Segment[], right: Segment[]] {
  const [left, right] = [title(scene, clockNow), total(scene)];
  return [[...left, ...shares(scene, scene.columns - lineWidth({ segments: [...left, ...right] }) - 2)], right];
}

/** The agent is not reached: everything below is the last that was known. */
function lost(scene: Scene, now: EpochMs): Segment[] | undefined {
  const { link, glyphs } = scene;
  if (link?.state !== "lost") return undefined;
  const next = link.retryAt > now ? `next attempt in ${inSeconds(link.retryAt, now)}` : "connecting now";
  const what = scene.snapshot.startedAt === 0 ? "NOT CONNECTED" : "RECONNECTING";
  return [
    seg(`${glyphs.notReady} ${what} for ${age(now - link.since)}, ${next}`, "bad"),
    seg(`  ${shownText(link.why, scene)}`),
  ];
}

function title({ snapshot, now, ui, link, glyphs }: Scene, clockNow: EpochMs): Segment[] {
  const up = snapshot.startedAt === 0 ? [] : [seg("  up ", "dim"), seg(age(now - snapshot.startedAt))];
  const then =
    ui.frozen === undefined
      ? link?.state === "recorded"
        ? [seg(`  ${glyphs.rewind} ${clockTime(now)}, its end`, "warn")]
        : []
      : ui.frozen.recorded !== undefined
        ? [seg(`  ${glyphs.rewind} ${clockTime(now)}, ${age(clockNow - now)} ago`, "warn")]
        : [seg(`  FROZEN at ${clockTime(now)}`, "warn")];
  const quitting =
    ui.quitting === undefined
      ? []
      : [seg(link === undefined ? "  quitting: sending what is in memory" : "  quitting", "warn")];
  const at =
    link === undefined
      ? []
      : [seg(link.state === "recorded" ? "  recording " : "  at ", "dim"), seg(ui.privacy ? hidden : link.url)];
  return [
    seg("outflow", "strong"),
    seg(snapshot.version === "" ? "" : ` ${snapshot.version}`),
    ...then,
    ...up,
    ...quitting,
    ...at,
  ];
}

function total({ snapshot, now, columns, glyphs }: Scene): Segment[] {
  const { samples, bytes: sent, startedAt } = snapshot;
  const rates = [
    seg(short(rate(samples, now, startedAt)), "strong"),
    seg(" samples/s", "dim"),
    ...(columns < 70 ? [] : [seg(`  ${bytes(rate(sent, now, startedAt))}/s`)]),
  ];
  if (columns < 100) return rates;
  const smooth = steady(lastMinute(samples, now), pollSeconds(snapshot));
  return [...rates, seg(` ${sparkline(smooth, 20, glyphs)}`, "accent")];
}

/** With the file's whole path where there is room for the message beside it. */
function firstProblem(problem: ProblemInfo, scene: Scene): Segment[] {
  const said = (file: string) => [
    seg(`  ${placeText({ ...problem, file })}: ${shownText(problem.message, scene)}`),
    seg("  (4 shows all)", "dim"),
  ];
  const whole = said(problem.file);
  const COUNT = 25;
  const fits = lineWidth({ segments: whole }) <= scene.columns - COUNT;
  return fits ? whole : said(problem.file.slice(problem.file.lastIndexOf("/") + 1));
}

function troubles(scene: Scene): Segment[][] {
  const { snapshot, glyphs } = scene;
  const problems = snapshot.problems.filter((p) => p.severity === "problem");
  const [first] = problems;
  const said: Segment[][] = [];
  const { cluster } = snapshot;
  if (cluster?.failure !== undefined)
    said.push([
      seg(`${glyphs.notReady} Kubernetes API`, "bad"),
      seg(` for ${age(scene.now - cluster.failure.since)}: `, "dim"),
      seg(shownText(cluster.failure.message, scene)),
    ]);
  said.push(...fleetTroubles(scene));
  if (first !== undefined)
    said.push([
      seg(`${glyphs.notReady} ${counted(problems.length, "problem")} in policies`, "bad"),
      ...firstProblem(first, scene),
    ]);
  if (snapshot.stateStore.state !== "ok")
    said.push([seg(`${glyphs.unknown} state`, "warn"), seg(`  ${snapshot.stateStore.message}`)]);
  if (snapshot.log?.state === "failing")
    said.push([seg(`${glyphs.unknown} log`, "warn"), seg(`  ${snapshot.log.message}`)]);
  return said;
}
