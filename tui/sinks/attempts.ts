// The last attempts of a sink, newest first. Pure.
import type { AttemptRecord, SinkState } from "../../src/status/snapshot.ts";
import { age, bytes, short, took } from "../../src/status/text/words.ts";
import { type Line, type Segment, seg } from "../drawing/line.ts";
import type { Column } from "../drawing/table.ts";
import { table as rows } from "../drawing/text.ts";
import { type Scene, shownText } from "../screens/scene.ts";

const ATTEMPTS_SHOWN = 8;

export function attempts(sink: SinkState, scene: Scene): Line[] {
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
