// The columns of the sink table. Their order is their importance: what does not fit is left out from the end. Pure.
import { droppedTotal } from "../../src/status/account.ts";
import { readyLagMs, readyOf } from "../../src/status/conditions.ts";
import { lastMinute, rate } from "../../src/status/rings.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { pollSeconds, steady, steadyLag } from "../../src/status/text/steady.ts";
import { age, bytes, short } from "../../src/status/text/words.ts";
import { sparkline } from "../drawing/charts.ts";
import { type Segment, type Style, seg } from "../drawing/line.ts";
import { nameWidth, shortened } from "../drawing/shorten.ts";
import { normalLag } from "../drawing/spans.ts";
import type { Column } from "../drawing/table.ts";
import { reasonIn } from "../header-counts.ts";
import type { SortColumn } from "../input/intents.ts";
import { readiness, type Scene, shownText } from "../screens/scene.ts";
import { catchingUp, retryOf, whyOf } from "./progress.ts";

export const columnNames = [
  "state",
  "sink",
  "reason",
  "dropped",
  "lag",
  "samples/s",
  "last minute",
  "retry",
  "why",
  "ok ago",
  "bytes/s",
  "flight",
  "sent",
] as const;
export type ColumnName = (typeof columnNames)[number];

/** The usual ones with `name` taken out, or put back at its usual place. A table without the sink's name would be none. */
export function toggled(columns: readonly string[] | undefined, name: ColumnName | string): readonly string[] {
  const shown = columns ?? columnNames;
  if (name === "sink" || !columnNames.includes(name as ColumnName)) return shown;
  if (shown.includes(name)) return shown.filter((c) => c !== name);
  const rank = (c: string) => columnNames.indexOf(c as ColumnName);
  const at = shown.findIndex((c) => rank(c) > rank(name));
  return at < 0 ? [...shown, name] : [...shown.slice(0, at), name, ...shown.slice(at)];
}

/** All columns as the chooser lists them: those that are shown in their order, the others at their usual places between them. */
export const columnRows = (columns: readonly string[] | undefined): readonly string[] =>
  columnNames.reduce<readonly string[]>(
    (list, name) => (list.includes(name) ? list : toggled(list, name)),
    columns ?? columnNames,
  );

/** `name` changes places with the shown one before (-1) or after it (1); the first one is the most important. */
export function movedColumn(columns: readonly string[] | undefined, name: string, by: number): readonly string[] {
  const shown = [...(columns ?? columnNames)];
  const from = shown.indexOf(name);
  const other = shown[from + by];
  if (from < 0 || other === undefined) return shown;
  shown[from + by] = name;
  shown[from] = other;
  return shown;
}

const sortOf: Readonly<Partial<Record<ColumnName, SortColumn>>> = {
  state: "worst",
  reason: "worst",
  sink: "name",
  dropped: "dropped",
  lag: "lag",
  "samples/s": "samples/s",
  "bytes/s": "bytes/s",
  "ok ago": "ok ago",
};

/** Each of them for these rows, in order of importance. */
export function sinkColumns(scene: Scene, list: readonly SinkState[]): Column<SinkState>[] {
  const chosen = (scene.ui.columns ?? columnNames) as readonly ColumnName[];
  return chosen.map((name, importance) => {
    const column: Column<SinkState> = { title: name, importance, ...makers[name](scene, list) };
    const sort = sortOf[name];
    return sort === undefined ? column : sortable(column, sort, scene);
  });
}

/** A click on its title sorts. The column that rows are sorted by says so; the usual order needs no mark. */
function sortable(column: Column<SinkState>, by: SortColumn, { ui, glyphs }: Scene): Column<SinkState> {
  const hit = { type: "sort" as const, by };
  if (ui.sort !== by || by === "worst") return { ...column, hit };
  const title = `${column.title}${(by === "name") === ui.reverse ? glyphs.down : glyphs.up}`;
  const min = Math.max(column.min, title.length);
  return { ...column, hit, title, min, max: Math.max(column.max, min) };
}

type Made = Omit<Column<SinkState>, "title" | "importance">;

const number = (width: number, cell: (sink: SinkState) => Segment): Made => ({
  min: width,
  max: width,
  align: "right",
  cell,
});

const makers: Readonly<Record<ColumnName, (scene: Scene, list: readonly SinkState[]) => Made>> = {
  state: ({ glyphs }) => ({
    min: 1,
    max: 11,
    cell(sink, width) {
      const { mark, word, style } = readiness(sink, glyphs);
      return seg(width < 11 ? mark : `${mark} ${word}`, style);
    },
    steps: [1, 11],
  }),
  sink({ snapshot: { order }, columns, glyphs }) {
    const most = nameWidth(order, Math.max(30, Math.floor(columns * 0.36)));
    return {
      // Where there is little room a whole name is worth more than another column.
      min: Math.min(most, Math.floor(columns / (columns < 100 ? 3 : 3.5))),
      max: most,
      cell: (s, width) => seg(shortened(s.id, order, width, glyphs.more)),
    };
  },
  reason({ now }, list) {
    const longest = Math.max(6, ...list.map((s) => readyOf(s).reason.length));
    const catching = list.map((s) => catchingUp(s, now)?.[0]?.length ?? 0);
    return {
      min: Math.min(longest, SHORT_REASON),
      max: Math.max(longest, ...catching),
      cell: (s, width) => reason(s, now, width, width >= longest),
    };
  },
  dropped: () => number(7, dropCell),
  lag: (scene) => number(6, (s) => lagCell(s, scene)),
  "samples/s": ({ now }) => number(9, (s) => quietZero(rate(s.samples, now, s.startedAt), short)),
  "bytes/s": ({ now }) => number(7, (s) => quietZero(rate(s.bytes, now, s.startedAt), bytes)),
  "last minute"({ now, glyphs, snapshot }) {
    const poll = pollSeconds(snapshot);
    return {
      min: 12,
      max: 20,
      cell: (s, width) => seg(sparkline(steady(lastMinute(s.samples, now), poll), width, glyphs), "accent"),
    };
  },
  retry: ({ now }) => ({ min: 11, max: 15, cell: (s, width) => retryOf(s, now, width) }),
  flight: () => number(6, (s) => quietZero(s.inFlight, () => `${s.inFlight}/${s.concurrency}`)),
  sent: () => number(6, (s) => quietZero(s.account.delivered, short)),
  "ok ago": ({ now }) =>
    number(7, (s) => (s.lastSuccessAt === undefined ? seg("never", "dim") : seg(age(now - s.lastSuccessAt)))),
  // As wide when there is nothing to say: columns that come and go with trouble make rows jump.
  why: (scene) => ({
    min: 30,
    max: 30,
    rest: true,
    cell: (s) => seg(shownText(whyOf(s), scene), "dim"),
  }),
};

const quietZero = (n: number, text: (n: number) => string): Segment => (n === 0 ? seg("0", "dim") : seg(text(n)));

/** Room for each of the short words. */
const SHORT_REASON = 16;

/** @param whole all rows have room for the reason as the API says it: else all have words */
function reason(sink: SinkState, now: number, width: number, whole: boolean): Segment {
  const { reason: word, status } = readyOf(sink);
  // One that is not ready says why; how far it has come is in the column retry.
  const words = status === "False" ? undefined : catchingUp(sink, now)?.find((text) => text.length <= width);
  if (words !== undefined) return seg(words, "accent");
  return seg(
    whole ? word : reasonIn(word, width),
    status === "False" ? "bad" : status === "Unknown" ? "warn" : "plain",
  );
}

/** Against what is usual for this sink, and against what makes it not ready. */
function lagCell(sink: SinkState, { now, snapshot }: Scene): Segment {
  const poll = pollSeconds(snapshot);
  const lag = steadyLag(sink, now, poll);
  if (lag === undefined) return seg("-", "dim");
  return seg(age(lag), lagStyle(lag, sink, poll));
}

function lagStyle(lag: number, sink: SinkState, poll: number): Style {
  if (lag > readyLagMs(sink)) return "bad";
  const normal = normalLag(sink);
  return normal !== undefined && lag > 2 * normal + poll * 1_000 ? "warn" : "plain";
}

function dropCell(sink: SinkState): Segment {
  const n = droppedTotal(sink.account);
  if (n === 0) return seg("0", "dim");
  return seg(short(n), sink.failing !== undefined && sink.failing.dropped > 0 ? "bad" : "warn");
}
