// Time as a port: rooms take a Clock, cli/run.ts wires the real one, tests a fake one.

/** Milliseconds since the Unix epoch. */
export type EpochMs = number;

export type Clock = {
  /** Wall clock, ms since the epoch. May jump. Never used to measure durations. */
  now(): EpochMs;
  /** Monotonic ms; only differences mean anything. Ticks and backoff run on it. */
  monotonicMs(): number;
  /** Resolves true after `ms`, or false as soon as `signal` aborts. Never rejects, leaves no listener behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<boolean>;
};

/** Timers over 2^31-1 ms fire at once (Bun, Node, Deno): longer sleeps go in legs. */
const LONGEST_TIMER_MS = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; ; left -= LONGEST_TIMER_MS) {
      if (!(await leg(Math.min(Math.max(0, left), LONGEST_TIMER_MS), signal))) return false;
      if (left <= LONGEST_TIMER_MS) return true;
    }
  },
};

function leg(ms: number, signal?: AbortSignal): Promise<boolean> {
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
