// The fleet: what this agent may do, each member with what it owns and since when, and below it the sinks and shards of the selected one.
// Worst first. Pure.
import { type FleetStatus, unowned } from "../../src/status/fleet.ts";
import { age, clockTime, counted } from "../../src/status/text/words.ts";
import type { Glyphs } from "../drawing/glyphs.ts";
import { blank, cut, type Line, line, lineWidth, type Segment, type Style, seg, selected } from "../drawing/line.ts";
import { type Column, layOut, tableRow, titles } from "../drawing/table.ts";
import { paragraph, table } from "../drawing/text.ts";
import { widthOf, wrap } from "../drawing/width.ts";
import { type Scene, scrolled, shownText, windowed } from "../screens/scene.ts";
import { type FleetRow, fleetRows, lastHandOver, NOBODY, notReady, type OwnedSink, ranges } from "./fleet-rows.ts";

const POINTER = 2;

export function fleetView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, glyphs } = scene;
  const { fleet } = snapshot;
  if (fleet === undefined) return alone(scene);
  const head = standing(fleet, scene);
  const list = fleetRows(snapshot, ui.filters.fleet ?? "");
  const row = list.find((r) => r.key === ui.selectedMember) ?? list[0];
  if (row === undefined) return [...head, blank, line(seg("No member matches the filter.", "dim"))];
  const room = Math.max(2, height - head.length - 1);
  // At most half of the room, unless what is left is too little for the pane.
  const half = Math.min(list.length, Math.max(3, Math.floor(room / 2) - 1));
  const page = Math.max(1, room - half - 1 < 4 ? Math.min(list.length, room - 1) : half);
  const placed = layOut(memberColumns(list, scene), columns - POINTER);
  const rows = windowed(list, list.indexOf(row), page).map((r): Line => {
    const segments = [seg(r === row ? `${glyphs.pointer} ` : "  "), ...tableRow(placed, r, glyphs.more).segments];
    return r === row
      ? selected({ segments, hit: { type: "open" } }, columns, glyphs.more)
      : { segments, hit: { type: "select", key: r.key } };
  });
  const top = [...head, blank, { segments: [seg("  "), ...titles(placed, glyphs.more).segments] }, ...rows];
  const left = height - top.length - 1;
  return left < 2 ? top : [...top, blank, ...owned(row, scene, left)];
}

/** What `enter` opens: everything that one member owns. */
export function memberView(scene: Scene, height: number): Line[] {
  const row = selectedMember(scene);
  if (row === undefined) return [line(seg("This member has left the fleet.", "dim"))];
  const numbers = [...row.shards.map((s) => s.shard), ...row.missing];
  const which = numbers.length === 0 ? [] : paragraph("Shards", ranges(numbers, scene.glyphs.dash), scene.columns);
  const taken = row.key === NOBODY || row.shards.length === 0 ? [] : shardLines(row, scene);
  const parts = [row.sinks.length === 0 ? [] : sinkLines(row.sinks, scene), which, taken].filter((p) => p.length > 0);
  const all = parts.flatMap((part, i) => (i === 0 ? part : [blank, ...part]));
  return [heading(row, scene), blank, ...scrolled(all, height - 2, scene)];
}

export function selectedMember({ snapshot, ui }: Pick<Scene, "snapshot" | "ui">): FleetRow | undefined {
  const list = fleetRows(snapshot, ui.filters.fleet ?? "");
  return list.find((r) => r.key === ui.selectedMember) ?? list[0];
}

function alone({ columns }: Scene): Line[] {
  const text = [
    "This agent is alone: it was started without --fleet.",
    "Several agents share the policies with --fleet etcd or --fleet kubernetes: each policy has one owner at a time, and another agent takes over when that one ends.",
  ];
  return text.flatMap((t, i) => [
    ...(i === 0 ? [] : [blank]),
    ...wrap(t, Math.min(columns - 4, 100)).map((l) => line(seg(`  ${l}`, i === 0 ? "strong" : "plain"))),
  ]);
}

/** Engine and name; what this agent may do; takeovers since its start. What is wrong is in the header. */
function standing(fleet: FleetStatus, { now, columns }: Scene): Line[] {
  const without = unowned(fleet);
  const validity: Segment[] = fleet.valid
    ? [
        seg("may export for "),
        seg(age(Math.max(0, (fleet.validUntil ?? now) - now)), "strong"),
        seg(" without another heartbeat"),
      ]
    : [seg("may not export", "bad")];
  return [
    whole(columns, [
      [seg("fleet ", "dim"), seg(fleet.name, "strong"), seg(` in ${fleet.engine}`, "dim")],
      [seg(counted(fleet.members.length, "member"))],
      [
        seg(counted(fleet.shards, "shard")),
        seg(without === 0 ? ", each with an owner" : `, ${without} without an owner`, without === 0 ? "dim" : "bad"),
      ],
    ]),
    whole(columns, [
      [seg("this agent ", "dim"), ...validity],
      [seg(counted(fleet.takeovers, "takeover"), "dim")],
      [seg(`fenced ${counted(fleet.fenced, "shard")}`, fleet.fenced === 0 ? "dim" : "warn")],
    ]),
  ];
}

/** The parts that fit, none cut. */
function whole(columns: number, parts: readonly (readonly Segment[])[]): Line {
  const kept: Segment[] = [];
  for (const part of parts) {
    const next = [...(kept.length === 0 ? [] : [seg("   ")]), ...part];
    if (lineWidth({ segments: [...kept, ...next] }) <= columns) kept.push(...next);
  }
  return { segments: kept };
}

const looks: Readonly<Record<FleetRow["state"], { mark: keyof Glyphs; word: string; style: Style }>> = {
  unowned: { mark: "notReady", word: "unowned", style: "bad" },
  gone: { mark: "notReady", word: "silent", style: "bad" },
  fenced: { mark: "notReady", word: "fenced", style: "bad" },
  leaving: { mark: "catchingUp", word: "leaving", style: "warn" },
  self: { mark: "ready", word: "this agent", style: "good" },
  member: { mark: "ready", word: "member", style: "good" },
};

function memberColumns(list: readonly FleetRow[], scene: Scene): Column<FleetRow>[] {
  const { glyphs, now, snapshot } = scene;
  const name = Math.min(48, Math.max(6, ...list.map((r) => widthOf(r.key))));
  const number = (
    title: string,
    importance: number,
    width: number,
    cell: (r: FleetRow) => Segment,
  ): Column<FleetRow> => ({
    ...{ title, importance, min: width, max: width, align: "right" as const },
    cell,
  });
  const quiet = (text: string | undefined): Segment => (text === undefined ? seg("-", "dim") : seg(text));
  return [
    {
      ...{ title: "state", importance: 0, min: 1, max: 12, steps: [1, 12] },
      cell(r, width) {
        const { mark, word, style } = looks[r.state];
        return seg(width < 12 ? String(glyphs[mark]) : `${glyphs[mark]} ${word}`, style);
      },
    },
    { title: "member", importance: 1, min: Math.min(name, 18), max: name, cell: (r) => seg(shownText(r.key, scene)) },
    number("shards", 2, 6, (r) => quiet(String(r.shards.length + r.missing.length))),
    number("sinks", 5, 5, (r) => quiet(r.key === NOBODY ? undefined : String(r.sinks.length))),
    number("not ready", 3, 9, (r) => (notReady(r) === 0 ? seg("0", "dim") : seg(String(notReady(r)), "bad"))),
    number("up", 6, 7, (r) => quiet(r.since === undefined ? undefined : age(now - r.since))),
    number("hand-over", 4, 9, (r) => {
      const at = lastHandOver(r);
      return quiet(at === undefined || r.key === NOBODY ? undefined : `${age(now - at)} ago`);
    }),
    {
      ...{ title: "validity", importance: 7, min: 8, max: 14 },
      cell: (r) => validityOf(r, snapshot.fleet, now),
    },
  ];
}

/** Of this agent until when it may act; of others what the register shows. */
function validityOf(row: FleetRow, fleet: FleetStatus | undefined, now: number): Segment {
  if (fleet === undefined || row.key === NOBODY) return seg("");
  if (row.state === "gone") return seg("expired", "bad");
  if (row.key !== fleet.self) return seg("alive", "dim");
  if (!fleet.valid) return seg("ended", "bad");
  return seg(`${age(Math.max(0, (fleet.validUntil ?? now) - now))} left`);
}

/** The sinks of the selected member, worst first, its shards and hand-overs, what happened in the fleet: as much as there is room for. */
function owned(row: FleetRow, scene: Scene, height: number): Line[] {
  const sinks = sinkLines(row.sinks, scene);
  const shards = shardLines(row, scene);
  const events = fleetEvents(scene);
  // A title alone says nothing; in a small terminal the sinks matter more.
  const wanted = height < 8 ? 0 : Math.min(shards.length, Math.max(2, Math.floor(height / 3)));
  const room = Math.max(1, height - 1 - (wanted === 0 ? 0 : wanted + 1));
  const shown =
    sinks.length <= room
      ? sinks
      : [...sinks.slice(0, room - 1), line(seg(`  and ${sinks.length - room + 1} more: enter shows all`, "dim"))];
  const lines = [heading(row, scene), ...shown];
  for (const block of [shards, events]) {
    const left = height - lines.length - 1;
    if (block.length === 0 || left < Math.min(2, block.length) || (block === shards && wanted === 0)) continue;
    lines.push(...(sinks.length === 0 && block === shards ? [] : [blank]), ...block.slice(0, left));
  }
  return lines;
}

/** What the log says of the fleet, newest first. */
function fleetEvents(scene: Scene): Line[] {
  const { snapshot, columns, glyphs } = scene;
  const events = snapshot.events.filter((e) => e.text.startsWith("fleet: ")).toReversed();
  if (events.length === 0) return [];
  const style = { info: "plain", warn: "warn", error: "bad" } as const;
  return [
    line(seg("events of the fleet, newest first", "dim")),
    ...events.map(({ at, level, text }) =>
      line(
        ...cut(
          [seg(`${clockTime(at)}  `, "dim"), seg(shownText(text.slice("fleet: ".length), scene), style[level])],
          columns,
          glyphs.more,
        ),
      ),
    ),
  ];
}

function heading(row: FleetRow, scene: Scene): Line {
  const { columns, glyphs, now } = scene;
  const { mark, word, style } = looks[row.state];
  const joined = row.since === undefined ? "" : `, up ${age(now - row.since)}`;
  const text = [
    seg(`${glyphs.rule.repeat(2)} `, "dim"),
    seg(shownText(row.key, scene), "strong"),
    ...(row.key === NOBODY ? [] : [seg(`  ${glyphs[mark]} ${word}`, style), seg(joined, "dim")]),
    seg(`  ${counted(row.shards.length + row.missing.length, "shard")}`, "dim"),
    ...(row.key === NOBODY ? [] : [seg(`, ${counted(row.sinks.length, "sink")}`, "dim")]),
  ];
  return { segments: cut(text, columns, glyphs.more) };
}

function sinkLines(sinks: readonly OwnedSink[], scene: Scene): Line[] {
  const { glyphs, now, columns } = scene;
  const name = Math.min(Math.floor(columns * 0.6), Math.max(6, ...sinks.map((s) => widthOf(s.id))));
  const placed = layOut<OwnedSink>(
    [
      {
        ...{ title: "", importance: 0, min: 1, max: 1 },
        cell: ({ status }) =>
          status === "True"
            ? seg(glyphs.ready, "good")
            : status === "False"
              ? seg(glyphs.notReady, "bad")
              : seg(glyphs.unknown, "warn"),
      },
      { title: "sink", importance: 1, min: name, max: name, cell: (s) => seg(s.id) },
      {
        ...{ title: "reason", importance: 2, min: 10, max: 24 },
        cell: (s) => seg(s.reason, s.status === "False" ? "bad" : s.status === "True" ? "plain" : "warn"),
      },
      { title: "for", importance: 3, min: 7, max: 7, align: "right", cell: (s) => seg(age(now - s.since)) },
    ],
    columns - POINTER,
  );
  const mine = new Set(scene.snapshot.order);
  return sinks.map((s) => {
    const segments = [seg("  "), ...tableRow(placed, s, glyphs.more).segments];
    return mine.has(s.id) ? { segments, hit: { type: "sink" as const, id: s.id, show: "why" as const } } : { segments };
  });
}

/** Which shards came to it when, newest first; those that came together are one line. */
function shardLines({ shards, missing, key }: FleetRow, { columns, glyphs, now }: Scene): Line[] {
  const numbers = [...shards.map((s) => s.shard), ...missing];
  if (key === NOBODY || numbers.length === 0)
    return paragraph("Shards", numbers.length === 0 ? "none" : ranges(numbers, glyphs.dash), columns);
  const together = Map.groupBy(
    shards.toSorted((a, b) => b.since - a.since || a.epoch - b.epoch),
    ({ since, epoch }) => `${Math.floor(since / 1_000)} ${epoch}`,
  );
  const rows = [...together.values()].flatMap((list) => {
    const [first] = list;
    return first === undefined
      ? []
      : [
          {
            ...first,
            count: list.length,
            which: ranges(
              list.map((s) => s.shard),
              glyphs.dash,
            ),
          },
        ];
  });
  type Row = (typeof rows)[number];
  const number = (title: string, width: number, importance: number, cell: (r: Row) => string): Column<Row> => ({
    ...{ title, importance, min: width, max: width, align: "right" as const },
    cell: (r) => seg(cell(r)),
  });
  return table<Row>(
    [
      { title: "hand-over", importance: 0, min: 9, max: 9, cell: (r) => seg(clockTime(r.since)) },
      number("ago", 7, 1, (r) => age(now - r.since)),
      number("epoch", 10, 3, (r) => String(r.epoch)),
      number("shards", 6, 2, (r) => String(r.count)),
      { title: "which", importance: 4, min: 10, max: 10, rest: true, cell: (r) => seg(r.which, "dim") },
    ],
    rows,
    columns,
    glyphs.more,
  );
}
