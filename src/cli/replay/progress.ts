// How far a replay is: a bar on a terminal, a line now and then elsewhere. The lines are pure; Progress writes them.
import { age, count } from "../../status/text/words.ts";

export type Seen = { name: string; done: number; samples: number; elapsedMs: number };

const CELLS = 20;

/** `default/p/vm [##########----------]  50 %  1,234,567 samples  20,000/s  12s left`, at most `columns` wide. */
export function progressLine({ name, done, samples, elapsedMs }: Seen, columns: number): string {
  const share = Math.min(1, Math.max(0, done));
  const filled = Math.floor(share * CELLS);
  const seconds = elapsedMs / 1000;
  const left = share > 0.01 && share < 1 ? `  ${age(((1 - share) / share) * elapsedMs)} left` : "";
  const rate = seconds >= 1 ? `  ${count(samples / seconds)}/s` : "";
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const bar = `[${"#".repeat(filled)}${"-".repeat(CELLS - filled)}]`;
  return `${name} ${bar} ${percent} %  ${count(samples)} samples${rate}${left}`.slice(0, columns);
}

const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 10_000;

export class Progress {
  readonly #out: { isTTY?: boolean; columns?: number; write(text: string): unknown };
  readonly #now: () => number;
  readonly #startedMs: number;
  #lastMs: number;

  constructor(out: { isTTY?: boolean; columns?: number; write(text: string): unknown }, now: () => number) {
    this.#out = out;
    this.#now = now;
    this.#startedMs = now();
    this.#lastMs = now();
  }

  show(seen: Omit<Seen, "elapsedMs">): void {
    const tty = this.#out.isTTY === true;
    const now = this.#now();
    if (now - this.#lastMs < (tty ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
    this.#lastMs = now;
    const text = progressLine({ ...seen, elapsedMs: now - this.#startedMs }, tty ? (this.#out.columns ?? 80) - 1 : 200);
    this.#out.write(tty ? `\r${text}\u001b[K` : `${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#out.isTTY === true) this.#out.write("\r\u001b[K");
  }
}
