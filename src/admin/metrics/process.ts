// What the process itself is measured by; the one place here that looks at it.
import { readdirSync } from "node:fs";
import { untilNextMs } from "../../platform/clock.ts";

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

/**
 * Reports by how much a timer was late, twice a second, in ms: how long the event loop was busy. Its moments are those of what else is
 * done now and then. Returns a function that stops it.
 */
export function watchEventLoop(late: (ms: number) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    const now = performance.now();
    const inMs = untilNextMs(SAMPLE_MS, now);
    timer = setTimeout(() => {
      late(Math.max(0, performance.now() - now - inMs));
      arm();
    }, inMs);
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
