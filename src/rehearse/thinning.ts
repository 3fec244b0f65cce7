// How much of a policy is modelled: a long outage of a large one is rehearsed with one series of every `k`, and batches of a k-th of their
// size, so that there are as many requests, windows and attempts as there would be. Pure.

/** Samples that a scenario may cost, for all sinks together: some seconds. */
const BUDGET = 500_000;
/** Where the size of batches decides (bisecting, 413). */
const EXACT_BUDGET = 4_000_000;
/** A batch keeps at least so many samples. */
const LEAST_BATCH = 4;
const MOST_WRONG = 0.02;

/** `samples`: of all sinks in the scenario's time; `batches`: the sinks' batch.maxSize. */
export function thinning(samples: number, batches: readonly number[], exact: boolean): number {
  const least = Math.max(1, Math.ceil(samples / (exact ? EXACT_BUDGET : BUDGET)));
  const most = Math.max(1, Math.floor(Math.min(...batches) / LEAST_BATCH));
  if (least === 1 || most === 1) return 1;
  const wrong = (k: number) => Math.max(...batches.map((size) => Math.abs(thinned(size, k) * k - size) / size));
  let best = Math.min(least, most);
  for (let k = best; k <= Math.min(2 * least, most); k++) {
    if (wrong(k) <= MOST_WRONG) return k;
    if (wrong(k) < wrong(best)) best = k;
  }
  for (let k = best; k > best / 2; k--) if (wrong(k) <= MOST_WRONG) return k;
  return best;
}

export const thinned = (n: number, k: number): number => Math.max(1, Math.round(n / k));
