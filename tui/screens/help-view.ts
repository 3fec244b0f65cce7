// Help: the key table in groups and the commands, so it cannot be wrong. Pure.

import { blank, type Line, line, lineWidth, seg } from "../drawing/line.ts";
import { fit } from "../drawing/width.ts";
import { commands } from "../input/command.ts";
import { type Binding, bindings, groups } from "../input/keys.ts";
import { type Scene, scrolled } from "./scene.ts";

const KEYS = 12;
const COLUMN = 40;

export function helpView(scene: Scene, height: number): Line[] {
  const { columns } = scene;
  const places = columns >= 3 * COLUMN ? 3 : columns >= 2 * COLUMN ? 2 : 1;
  const split: readonly (readonly Binding["group"][])[] =
    places === 3
      ? [
          ["Move", "Screens"],
          ["Sinks", "Sort", "Actions"],
          ["Time", "This screen"],
        ]
      : places === 2
        ? [
            ["Move", "Screens", "Actions", "This screen"],
            ["Sinks", "Sort", "Time"],
          ]
        : [groups];
  const stacks = split.map((names) =>
    names.flatMap((name, i) => (i === 0 ? block(name, scene) : [blank, ...block(name, scene)])),
  );
  return scrolled([...beside(stacks), ...ownKeys(scene), blank, ...commandLines(scene)], height, scene);
}

function ownKeys({ ui: { keys } }: Scene): Line[] {
  const own = Object.entries(keys);
  if (own.length === 0) return [];
  return [
    blank,
    line(seg("Own keys", "strong"), seg("  of screen.yaml", "dim")),
    ...own.map(([key, command]) => line(seg(`  ${fit(key, KEYS, "")}`, "accent"), seg(`:${command}`))),
  ];
}

function commandLines({ columns }: Scene): Line[] {
  const places = Math.max(1, Math.floor(columns / COLUMN));
  const cells = Object.entries(commands).map(([name, { takes = "", does }]) => [
    seg(`  :${name} `, "accent"),
    ...(takes === "" ? [] : [seg(`${takes.length > 20 ? "…" : takes} `)]),
    seg(does, "dim"),
  ]);
  const height = Math.ceil(cells.length / places);
  const stacks = Array.from({ length: places }, (_, i) =>
    cells.slice(i * height, (i + 1) * height).map((segments): Line => ({ segments })),
  );
  return [
    line(seg("Commands", "strong"), seg("  a name may be shortened, a sink named by an end of its name", "dim")),
    ...beside(stacks),
  ];
}

function block(group: Binding["group"], { glyphs, acts }: Scene): Line[] {
  const plain = !glyphs.arrows.startsWith("↑");
  const shown = (keys: string) =>
    plain ? keys.replace("↑", "up").replace("↓", "down").replace("←", "left").replace("→", "right") : keys;
  const off = group === "Actions" && !acts ? [seg("  off here", "warn")] : [];
  return [
    line(seg(group, "strong"), ...off),
    ...bindings
      .filter((b) => b.group === group)
      .map((b) => line(seg(`  ${fit(shown(b.shown), KEYS, "")}`, "accent"), seg(b.does))),
  ];
}

function beside(stacks: readonly Line[][]): Line[] {
  return Array.from({ length: Math.max(...stacks.map((s) => s.length)) }, (_, i) => ({
    segments: stacks.flatMap((stack, at) => {
      const l = stack[i] ?? blank;
      const pad = at === stacks.length - 1 ? 0 : COLUMN - lineWidth(l);
      return [...l.segments, seg(" ".repeat(Math.max(0, pad)))];
    }),
  }));
}
