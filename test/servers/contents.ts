// What real servers hold, compared sample by sample, and the policy and rows that the real-server runs share.
import type { Contents, Row, VictoriaMetrics } from "./servers.ts";

/** Samples of `want` that `have` lacks; `worthIt` leaves out those that a receiver would not take (newest: what it has of the series). */
export function missing(
  want: Contents,
  have: Contents,
  worthIt: (ts: number, newest: number) => boolean = () => true,
): string[] {
  const lost: string[] = [];
  for (const [series, samples] of want) {
    const list = have.get(series) ?? [];
    const got = new Set(list.map(([ts, v]) => `${ts} ${v}`));
    const newest = list.at(-1)?.[0] ?? 0;
    for (const [ts, v] of samples) if (!got.has(`${ts} ${v}`) && worthIt(ts, newest)) lost.push(`${series} ${ts} ${v}`);
  }
  return lost;
}

export const size = (c: Contents): number => [...c.values()].reduce((n, samples) => n + samples.length, 0);

/** A series of job "fleet". */
export const row = (name: string, labels: Record<string, string>, samples: Row["samples"]): Row => ({
  labels: { __name__: name, job: "fleet", ...labels },
  samples,
});

/** Writes a sample of m{job="x"} to `source` twice a second, until the interval is cleared. */
export const feed = (source: VictoriaMetrics): NodeJS.Timeout =>
  setInterval(() => {
    source.import([{ labels: { __name__: "m", job: "x" }, samples: [[Date.now(), 1]] }]).catch(() => {});
  }, 500);

/** Policy `p` with one source, `fleet`, and a sink for each name and address. */
export const fleetPolicy = (
  selector: string,
  sinks: Record<string, string>,
  batch: string,
  retry: string,
): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: p }
spec:
  sources:
    - name: fleet
      metrics: { metricsql: '${selector}' }
  sinks:
${Object.entries(sinks)
  .map(
    ([name, url]) => `    - name: ${name}
      sources: [fleet]
      target:
        prometheusRemoteWrite:
          endpoint: ${url}
          batch: ${batch}
          retry: ${retry}
`,
  )
  .join("")}`;
