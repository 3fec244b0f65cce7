// What the answers to parts of one series say about all of its samples in a batch. A receiver refuses a series as such, or samples
// because they are old (older ones too), or because it has newer ones of the series. So a refusal is established for one sample at
// a time from the oldest on, and only where the newest is refused as well are those between them dropped without a request each.
import { type Span, samplesOf } from "../batch/batch.ts";

/** Samples of a series that were refused one by one, none taken, before the newest is tried. */
const SINGLES = 2;

export class RunVerdict {
  /** Parts of the series that are not settled. */
  parts = 1;
  readonly refused: Span[] = [];
  message = "";
  /** The last refusal was a conflict. */
  conflict = false;
  /** Some part may have been sent before. */
  sent = false;
  #singles = 0;
  #taken = false;
  #newestTaken = false;

  refuse(span: Span): void {
    this.refused.push(span);
    if (samplesOf(span) === 1 && !this.#taken) this.#singles++;
  }

  take(newestOnly: boolean): void {
    if (newestOnly) this.#newestTaken = true;
    else this.#taken = true;
  }

  /** The oldest samples were refused one by one: whether the series as such is refused shows at its newest sample. */
  get tryNewest(): boolean {
    return this.#singles >= SINGLES && !this.#taken;
  }

  /** Nothing is known yet but that the series is not taken as a whole. */
  get untried(): boolean {
    return this.refused.length === 0 && !this.#taken && !this.#newestTaken;
  }

  /** The receiver took nothing of the series: it refuses the series, not some of its samples. */
  get refusedWhole(): boolean {
    return !this.#taken && !this.#newestTaken;
  }

  /** It takes the newest sample of the series and refuses the older ones, since it has them: or they may have been sent before. */
  get reason(): "refused_replay" | "rejected" | "conflict" {
    if (this.sent || this.#newestTaken) return "refused_replay";
    return this.conflict ? "conflict" : "rejected";
  }
}
