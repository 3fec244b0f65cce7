// The port to the source, as the agent, a replay and a rehearsal read it.
import type { Settings } from "../../config/settings.ts";
import type { HttpClient } from "../../http/http.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { type Seed, systemSeed } from "../../platform/random.ts";
import { SourcePort } from "../../reading/source-port.ts";
import type { StatusStore } from "../../status/store.ts";
import { version } from "../../version.ts";

/** A response that trickles must not hold one of the few places for queries indefinitely. */
const READ_MS = 300_000;

export const openSource = (
  settings: Settings & { sourceUrl: string },
  http: HttpClient,
  dispatch: StatusStore["dispatch"],
  clock: Clock = systemClock,
  seed: Seed = systemSeed(),
): SourcePort =>
  new SourcePort(
    {
      url: settings.sourceUrl,
      kind: settings.sourceKind,
      headers: { "user-agent": `outflow/${version}` },
      timeouts: { firstByteMs: 30_000, idleMs: 30_000, totalMs: READ_MS },
      maxWindowSamples: settings.maxWindowSamples,
      allowPartial: settings.allowPartial,
      auditMs: settings.auditInterval,
    },
    { clock, seed, http, dispatch },
  );
