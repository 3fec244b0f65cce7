// The policies: what was loaded, whether each is ready, and every problem with its place, problems first. Pure.
import { placeText } from "../../src/platform/place.ts";
import type { ProblemInfo } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { age, counted } from "../../src/status/text/words.ts";
import { blank, cut, type Line, line, selected as onSelection, type Style, seg } from "../drawing/line.ts";
import { type Column, layOut, tableRow, titles } from "../drawing/table.ts";
import { widthOf, wrap } from "../drawing/width.ts";
import { type PolicyRow, shownPolicies } from "../input/order.ts";
import { selectedPolicy } from "./panels.ts";
import { type Scene, shownText, windowed } from "./scene.ts";

const POINTER = 2;

/** Problems come above the list: while there are any, they are why one looks here. */
export function policiesView(scene: Scene, height: number): Line[] {
  const { snapshot, now, ui, columns, glyphs } = scene;
  const head = line(...cut([seg(reloads(snapshot, now), "dim")], columns, glyphs.more));
  const problems = problemLines(snapshot.problems, scene);
  const list = shownPolicies(snapshot, ui.filters.policies ?? "");
  const room = Math.max(1, height - 1);
  const most = list.length === 0 ? room : Math.max(3, room - Math.min(list.length + 2, Math.floor(room / 2)));
  const shown = problems.slice(0, most);
  if (problems.length > most) shown[most - 1] = line(seg(`  and more: outflow check shows all`, "dim"));
  const above = shown.length === 0 ? [] : [...shown, blank];
  const rows =
    list.length === 0
      ? [line(seg(snapshot.policies.length === 0 ? "No policy runs." : "No policy matches the filter.", "dim"))]
      : policyRows(list, scene, Math.max(1, room - above.length - 1));
  return [head, ...above, ...rows];
}

function reloads({ policies, reloads: { lastAt, lastOk } }: Snapshot, now: number): string {
  const n = policies.length === 1 ? "1 policy" : `${policies.length} policies`;
  if (lastAt === undefined) return n;
  return `${n}, loaded ${age(now - lastAt)} ago${lastOk ? "" : "; the last load had problems, the last good version runs"}`;
}

function policyRows(list: readonly PolicyRow[], scene: Scene, page: number): Line[] {
  const { columns, glyphs } = scene;
  const selected = selectedPolicy(scene);
  const placed = layOut(policyColumns(list, scene), columns - POINTER);
  const at = Math.max(0, selected === undefined ? 0 : list.indexOf(selected));
  const rows = windowed(list, at, page).map((p) => {
    const { segments } = tableRow(placed, p, glyphs.more);
    const cells = [seg(p === selected ? `${glyphs.pointer} ` : "  "), ...segments];
    return p === selected
      ? onSelection({ segments: cells, hit: { type: "open" } }, columns, glyphs.more)
      : { segments: cells, hit: { type: "select" as const, key: p.id } };
  });
  return [{ segments: [seg("  "), ...titles(placed, glyphs.more).segments] }, ...rows];
}

function policyColumns(list: readonly PolicyRow[], scene: Scene): Column<PolicyRow>[] {
  const { now, glyphs } = scene;
  const name = Math.min(40, Math.max(6, ...list.map((p) => widthOf(p.id))));
  const ready = (p: PolicyRow) => p.conditions.find((c) => c.type === "Ready");
  const marks: Record<string, { mark: string; style: Style }> = {
    True: { mark: glyphs.ready, style: "good" },
    False: { mark: glyphs.notReady, style: "bad" },
    Unknown: { mark: glyphs.unknown, style: "warn" },
  };
  const look = (p: PolicyRow) =>
    marks[ready(p)?.status ?? "Unknown"] ?? { mark: glyphs.unknown, style: "warn" as const };
  return [
    { title: "", importance: 0, min: 1, max: 1, cell: (p) => seg(look(p).mark, look(p).style) },
    { title: "policy", importance: 1, min: Math.min(name, 16), max: name, cell: (p) => seg(p.id) },
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
      max: Math.min(60, Math.max(12, ...list.map((p) => widthOf(p.file)))),
      cell: (p) => seg(p.file, "dim"),
    },
    {
      title: "message",
      importance: 3,
      min: 10,
      max: 10,
      rest: true,
      cell: (p) => seg(shownText(ready(p)?.message ?? "", scene), "dim"),
    },
  ];
}

const styles: Readonly<Record<ProblemInfo["severity"], Style>> = { problem: "bad", warning: "warn", note: "dim" };

function problemLines(problems: readonly ProblemInfo[], scene: Scene): Line[] {
  if (problems.length === 0) return [];
  const { columns, glyphs } = scene;
  const order = { problem: 0, warning: 1, note: 2 };
  const sorted = problems.toSorted((a, b) => order[a.severity] - order[b.severity]);
  const of = (severity: ProblemInfo["severity"]) => problems.filter((p) => p.severity === severity).length;
  const title = (["problem", "warning", "note"] as const)
    .filter((s) => of(s) > 0)
    .map((s) => counted(of(s), s))
    .join(", ");
  return [
    line(seg(title, of("problem") > 0 ? "bad" : "dim")),
    ...alike(sorted).flatMap(({ first: p, others }) => {
      const place = cut(
        [seg(`  ${p.severity}`, styles[p.severity]), seg(`  ${placeText(p)}`, "dim")],
        columns,
        glyphs.more,
      );
      const path = p.path === "" ? "" : `${p.path}: `;
      const text = wrap(shownText(`${path}${p.message}`, scene), Math.min(columns - 4, 110));
      const more = others === 0 ? [] : [line(seg(`    and ${counted(others, "other place")}`, "dim"))];
      return [{ segments: place }, ...text.map((t) => line(seg(`    ${t}`))), ...more];
    }),
  ];
}

/** What is said of many places is said once. */
function alike(problems: readonly ProblemInfo[]): { first: ProblemInfo; others: number }[] {
  const groups = new Map<string, { first: ProblemInfo; others: number }>();
  for (const p of problems) {
    const key = `${p.severity} ${p.message}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: p, others: 0 });
    else group.others++;
  }
  return [...groups.values()];
}
