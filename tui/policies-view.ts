// The policies: what was loaded, whether each is ready, and every problem with its place. Pure.
import type { ProblemInfo } from "../src/status/events.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { age } from "../src/status/words.ts";
import { blank, type Line, line, type Style, seg } from "./line.ts";
import { nameOf, type Scene } from "./scene.ts";
import { type Column, layOut, tableRow, titles } from "./table.ts";
import { wrap } from "./width.ts";

type Policy = Snapshot["policies"][number];

export function policiesView({ snapshot, now, ui, columns, glyphs }: Scene, height: number): Line[] {
  const lines = [...policyRows(snapshot.policies, now, columns, glyphs), ...problemLines(snapshot.problems, columns)];
  const head = line(seg(reloads(snapshot, now), "dim"));
  const page = Math.max(1, height - 1);
  const top = Math.max(0, Math.min(ui.scroll, lines.length - page));
  return [head, ...lines.slice(top, top + page)];
}

function reloads({ policies, reloads: { lastAt, lastOk } }: Snapshot, now: number): string {
  const n = policies.length === 1 ? "1 policy" : `${policies.length} policies`;
  if (lastAt === undefined) return n;
  return `${n}, loaded ${age(now - lastAt)} ago${lastOk ? "" : "; the last load had problems, the last good version runs"}`;
}

function policyRows(policies: readonly Policy[], now: number, columns: number, glyphs: Scene["glyphs"]): Line[] {
  if (policies.length === 0) return [];
  const name = Math.min(40, Math.max(6, ...policies.map((p) => nameOf(p.id).length)));
  const ready = (p: Policy) => p.conditions.find((c) => c.type === "Ready");
  const marks: Record<string, { mark: string; style: Style }> = {
    True: { mark: glyphs.ready, style: "good" },
    False: { mark: glyphs.notReady, style: "bad" },
    Unknown: { mark: glyphs.unknown, style: "warn" },
  };
  const look = (p: Policy) => marks[ready(p)?.status ?? "Unknown"] ?? { mark: glyphs.unknown, style: "warn" as const };
  const table: Column<Policy>[] = [
    { title: "", importance: 0, min: 1, max: 1, cell: (p) => seg(look(p).mark, look(p).style) },
    { title: "policy", importance: 1, min: Math.min(name, 16), max: name, cell: (p) => seg(nameOf(p.id)) },
    {
      title: "reason",
      importance: 2,
      min: 13,
      max: 13,
      cell: (p) => seg(ready(p)?.reason ?? "Pending", look(p).style === "good" ? "plain" : look(p).style),
    },
    {
      title: "age",
      importance: 4,
      min: 6,
      max: 7,
      align: "right",
      cell: (p) => seg(age(now - (ready(p)?.lastTransitionTime ?? now))),
    },
    { title: "gen", importance: 6, min: 4, max: 4, align: "right", cell: (p) => seg(String(p.generation)) },
    { title: "sinks", importance: 5, min: 5, max: 5, align: "right", cell: (p) => seg(String(p.sinks.length)) },
    {
      title: "file",
      importance: 7,
      min: 12,
      max: Math.max(12, ...policies.map((p) => p.file.length)),
      cell: (p) => seg(p.file, "dim"),
    },
    { title: "message", importance: 3, min: 10, max: 10, rest: true, cell: (p) => seg(ready(p)?.message ?? "") },
  ];
  const placed = layOut(table, columns);
  return [titles(placed, glyphs.more), ...policies.map((p) => tableRow(placed, p, glyphs.more))];
}

const styles: Readonly<Record<ProblemInfo["severity"], Style>> = { problem: "bad", warning: "warn", note: "dim" };

function problemLines(problems: readonly ProblemInfo[], columns: number): Line[] {
  if (problems.length === 0) return [];
  const order = { problem: 0, warning: 1, note: 2 };
  const sorted = problems.toSorted((a, b) => order[a.severity] - order[b.severity]);
  return sorted.flatMap((p) => {
    const path = p.path === "" ? "" : `${p.path}: `;
    const text = wrap(`${path}${p.message}`, Math.min(columns - 2, 110)).map((t) => line(seg(`  ${t}`)));
    return [
      blank,
      line(
        seg(p.severity, styles[p.severity]),
        ...wrap(`${p.file}:${p.line}:${p.column}`, columns - 10)
          .slice(0, 1)
          .map((t) => seg(`  ${t}`, "dim")),
      ),
      ...text,
    ];
  });
}
