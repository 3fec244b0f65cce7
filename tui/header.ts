// The top of every screen: who this is and all throughput, how many sinks are how, the worst cause, the source; one line more while
// something is wrong with the policies, the state or the connection. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import { placeText } from "../src/platform/place.ts";
import { droppedTotal } from "../src/status/account.ts";
import { readyOf } from "../src/status/conditions.ts";
import { overview } from "../src/status/overview.ts";
import { lastMinute, rate } from "../src/status/rings.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { age, bytes, clockTime, count, counted, short } from "../src/status/words.ts";
import { badness } from "../src/status/worst.ts";
import { sparkline } from "./charts.ts";
import { type Line, type Segment, type Style, seg, spread } from "./line.ts";
import { hidden } from "./privacy.ts";
import { inSeconds } from "./progress.ts";
import { labelled, type Scene, shownText } from "./scene.ts";
import { pollSeconds, smoothed, steadyLag } from "./spans.ts";

/** @param clockNow the real now: a frozen or lost screen shows an earlier one */
export function header(scene: Scene, clockNow: EpochMs): Line[] {
  const { columns, glyphs } = scene;
  const row = (left: Segment[], right: Segment[] = []) => spread(left, right, columns, glyphs.more);
  return [
    row(title(scene, clockNow), total(scene)),
    row(counts(scene), dropped(scene)),
    ...worst(scene),
    row(source(scene), behind(scene)),
    ...[lost(scene, clockNow), ...troubles(scene)].flatMap((t) => (t === undefined ? [] : [row(t)])),
  ];
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
  const smooth = smoothed(lastMinute(samples, now), pollSeconds(snapshot));
  return [...rates, seg(` ${sparkline(smooth, 20, glyphs)}`, "accent")];
}

/** A short word for each reason that is neither ready nor on its way. */
const words: Readonly<Record<string, string>> = {
  EndpointUnreachable: "unreachable",
  TLSFailure: "TLS",
  Timeout: "timed out",
  ServerError: "server error",
  ProtocolError: "protocol",
  RateLimited: "rate limited",
  AuthenticationRejected: "auth",
  NotFound: "not found",
  Redirected: "redirected",
  SamplesRejected: "samples rejected",
  SourceUnavailable: "no source",
  QueryFailed: "query failed",
  Lagging: "lagging",
  Flapping: "flapping",
  InvalidAuthentication: "refused",
  SecretNotFound: "refused",
  InvalidEndpoint: "refused",
  UnknownSource: "refused",
  InvalidQuery: "refused",
  Paused: "paused",
  Pending: "pending",
  InternalError: "internal error",
};

/** `191 ready · 5 unreachable · 3 auth · 1 catching up` */
function counts(scene: Scene): Segment[] {
  const { snapshot, glyphs, link } = scene;
  const { sinks } = snapshot;
  if (link?.state === "connecting")
    return [seg(`${glyphs.unknown} `, "warn"), seg(shownText(`connecting to ${link.url}`, scene))];
  if (snapshot.startedAt === 0) return [seg(`${glyphs.unknown} `, "warn"), seg("no state yet")];
  if (sinks.length === 0) return [seg(`${glyphs.unknown} `, "warn"), seg("no sinks yet")];
  const groups = new Map<string, { n: number; style: Style }>();
  const add = (word: string, style: Style) => {
    const group = groups.get(word);
    if (group === undefined) groups.set(word, { n: 1, style });
    else group.n++;
  };
  for (const sink of sinks) {
    const { status, reason } = readyOf(sink);
    if (status === "True") add(sink.phase.name === "catching-up" ? "catching up" : "ready", "good");
    else add(words[reason] ?? reason, status === "Unknown" || reason === "Paused" ? "warn" : "bad");
  }
  const rank = (word: string, style: Style) => (word === "ready" ? 0 : style === "bad" ? 1 : style === "warn" ? 2 : 3);
  const sorted = [...groups].sort(([a, x], [b, y]) => rank(a, x.style) - rank(b, y.style) || y.n - x.n);
  const mark = (word: string, style: Style) =>
    word === "catching up"
      ? glyphs.catchingUp
      : word === "paused"
        ? glyphs.paused
        : style === "bad"
          ? glyphs.notReady
          : style === "warn"
            ? glyphs.unknown
            : glyphs.ready;
  return sorted.flatMap(([word, { n, style }], i) => [
    ...(i === 0 ? [] : [seg(glyphs.dot === "," ? ", " : ` ${glyphs.dot} `, "dim")]),
    seg(`${mark(word, style)} ${n} ${word}`, style),
  ]);
}

function dropped({ snapshot }: Scene): Segment[] {
  let n = 0;
  for (const { account } of snapshot.sinks) n += droppedTotal(account);
  return n === 0 ? [] : [seg(`${count(n)} dropped`, "bad"), seg(" since start", "dim")];
}

/** The worst cause: one line, for however many sinks. */
function worst(scene: Scene): Line[] {
  const { snapshot, now, columns, glyphs } = scene;
  const headlines = overview(snapshot).headlines.filter((h) => h.status === "False");
  const [headline, ...others] = headlines;
  const first = headline?.sinks.toSorted((a, b) => badness(a) - badness(b))[0];
  // A source that is away has a line of its own.
  if (headline === undefined || headline.kind === "source" || first === undefined) return [];
  const more = others.length === 0 ? [] : [seg(`+${counted(others.length, "other cause")}`, "dim")];
  const left = [
    seg("  "),
    seg(headline.sinks.length === 1 ? first.id : counted(headline.sinks.length, "sink"), "strong"),
    seg(` ${headline.reason}`, "bad"),
    seg(` for ${age(now - headline.since)}${next(first, now)}: `, "dim"),
    seg(shownText(headline.cause, scene)),
  ];
  return [{ ...spread(left, more, columns, glyphs.more), hit: { type: "sink", id: first.id, show: "why" } }];
}

function next({ phase }: SinkState, now: EpochMs): string {
  if (phase.name === "backing-off")
    return `, attempt ${phase.attempt}/${phase.maxAttempts}, next in ${inSeconds(phase.retryAt, now)}`;
  return phase.name === "holding" ? `, next probe in ${inSeconds(phase.probeAt, now)}` : "";
}

const kinds = { victoriametrics: "VictoriaMetrics", prometheus: "Prometheus", unknown: "" };
/** Less is the grain of the Date header. */
const CLOCK_WORTH_TELLING_MS = 2_000;

function source(scene: Scene): Segment[] {
  const { snapshot, now, ui, glyphs, columns } = scene;
  const { url, kind, health, clockDifferenceMs, failure } = snapshot.source;
  if (snapshot.startedAt === 0) return [];
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

/** Series that are read (each query once), and the largest lag of all sinks. */
function behind({ snapshot, now, columns }: Scene): Segment[] {
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
  if (first !== undefined)
    said.push([
      seg(`${glyphs.notReady} ${counted(problems.length, "problem")} in policies`, "bad"),
      seg(`  ${placeText(first)}: ${shownText(first.message, scene)}`),
      seg("  (4 shows all)", "dim"),
    ]);
  if (snapshot.stateStore.state !== "ok")
    said.push([seg(`${glyphs.unknown} state`, "warn"), seg(`  ${snapshot.stateStore.message}`)]);
  if (snapshot.log?.state === "failing")
    said.push([seg(`${glyphs.unknown} log`, "warn"), seg(`  ${snapshot.log.message}`)]);
  return said;
}
