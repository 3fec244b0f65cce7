// What the process itself is measured by; the one place here that looks at it.
import { readdirSync } from "node:fs";

export type ApiRequests = { verb: string; resource: string; code: string; count: number };

/** What others in the process count. */
export type Counted = {
  /** Series in the table; undefined where nobody counts them. */
  tableSeries: number | undefined;
  /** To the Kubernetes API. */
  apiRequests: readonly ApiRequests[];
};

export type ProcessInfo = Counted & {
  residentBytes: number;
  cpuSeconds: number;
  /** Undefined where the system does not list them. */
  openFds: number | undefined;
  runtime: string;
};

export function processInfo(counted: Counted): ProcessInfo {
  const { user, system } = process.cpuUsage();
  const { bun, deno } = process.versions;
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    openFds: openFds(),
    runtime: bun === undefined ? `deno ${deno ?? ""}`.trim() : `bun ${bun}`,
    ...counted,
  };
}

function openFds(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one is open to read the list
  } catch {
    return undefined;
  }
}

const SAMPLE_MS = 500;

/** Reports by how much a timer was late, twice a second, in ms: how long the event loop was busy. Returns a function that stops it. */
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
