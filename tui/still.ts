// One frame as text, for scripts and pipes: all sinks, worst first; no keys, no selection. Pure.
import type { Snapshot } from "../src/status/snapshot.ts";
import { glyphsFor } from "./drawing/glyphs.ts";
import { plainText } from "./drawing/line.ts";
import { backgroundFrom, depthOf, paint, paletteOf } from "./drawing/theme.ts";
import { initialUi } from "./input/ui-state.ts";
import { MIN_COLUMNS, view } from "./screens/view.ts";

export type StillOptions = { env: Readonly<Record<string, string | undefined>>; columns: number; colour: boolean };

/** What a frame has besides its rows. */
const AROUND = 16;

/** As of the agent's last event. */
export function stillFrame(snapshot: Snapshot, { env, columns, colour }: StillOptions): string {
  const lines = view({
    snapshot,
    ui: { ...initialUi, layout: "off" },
    now: snapshot.at,
    columns: Math.max(columns, MIN_COLUMNS),
    rows: Math.max(snapshot.sinks.length, 20) + AROUND,
    glyphs: { ...glyphsFor(env), pointer: " " },
    acts: false,
  }).slice(0, -1);
  const last = lines.findLastIndex((l) => plainText(l).trim() !== "");
  const palette = colour && env.TERM !== "dumb" ? paletteOf("auto", backgroundFrom(env), depthOf(env)) : undefined;
  return lines
    .slice(0, last + 1)
    .map((l) => {
      const segments = l.segments.map((s) => ({ ...s, on: false }));
      const text = palette === undefined ? plainText({ segments }) : paint({ segments }, palette);
      return `${text.trimEnd()}\n`;
    })
    .join("");
}
