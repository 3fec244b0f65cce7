// A scroll bar of one column: how long the list is, and where in it the rows in view are. Pure.
import type { Glyphs } from "./glyphs.ts";
import { type Segment, seg } from "./line.ts";

/** One piece for each row in view. */
export function scrollBar(total: number, top: number, page: number, { thumb, track }: Glyphs): Segment[] {
  const size = Math.max(1, Math.round((page * page) / Math.max(page, total)));
  const most = Math.max(0, total - page);
  const from = most === 0 ? 0 : Math.round((top / most) * (page - size));
  return Array.from({ length: page }, (_, i) =>
    i >= from && i < from + size ? seg(thumb, "accent") : seg(track, "dim"),
  );
}
