// What the agent is told about the source itself, as events: it responds (and how its clock stands), or it fails. One query that
// fails while others are answered is that query's failure, not the source's.
import type { Clock } from "../platform/clock.ts";
import type { SourceClock } from "../source/clock.ts";
import type { SourceKind } from "../source/read.ts";
import type { Event, ReadFailureReason } from "../status/events.ts";
import { age } from "../status/text/words.ts";

/** The last response is told at most this often, unless there is news. */
const TELL_EVERY_MS = 1_000;
/** A difference of the clocks is news when it has moved by this much. */
const CLOCK_NEWS_MS = 1_000;
/** What a query said last counts for two of its intervals and this. */
const REMEMBER_MS = 5_000;
/** Clocks of replicas that differ are said again after this. */
const SPREAD_EVERY_MS = 3_600_000;

export class SourceHealth {
  readonly #clock: Clock;
  readonly #dispatch: (event: Event) => void;
  /** By query: did its last read get a response? */
  readonly #last = new Map<string, { ok: boolean; untilMs: number }>();
  #told: { atMs: number; kind: SourceKind; differenceMs: number; spreadMs: number } | undefined;
  #spreadToldMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, dispatch: (event: Event) => void) {
    this.#clock = clock;
    this.#dispatch = dispatch;
  }

  /** The source responded, to whatever query; also with a refusal. */
  answered(query: string | undefined, intervalMs: number, kind: SourceKind, source: SourceClock): void {
    const mono = this.#clock.monotonicMs();
    const at = this.#clock.now();
    if (query !== undefined) this.#last.set(query, { ok: true, untilMs: mono + 2 * intervalMs + REMEMBER_MS });
    const differenceMs = Math.round(source.differenceMs(at, mono) ?? 0);
    const { spreadMs } = source;
    const told = this.#told;
    const isNews =
      told === undefined ||
      told.kind !== kind ||
      mono - told.atMs >= TELL_EVERY_MS ||
      Math.abs(told.differenceMs - differenceMs) >= CLOCK_NEWS_MS;
    if (!isNews) return;
    this.#told = { atMs: mono, kind, differenceMs, spreadMs };
    this.#dispatch({
      type: "source-answered",
      at,
      kind,
      clockDifferenceMs: differenceMs,
      ...(spreadMs > 0 ? { clockSpreadMs: spreadMs } : {}),
    });
    if (spreadMs === 0 || mono - this.#spreadToldMs < SPREAD_EVERY_MS) return;
    this.#spreadToldMs = mono;
    this.#dispatch({
      type: "notice",
      at,
      level: "warn",
      message: `The clocks behind the source's address differ by ${age(Math.round(spreadMs / 1000) * 1000)}: probably replicas. Windows follow the slower clock; synchronize the clocks.`,
    });
  }

  /**
   * A read did not get a usable response. The source fails when this is so of every query, or when there was not even a connection:
   * that is nothing that one query could do.
   */
  failed(
    query: string,
    intervalMs: number,
    { reason, message, unreachable }: { reason: ReadFailureReason; message: string; unreachable: boolean },
  ): void {
    const mono = this.#clock.monotonicMs();
    this.#last.set(query, { ok: false, untilMs: mono + 2 * intervalMs + REMEMBER_MS });
    for (const [key, { untilMs }] of this.#last) if (untilMs < mono) this.#last.delete(key);
    if (!unreachable) for (const { ok } of this.#last.values()) if (ok) return;
    this.#told = undefined;
    this.#dispatch({ type: "source-failed", at: this.#clock.now(), reason, message });
  }
}
