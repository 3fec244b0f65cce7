// Times as people give them to --from and --to. Pure.
import { parseDuration } from "../../config/duration.ts";
import type { EpochMs } from "../../platform/clock.ts";

/** 2026-11-25T02:00:00Z (a zone is needed), seconds or milliseconds since the epoch, now, or a duration back such as 2h. */
export function parseTime(text: string, now: EpochMs): EpochMs | undefined {
  if (text === "now") return now;
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{12,13}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) {
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? undefined : ms;
  }
  const back = parseDuration(text);
  return back === undefined ? undefined : now - back;
}
