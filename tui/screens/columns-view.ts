// The column chooser: which columns the sink table has, and in which order of importance. Pure.
import { blank, type Line, line, seg, selected } from "../drawing/line.ts";
import { fit } from "../drawing/width.ts";
import { columnNames, columnRows } from "../sinks/sink-columns.ts";
import { type Scene, windowed } from "./scene.ts";

const about: Readonly<Record<(typeof columnNames)[number], string>> = {
  state: "a mark, and a word where there is room",
  sink: "namespace/policy/sink; always shown",
  reason: "the reason of Ready, or how far it has caught up",
  dropped: "samples dropped since outflow started",
  lag: "age of the oldest data that is not settled",
  "samples/s": "delivered, over the last minute",
  "last minute": "delivered, as a curve",
  retry: "attempt and countdown, or what is held",
  why: "the receiver's own words",
  "ok ago": "time since a batch was taken",
  "bytes/s": "sent, over the last minute",
  flight: "requests under way of those allowed",
  sent: "samples delivered since outflow started",
};

export function columnsView({ ui, columns, glyphs }: Scene, height: number): Line[] {
  const shown = ui.columns ?? columnNames;
  const rows = columnRows(ui.columns).map((name, i): Line => {
    const mark = shown.includes(name) ? "[x]" : "[ ]";
    const isSelected = i === ui.chooser;
    const row: Line = {
      segments: [
        seg(isSelected ? `${glyphs.pointer} ` : "  "),
        seg(`${mark} `, shown.includes(name) ? "good" : "dim"),
        seg(fit(name, 14, glyphs.more)),
        seg(about[name as keyof typeof about], "dim"),
      ],
      hit: isSelected ? { type: "column" } : { type: "select", key: name },
    };
    return isSelected ? selected(row, columns, glyphs.more) : row;
  });
  return [
    line(seg("Columns of the sink table", "strong"), seg("  what does not fit is left out from the end", "dim")),
    blank,
    ...windowed(rows, ui.chooser, Math.max(1, height - 2)),
  ];
}
