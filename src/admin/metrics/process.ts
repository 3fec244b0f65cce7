// What the process itself is measured by; the one place here that looks at it.
export type ProcessInfo = {
  residentBytes: number;
  cpuSeconds: number;
  runtime: string;
  /** Series in the table; undefined where nobody counts them. */
  tableSeries: number | undefined;
};

export function processInfo(tableSeries: number | undefined): ProcessInfo {
  const { user, system } = process.cpuUsage();
  const { bun, deno } = process.versions;
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    runtime: bun === undefined ? `deno ${deno ?? ""}`.trim() : `bun ${bun}`,
    tableSeries,
  };
}

const SAMPLE_MS = 500;

/** Tells by how much a timer was late, twice a second, in ms: how long the event loop was busy. Returns the way to stop it. */
export function watchEventLoop(late: (ms: number) => void): () => void {
  let due = performance.now() + SAMPLE_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    late(Math.max(0, now - due));
    due = now + SAMPLE_MS;
  }, SAMPLE_MS);
  timer.unref();
  return () => clearInterval(timer);
}
