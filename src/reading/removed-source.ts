// A source is taken out of a policy while its series live on at the source: the stale markers that end them at the sink.
import type { EpochMs } from "../platform/clock.ts";
import type { Frame } from "../series/frame.ts";
import { FrameBuilder } from "../series/frame-builder.ts";
import { LOOKBACK_MS } from "../source/stale-markers.ts";
import type { Memory } from "./memory/memory.ts";

/**
 * A marker at `read` (or right after a sample at that time) for each series that is alive: of an expression those with a value there,
 * else those with a sample in the last five minutes and no marker of their own.
 */
export function endingsOf(memory: Memory, read: EpochMs, kind: "raw" | "evaluated"): Frame | undefined {
  const builder = new FrameBuilder();
  for (let id = 0; id < memory.last.length; id++) {
    const last = memory.last[id]!;
    const alive = kind === "evaluated" ? last === read : last > read - LOOKBACK_MS && Number.isInteger(last);
    if (!alive) continue;
    builder.startRun(id);
    builder.add(last < read ? read : last + 1, Number.NaN, true);
  }
  return builder.samples === 0 ? undefined : builder.build(memory.table, read, read).frame;
}
