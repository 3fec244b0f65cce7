// The clock of a server against that of this host, as the Date of its response tells it. Pure.
import type { EpochMs } from "../../platform/clock.ts";
import { age } from "../../status/text/words.ts";
import type { Noted } from "./finding.ts";

/** Date is cut to the second. */
const CUT_MS = 1_000;
/** Prometheus, Mimir and others refuse samples that are further ahead of their clock. */
const FAR_MS = 600_000;

/** `date`: the header; `atMs`: when the response came, by this host's clock. `limitMs`: differences up to it mean nothing. */
export function noteClock(note: Noted, date: string | undefined, atMs: EpochMs, limitMs: number, who: string): void {
  const dateMs = Date.parse(date ?? "");
  if (Number.isNaN(dateMs))
    return note.ok("clock", `the ${who} does not report its time (no Date header in its response)`);
  const difference = dateMs + CUT_MS / 2 - atMs;
  const size = Math.abs(difference);
  if (size <= limitMs + CUT_MS) return note.ok("clock", "agrees with the clock of this host");
  const text = `the clock of the ${who} is ${age(size)} ${difference > 0 ? "ahead of" : "behind"} the clock of this host`;
  const remedy = `Synchronize both clocks (NTP, chrony): timedatectl shows whether this host's is; compare the ${who}'s.`;
  if (size < FAR_MS) note.warn("clock", text, remedy);
  else note.fail("clock", `${text}: receivers refuse samples from so far in the future`, remedy);
}
