// Which batch may be sent while others are under way (remote write 1.0: samples of one series go in timestamp order).
import type { Batch } from "./batch.ts";

type Order = Pick<Batch, "seq" | "windows" | "continues">;

/**
 * Batches of one window hold different series and may go in parallel; a batch with samples of a later window waits until all
 * batches before it are settled, and so does the second part of a series that did not fit in one batch.
 * @param earlier unsettled batches that were sealed before `batch`
 */
export function mayStart(batch: Order, earlier: Iterable<Order>): boolean {
  const only = batch.windows.length === 1 ? batch.windows[0]!.window : undefined;
  for (const before of earlier) {
    if (only === undefined || before.windows.length !== 1 || before.windows[0]!.window !== only) return false;
    if (batch.continues && before.seq === batch.seq - 1) return false;
  }
  return true;
}
