// One sink: why it is as it is first, then conditions, charts, attempts, sources, settings and the account. Scrolls. Pure.

import type { SinkInfo } from "../src/status/events.ts";
import { explain } from "../src/status/explain.ts";
import { sinkOf } from "../src/status/sinks.ts";
import type { AttemptRecord, Condition, SinkSource, SinkState } from "../src/status/snapshot.ts";
import { age, bytes, count, short, took } from "../src/status/words.ts";
import { blank, cut, type Line, line, type Segment, seg } from "./line.ts";
import { nameOf } from "./names.ts";
import { hidden } from "./privacy.ts";
import { readiness, type Scene, scrolled, shownText } from "./scene.ts";
import { sinkCharts } from "./sink-charts.ts";
import type { Column } from "./table.ts";
import { longest, paragraph, table as rows } from "./text.ts";

export function detailView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, glyphs, columns } = scene;
  const sink = ui.selected === undefined ? undefined : sinkOf(snapshot, ui.selected);
  if (sink === undefined) return [line(seg("This sink is no more: it was removed from its policy.", "dim"))];
  const { mark, style } = readiness(sink, glyphs);
  const { headline } = explain(sink, snapshot.source, scene.now);
  const title: Line = {
    segments: cut(
      [seg(`${mark} `, style), seg(nameOf(sink.id), "strong"), seg(`   ${headline}`, style)],
      columns,
      glyphs.more,
    ),
  };
  const blocks = [
    why(sink, scene),
    conditions(sink, scene),
    sinkCharts(sink, scene),
    attempts(sink, scene),
    sources(sink, scene),
    settings(sink, scene),
  ];
  const lines = blocks.flatMap((block, i) => (i === 0 || block.length === 0 ? block : [blank, ...block]));
  return [title, blank, ...scrolled(lines, height - 2, scene)];
}

function why(sink: SinkState, scene: Scene): Line[] {
  const { snapshot, now, columns } = scene;
  return explain(sink, snapshot.source, now).parts.flatMap(({ label, text }) =>
    paragraph(label, shownText(text, scene), columns),
  );
}

function conditions(sink: SinkState, scene: Scene): Line[] {
  const { now, columns, glyphs } = scene;
  const style = (c: Condition) => (c.status === "True" ? "good" : c.status === "False" ? "bad" : "warn");
  const table: Column<Condition>[] = [
    { title: "condition", importance: 0, min: 9, max: 9, cell: (c) => seg(c.type) },
    { title: "status", importance: 1, min: 7, max: 7, cell: (c) => seg(c.status, style(c)) },
    {
      title: "reason",
      importance: 2,
      min: 14,
      max: longest(sink.conditions.map((c) => c.reason)),
      cell: (c) => seg(c.reason),
    },
    { title: "age", importance: 3, min: 6, max: 7, align: "right", cell: (c) => seg(age(now - c.lastTransitionTime)) },
    {
      title: "generation",
      importance: 5,
      min: 10,
      max: 10,
      align: "right",
      cell: (c) => seg(String(c.observedGeneration)),
    },
    {
      title: "message",
      importance: 4,
      min: 20,
      max: 20,
      rest: true,
      cell: (c) => seg(shownText(c.message, scene), "dim"),
    },
  ];
  return rows(table, sink.conditions, columns, glyphs.more);
}

const ATTEMPTS_SHOWN = 8;

function attempts(sink: SinkState, scene: Scene): Line[] {
  const { now, columns, glyphs } = scene;
  const shown = sink.attempts.slice(-ATTEMPTS_SHOWN).reverse();
  if (shown.length === 0) return [];
  const table: Column<AttemptRecord>[] = [
    { title: "attempts", importance: 0, min: 10, max: 10, cell: (a) => seg(`${age(now - a.at)} ago`) },
    { title: "no", importance: 4, min: 2, max: 2, align: "right", cell: (a) => seg(String(a.attempt)) },
    { title: "samples", importance: 2, min: 7, max: 7, align: "right", cell: (a) => seg(short(a.samples)) },
    { title: "size", importance: 5, min: 7, max: 7, align: "right", cell: (a) => seg(bytes(a.bytes)) },
    { title: "took", importance: 3, min: 7, max: 7, align: "right", cell: (a) => seg(took(a.durationMs)) },
    { title: "result", importance: 1, min: 18, max: 18, rest: true, cell: (a) => result(a, scene) },
  ];
  return rows(table, shown, columns, glyphs.more);
}

function result({ reason, status, message }: AttemptRecord, scene: Scene): Segment[] {
  if (reason === undefined) return [seg("taken", "good"), seg(` ${status ?? ""}`, "dim")];
  return [
    seg(reason, "bad"),
    seg(status === undefined ? "" : ` ${status}`),
    seg(` ${shownText(message ?? "", scene)}`, "dim"),
  ];
}

function sources(sink: SinkState, scene: Scene): Line[] {
  const { now, columns, glyphs, ui } = scene;
  const table: Column<SinkSource>[] = [
    {
      title: "sources",
      importance: 0,
      min: 8,
      max: Math.max(8, Math.min(30, longest(sink.sources.map((s) => s.name)))),
      cell: (s) => seg(s.name),
    },
    { title: "kind", importance: 6, min: 9, max: 9, cell: (s) => seg(s.kind) },
    { title: "series", importance: 3, min: 6, max: 6, align: "right", cell: (s) => seg(short(s.series)) },
    { title: "samples", importance: 2, min: 7, max: 7, align: "right", cell: (s) => seg(short(s.samplesLastRead)) },
    {
      title: "read",
      importance: 5,
      min: 7,
      max: 7,
      align: "right",
      cell: (s) => seg(s.lastReadAt === undefined ? "-" : took(s.lastReadMs)),
    },
    {
      title: "lag",
      importance: 1,
      min: 6,
      max: 6,
      align: "right",
      cell: (s) => seg(s.lagMs === undefined || s.lagAt === undefined ? "-" : age(s.lagMs + now - s.lagAt)),
    },
    {
      title: "query",
      importance: 4,
      min: 16,
      max: 16,
      rest: true,
      cell: (s) =>
        s.failure === undefined
          ? seg(ui.privacy ? hidden : s.query, "dim")
          : seg(shownText(s.failure.message, scene), "bad"),
    },
  ];
  return rows(table, sink.sources, columns, glyphs.more);
}

function settings(sink: SinkState, scene: Scene): Line[] {
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
