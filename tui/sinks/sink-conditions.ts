// The Kubernetes conditions of a sink. Pure.
import type { Condition, SinkState } from "../../src/status/snapshot.ts";
import { age } from "../../src/status/text/words.ts";
import { type Line, seg } from "../drawing/line.ts";
import type { Column } from "../drawing/table.ts";
import { longest, table as rows } from "../drawing/text.ts";
import { type Scene, shownText } from "../screens/scene.ts";

export function conditions(sink: SinkState, scene: Scene): Line[] {
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
