// A signal that ends with each of several others, for as long as something is done. Not AbortSignal.any(): under Bun each call leaves a
// kilobyte at a signal that lives on, so an agent would grow with each request.

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
