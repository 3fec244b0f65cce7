// Home: one row a sink, worst first. The column "last minute" shows what was sent, or the attempt and its countdown while the sink
// fails: never both, since a sink that fails sends nothing. Pure.
import { droppedTotal } from "../src/status/account.ts";
import { readyLagMs, readyOf } from "../src/status/conditions.ts";
import { lastMinute, rate } from "../src/status/rings.ts";
import { lagOf } from "../src/status/sinks.ts";
import type { SinkState } from "../src/status/snapshot.ts";
import { age, short } from "../src/status/words.ts";
import { bar, sparkline } from "./charts.ts";
import { firstSteps } from "./first-steps.ts";
import { type Line, line, type Segment, seg } from "./line.ts";
import { nameOf } from "./names.ts";
import { shownSinks } from "./order.ts";
import { readiness, type Scene, shownText, windowed } from "./scene.ts";
import { type Column, layOut, tableRow, titles } from "./table.ts";
import { selectedSink } from "./ui-state.ts";
import { widthOf } from "./width.ts";

/** @param height lines there are; fewer come back where there are fewer sinks */
export function sinksView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, now, columns, glyphs } = scene;
  if (snapshot.sinks.length === 0) return firstSteps(scene, height);
  const list = shownSinks(snapshot, ui, now);
  if (list.length === 0)
    return [line(seg(ui.faultsOnly ? "No sink is at fault." : "No sink matches the filter.", "dim"))];
  const placed = layOut(sinkColumns(scene, list), columns - POINTER);
  const page = Math.max(1, height - 1);
  const selected = selectedSink(ui, snapshot, now);
  const at = Math.max(
    0,
    list.findIndex((s) => s.id === selected),
  );
  const rows = windowed(list, at, page).map((sink) => {
    const { segments } = tableRow(placed, sink, glyphs.more);
    const isSelected = sink.id === selected;
    return { segments: [seg(isSelected ? `${glyphs.pointer} ` : "  "), ...segments], selected: isSelected };
  });
  return [{ segments: [seg("  "), ...titles(placed, glyphs.more).segments] }, ...rows];
}

const POINTER = 2;

const longestNames = new WeakMap<readonly string[], number>();

/** Of all sinks, shown or not, so that columns stay where they are; looked up once for each set of sinks. */
function longestName(order: readonly string[]): number {
  const known = longestNames.get(order);
  if (known !== undefined) return known;
  const width = Math.max(4, ...order.map((id) => widthOf(nameOf(id))));
  longestNames.set(order, width);
  return width;
}

function sinkColumns(scene: Scene, list: readonly SinkState[]): Column<SinkState>[] {
  const { now, glyphs, columns } = scene;
  const name = longestName(scene.snapshot.order);
  const reason = Math.max(6, ...list.map((s) => readyOf(s).reason.length));
  const told = list.some((s) => messageOf(s) !== "");
  const all: Column<SinkState>[] = [
    {
      title: "",
      importance: 0,
      min: 1,
      max: 1,
      cell: (s) => seg(readiness(s, glyphs).mark, readiness(s, glyphs).style),
    },
    {
      title: "state",
      importance: 5,
      min: 9,
      max: 9,
      cell: (s) => seg(readiness(s, glyphs).word, readiness(s, glyphs).style),
    },
    {
      title: "sink",
      importance: 1,
      min: Math.min(name, Math.floor(columns / 4)),
      max: Math.min(name, Math.max(30, columns - 110)),
      cell: (s) => seg(nameOf(s.id)),
    },
    {
      title: "reason",
      importance: 2,
      min: Math.min(reason, columns < 90 ? 15 : 22),
      max: reason,
      cell: (s) => seg(readyOf(s).reason, reasonStyle(s)),
    },
    {
      title: "samples/s",
      importance: 4.5,
      min: 9,
      max: 9,
      align: "right",
      cell: (s) => quietZero(rate(s.samples, now, s.startedAt), short),
    },
    { title: "last minute", importance: 3, min: 12, max: 20, cell: (s, width) => activity(s, scene, width) },
    { title: "lag", importance: 4, min: 6, max: 6, align: "right", cell: (s) => lagCell(s, now) },
    {
      title: "flight",
      importance: 9,
      min: 6,
      max: 6,
      align: "right",
      cell: (s) => quietZero(s.inFlight, () => `${s.inFlight}/${s.concurrency}`),
    },
    {
      title: "sent",
      importance: 8,
      min: 5,
      max: 6,
      align: "right",
      cell: (s) => quietZero(s.account.delivered, short),
    },
    { title: "dropped", importance: 6, min: 7, max: 7, align: "right", cell: (s) => dropCell(s) },
    {
      title: "ok ago",
      importance: 7,
      min: 6,
      max: 7,
      align: "right",
      cell: (s) => (s.lastSuccessAt === undefined ? seg("never", "dim") : seg(age(now - s.lastSuccessAt))),
    },
  ];
  const sorted = all.map((column) => sortMark(column, scene));
  if (!told) return sorted;
  return [
    ...sorted,
    {
      title: "why",
      importance: 10,
      min: 30,
      max: 30,
      rest: true,
      cell: (s) => seg(shownText(messageOf(s), scene), "dim"),
    },
  ];
}

/** The column that rows are sorted by says so, and in which direction; the usual order needs no mark. */
function sortMark(column: Column<SinkState>, { ui, glyphs }: Scene): Column<SinkState> {
  const title = ui.sort === "name" ? "sink" : ui.sort;
  if (column.title !== title) return column;
  const marked = `${title}${(ui.sort === "name") === ui.reverse ? glyphs.down : glyphs.up}`;
  const min = Math.max(column.min, marked.length);
  return { ...column, title: marked, min, max: Math.max(column.max, min) };
}

const reasonStyle = (sink: SinkState) =>
  readyOf(sink).status === "False" ? "bad" : readyOf(sink).status === "Unknown" ? "warn" : "plain";

const quietZero = (n: number, text: (n: number) => string): Segment => (n === 0 ? seg("0", "dim") : seg(text(n)));

function lagCell(sink: SinkState, now: number): Segment {
  const lag = lagOf(sink, now);
  if (lag === undefined) return seg("-", "dim");
  return seg(age(lag), lag > readyLagMs(sink) ? "warn" : "plain");
}

function dropCell(sink: SinkState): Segment {
  const n = droppedTotal(sink.account);
  return n === 0
    ? seg("0", "dim")
    : seg(short(n), sink.failing !== undefined && sink.failing.dropped > 0 ? "bad" : "warn");
}

/** What stands between the sink and readiness, in the receiver's words; nothing where all is well. */
function messageOf(sink: SinkState): string {
  const { phase } = sink;
  if (phase.name === "backing-off" || phase.name === "holding") return phase.message;
  return readyOf(sink).status === "True" ? "" : readyOf(sink).message;
}

function activity(sink: SinkState, { now, glyphs }: Scene, width: number): Segment | Segment[] {
  const { phase } = sink;
  if (phase.name === "backing-off")
    return countdown(`${phase.attempt}/${phase.maxAttempts}`, phase.retryAt, sink, now, width, glyphs);
  if (phase.name === "holding") return countdown("held", phase.probeAt, sink, now, width, glyphs);
  return seg(sparkline(lastMinute(sink.samples, now), width, glyphs), "accent");
}

/** `2/3 ━━━━╌╌╌╌ 12s` */
function countdown(
  label: string,
  until: number,
  sink: SinkState,
  now: number,
  width: number,
  glyphs: Scene["glyphs"],
): Segment[] {
  if (sink.inFlight > 0) return [seg(label), seg(" trying now", "accent")];
  const left = Math.max(0, until - now);
  const from = sink.attempts.at(-1)?.at ?? now;
  const words = age(Math.ceil(left / 1000) * 1000);
  const cells = width - widthOf(label) - widthOf(words) - 2;
  const drawn = cells < 2 ? "" : ` ${bar(left / Math.max(1, until - from), cells, glyphs)}`;
  return [seg(label), seg(drawn, "warn"), seg(` ${words}`)];
}
