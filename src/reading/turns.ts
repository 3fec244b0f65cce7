// How many queries run at the source at once. Windows take a turn if one is free; queries beside them wait for theirs, in order.
export class Turns {
  readonly #most: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get free(): boolean {
    return this.#taken < this.#most;
  }

  take(): void {
    this.#taken++;
  }

  async wait(): Promise<void> {
    if (this.free) this.#taken++;
    else await new Promise<void>((turn) => this.#waiting.push(turn));
  }

  /** A query has ended: its turn goes to the one that has waited longest, if there is one. */
  end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }

  /** Nobody waits any longer. */
  stop(): void {
    for (const turn of this.#waiting.splice(0)) turn();
  }
}
