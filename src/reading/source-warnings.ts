// What a source warns about, and what of it cannot be exported: each is logged once a query.
import type { EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Collision } from "../series/keyspace.ts";
import type { Event } from "../status/events.ts";
import type { Query } from "./reader.ts";

const QUERY_COLUMNS = 80;
const SERIES_COLUMNS = 200;
/** Collisions of one response that are named. */
const NAMED = 20;

export class SourceWarnings {
  readonly #dispatch: (event: Event) => void;
  /** What the source last warned about, by query. */
  readonly #told = new Map<string, readonly string[]>();
  /** Queries that had native histograms. */
  readonly #histograms = new Set<string>();
  readonly #collided = new WeakSet<Collision>();

  constructor(dispatch: (event: Event) => void) {
    this.#dispatch = dispatch;
  }

  /** After a response of `query`: the source's own warnings, and samples that were dropped, by reason. */
  read(
    at: EpochMs,
    { sent, text }: Query,
    warnings: readonly string[],
    dropped: Readonly<Record<string, number>>,
  ): void {
    const name = printable(text.trim(), QUERY_COLUMNS);
    const warn = (message: string) => this.#dispatch({ type: "notice", at, level: "warn", message });
    const news = warnings.filter((w) => !this.#told.get(sent)?.includes(w));
    if (warnings.length === 0) this.#told.delete(sent);
    else this.#told.set(sent, warnings);
    for (const warning of news) warn(`The source warns about ${name}: ${warning}`);
    if ((dropped.native_histogram ?? 0) === 0 || this.#histograms.has(sent)) return;
    this.#histograms.add(sent);
    warn(
      `Native histograms of ${name} are not exported: remote write 1.0 carries floats only. They are counted as dropped (native_histogram); all floats are exported.`,
    );
  }

  /** Series that are dropped since another one becomes the same: the first of them are named, each once. */
  collided(at: EpochMs, collisions: readonly Collision[]): void {
    const news = collisions.filter((collision) => !this.#collided.has(collision));
    for (const collision of news) this.#collided.add(collision);
    for (const { lost, kept } of news.slice(0, NAMED))
      this.#dispatch({
        type: "series-collided",
        at,
        lost: printable(lost, SERIES_COLUMNS),
        kept: printable(kept, SERIES_COLUMNS),
      });
    const more = news.length - NAMED;
    if (more <= 0) return;
    const message = `${more} more series are dropped since another one becomes the same (name_collision).`;
    this.#dispatch({ type: "notice", at, level: "warn", message });
  }
}
