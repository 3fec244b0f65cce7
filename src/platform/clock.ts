// Time as a port: rooms take a Clock, cli/run.ts wires the real one, tests a fake one.

/** Milliseconds since the Unix epoch. */
export type EpochMs = number;

/**
 * From `nowMs` to a multiple of `everyMs`, ms: what is done now and then is done at the same moments, so that a process that has nothing
 * else to do is woken once for all of it. At least half of `everyMs`: a timer may fire early.
 */
export function untilNextMs(everyMs: number, nowMs: number): number {
  const left = everyMs - (nowMs % everyMs);
  return Math.ceil(left < everyMs / 2 ? left + everyMs : left);
}

/** What ends a sleep early: an AbortSignal, or a Stop. */
export type StopSignal = {
  readonly aborted: boolean;
  addEventListener(type: "abort", stop: () => void, options?: { once: boolean }): void;
  removeEventListener(type: "abort", stop: () => void): void;
};

export type Clock = {
  /** Wall clock, ms since the epoch. May jump. Never used to measure durations. */
  now(): EpochMs;
  /** Monotonic ms; only differences mean anything. Ticks and backoff run on it. */
  monotonicMs(): number;
  /** Resolves true after `ms`, or false as soon as `signal` aborts. Never rejects, leaves no listener behind. */
  sleep(ms: number, signal?: StopSignal): Promise<boolean>;
};

/**
 * The signal of one sleep that is set and given up all the time: an AbortController with its signal, event and listener costs as much
 * as everything else about a timer.
 */
export class Stop implements StopSignal {
  aborted = false;
  #stop: (() => void) | undefined;

  addEventListener(_: "abort", stop: () => void): void {
    this.#stop = stop;
  }

  removeEventListener(): void {
    this.#stop = undefined;
  }

  abort(): void {
    this.aborted = true;
    this.#stop?.();
    this.#stop = undefined;
  }
}

/** Timers over 2^31-1 ms fire at once (Bun, Node, Deno): longer sleeps go in legs. */
const LONGEST_TIMER_MS = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => (ms <= LONGEST_TIMER_MS ? leg(Math.max(0, ms), signal) : legs(ms, signal)),
};

async function legs(ms: number, signal?: StopSignal): Promise<boolean> {
  for (let left = ms; ; left -= LONGEST_TIMER_MS) {
    if (!(await leg(Math.min(Math.max(0, left), LONGEST_TIMER_MS), signal))) return false;
    if (left <= LONGEST_TIMER_MS) return true;
  }
}

function leg(ms: number, signal?: StopSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (elapsed: boolean) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      resolve(elapsed);
    };
    const stop = () => done(false);
    const timer = setTimeout(() => done(true), ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
