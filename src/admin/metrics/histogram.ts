// A histogram as Prometheus knows it: counts of values by upper bound (inclusive), and their sum.
import { joinLabels, type Row } from "./exposition.ts";

export class Histogram {
  /** By bucket, not cumulated; the last is for what is above every bound. */
  readonly #counts: Float64Array;
  readonly #bounds: readonly number[];
  #sum = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let i = 0;
    while (i < this.#bounds.length && !(value <= this.#bounds[i]!)) i++;
    this.#counts[i]!++;
    this.#sum += value;
  }

  write(row: Row, labels = ""): void {
    let count = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      count += this.#counts[i]!;
      row(count, joinLabels(`le="${this.#bounds[i] ?? "+Inf"}"`, labels), "_bucket");
    }
    row(this.#sum, labels, "_sum");
    row(count, labels, "_count");
  }
}
