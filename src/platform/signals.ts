// What ends with a signal: another signal, for as long as something is done, or a request. Not AbortSignal.any(): under Bun each call
// leaves a kilobyte at a signal that lives on, so an agent would grow with each request.

/** The signal that `act` gets aborts with the first of `signals`, with its reason. */
export async function withAny<T>(
  signals: readonly AbortSignal[],
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const any = new AbortController();
  const ends = signals.map((signal) => ({ signal, end: () => any.abort(signal.reason) }));
  for (const { signal, end } of ends) {
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }
  try {
    return await act(any.signal);
  } finally {
    for (const { signal, end } of ends) signal.removeEventListener("abort", end);
  }
}

const acts = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` once when `signal` aborts, until offAbort(). For what begins and ends all the time with a signal that lives on: the runtime
 * gets one listener for all of it, since each of its own costs a tenth of a request.
 */
export function onAbort(signal: AbortSignal, act: () => void): void {
  let all = acts.get(signal);
  if (all === undefined) {
    all = new Set();
    acts.set(signal, all);
    const waiting = all;
    signal.addEventListener("abort", () => {
      for (const each of waiting) each();
      waiting.clear();
    });
  }
  all.add(act);
}

export function offAbort(signal: AbortSignal, act: () => void): void {
  acts.get(signal)?.delete(act);
}
