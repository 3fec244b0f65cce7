// The path of a sample, wired: source → readers → exporters → senders, over one clock. The agent runs it in real time between real
// servers, a rehearsal in fast time between models of them; the path is the same.
import type { Settings } from "../../config/settings.ts";
import { Supervisor, type SupervisorPorts } from "../../exporter/supervisor.ts";
import { Readers } from "../../reading/readers.ts";
import type { SourcePort } from "../../reading/source-port.ts";
import { specHash } from "./plan.ts";

export type PathPorts = Omit<SupervisorPorts, "readers" | "specHash" | "newMemory"> & { source: SourcePort };

export function openPath(
  settings: Pick<Settings, "maxSourceQueries" | "maxBufferedSamples" | "drainTimeout">,
  { source, ...ports }: PathPorts,
): { readers: Readers; supervisor: Supervisor } {
  const readers = new Readers(
    { maxQueries: settings.maxSourceQueries, maxBufferedSamples: settings.maxBufferedSamples },
    {
      clock: ports.clock,
      sourceNow: () => source.now(),
      sourceAheadMs: () => source.aheadMs(),
      probe: (signal) => source.probe(signal),
      readWindow: (...read) => source.readWindow(...read),
      newMemory: (query, floor) => source.newMemory(query, floor),
    },
  );
  const supervisor = new Supervisor(
    {
      ...ports,
      readers,
      specHash,
      newMemory: (query, blob, floor) =>
        blob === undefined ? source.newMemory(query, floor) : source.restore(query, blob, floor),
    },
    settings.drainTimeout,
  );
  return { readers, supervisor };
}
