// The samples of one series that are not newer than its floor: nearly all of them were taken before. Where the response has more of
// them than were taken, some became visible late, and all are collected for a closer look (reading/memory/recent-counts.ts).
import { parseNumber } from "../../hotpath/numbers.ts";
import type { EpochMs } from "../../platform/clock.ts";
import { wider } from "../../series/columns.ts";
import type { LateOptions } from "./options.ts";

export class OldSamples {
  readonly #late: LateOptions | undefined;
  readonly #nanIsStale: boolean;
  readonly #maxSamples: number;
  #count = 0;
  #newest = Number.NEGATIVE_INFINITY;
  /** Where their values stand: a value is only parsed if its series has late samples. */
  #timestamps = new Float64Array(64);
  #valueFrom = new Int32Array(64);
  #valueTo = new Int32Array(64);

  constructor(o: { late?: LateOptions; nanIsStale: boolean; maxSamples: number }) {
    this.#late = o.late;
    this.#nanIsStale = o.nanIsStale;
    this.#maxSamples = o.maxSamples;
  }

  get count(): number {
    return this.#count;
  }

  /** Timestamp of the newest one; -Infinity without any. */
  get newest(): EpochMs {
    return this.#newest;
  }

  /** A new series begins. */
  clear(): void {
    this.#count = 0;
    this.#newest = Number.NEGATIVE_INFINITY;
  }

  add(ts: EpochMs, valueFrom: number, valueTo: number): void {
    const n = this.#count++;
    if (ts > this.#newest) this.#newest = ts;
    if (this.#late === undefined) return;
    if (n === this.#timestamps.length) {
      this.#timestamps = wider(this.#timestamps, n + 1);
      this.#valueFrom = wider(this.#valueFrom, n + 1);
      this.#valueTo = wider(this.#valueTo, n + 1);
    }
    this.#timestamps[n] = ts;
    this.#valueFrom[n] = valueFrom;
    this.#valueTo[n] = valueTo;
  }

  /** The series is complete: collects its samples if some of them are late. `bytes`: where their values stand. */
  collectLate(series: number, floor: EpochMs, bytes: Uint8Array): void {
    const late = this.#late;
    if (late === undefined || this.#count === 0 || floor <= late.from) return;
    const expected = late.expected?.(series);
    if (expected !== undefined && this.#count <= expected) return;
    late.builder.startRun(series);
    for (let i = 0; i < this.#count; i++) {
      const ts = this.#timestamps[i]!;
      if (ts <= late.from) continue;
      if (late.builder.samples >= this.#maxSamples) return; // too many to look through: the audit finds the rest
      const value = parseNumber(bytes, this.#valueFrom[i]!, this.#valueTo[i]!);
      late.builder.add(ts, value, this.#nanIsStale && Number.isNaN(value));
    }
  }
}
