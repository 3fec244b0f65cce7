// How many sinks are how, what was dropped, and the worst cause: one line for however many sinks. Pure.
import type { EpochMs } from "../src/platform/clock.ts";
import { droppedTotal } from "../src/status/account.ts";
import { readyOf } from "../src/status/conditions.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { overview } from "../src/status/text/overview.ts";
import { age, count, counted } from "../src/status/text/words.ts";
import { badness } from "../src/status/text/worst.ts";
import { type Hit, type Line, lineWidth, type Segment, type Style, seg, spread } from "./drawing/line.ts";
import { type Scene, shownText } from "./screens/scene.ts";
import { attemptOf, inSeconds } from "./sinks/progress.ts";

/** A short word for each reason that is neither ready nor on its way. */
const shortReasons: Readonly<Record<string, string>> = {
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

/** A reason as words of at most `width` columns: `server error`, or the short word that the counts have. */
export function reasonIn(reason: string, width: number): string {
  const words = reason.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.length <= width ? words : (shortReasons[reason] ?? words);
}

/** `191 ready · 5 unreachable · 3 auth · 1 catching up`; what does not fit in `room` columns is one number. */
export function counts(scene: Scene, room: number): Segment[] {
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
    else add(shortReasons[reason] ?? reason, status === "Unknown" || reason === "Paused" ? "warn" : "bad");
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
  const part = ([word, { n, style }]: (typeof sorted)[number]): Segment =>
    seg(`${mark(word, style)} ${n} ${word}`, style);
  const joined = (parts: readonly Segment[]): Segment[] =>
    parts.flatMap((p, i) => (i === 0 ? [p] : [seg(glyphs.dot === "," ? ", " : ` ${glyphs.dot} `, "dim"), p]));
  for (let kept = sorted.length; kept > 0; kept--) {
    const rest = sorted.slice(kept);
    const [worst] = rest;
    const n = rest.reduce((sum, [, group]) => sum + group.n, 0);
    const others = worst === undefined ? [] : [part([n === 1 ? "other" : "others", { n, style: worst[1].style }])];
    const all = joined([...sorted.slice(0, kept).map(part), ...others]);
    if (lineWidth({ segments: all }) <= room) return all;
  }
  return joined(sorted.map(part));
}

export function dropped({ snapshot, columns }: Scene, whole: boolean): Segment[] {
  let n = 0;
  for (const { account } of snapshot.sinks) n += droppedTotal(account);
  if (n === 0) return [];
  return [seg(`${count(n)} dropped`, "bad"), ...(whole && columns >= 80 ? [seg(" since start", "dim")] : [])];
}

/** Lines for causes, by the height of the terminal. */
const causeLines = (rows: number): number => (rows < 50 ? 1 : rows < 70 ? 3 : 6);

/** The worst causes: one line each, for however many sinks. */
export function worst(scene: Scene): Line[] {
  const headlines = overview(scene.snapshot).headlines.filter((h) => h.status === "False");
  // A source that is away has a line of its own.
  if (headlines[0]?.kind === "source") return [];
  const shown = headlines.slice(0, causeLines(scene.rows));
  const others = headlines.length - shown.length;
  return shown.flatMap((headline, i) => cause(headline, i === shown.length - 1 ? others : 0, scene));
}

type Headline = ReturnType<typeof overview>["headlines"][number];

function cause(headline: Headline, others: number, scene: Scene): Line[] {
  const { now, columns, glyphs } = scene;
  const first = headline.sinks.toSorted((a, b) => badness(a) - badness(b))[0];
  if (first === undefined) return [];
  // Each of several has a next attempt of its own.
  const alone = headline.sinks.length === 1;
  const lists: Hit = { type: "group", by: "cause" };
  const more = others === 0 ? [] : [{ ...seg(`+${counted(others, "other cause")} (g)`, "dim"), hit: lists }];
  const left = [
    seg("  "),
    seg(alone ? first.id : counted(headline.sinks.length, "sink"), "strong"),
    seg(` ${headline.reason}`, "bad"),
    seg(` for ${age(now - headline.since)}${alone && columns >= 100 ? next(first, now) : ""}: `, "dim"),
    seg(shownText(headline.cause, scene)),
  ];
  return [{ ...spread(left, more, columns, glyphs.more), hit: { type: "sink", id: first.id, show: "why" } }];
}

function next({ phase }: SinkState, now: EpochMs): string {
  if (phase.name === "backing-off") return `, attempt ${attemptOf(phase)}, next in ${inSeconds(phase.retryAt, now)}`;
  return phase.name === "holding" ? `, next probe in ${inSeconds(phase.probeAt, now)}` : "";
}
