// An agent in which every text that comes from outside is markup that would run.
import { sinkInfo } from "../../status/scenes.ts";
import { Served } from "../agent.ts";

export const PLANTED = `<script>planted=1</script><img src=x onerror="planted=2">'"&amp;`;
export const PLANTED_ID = "default/edge/<b onclick=planted=3>";

export function planted(): Served {
  const served = new Served().load();
  const source = { name: PLANTED, query: `{a="${PLANTED}"}`, kind: "raw" as const };
  const sink = { ...sinkInfo(PLANTED_ID), endpoint: `https://${PLANTED}/`, sources: [source] };
  const id = PLANTED_ID;
  served.event({
    type: "policies-loaded",
    policies: [{ id: "default/edge", generation: 1, file: PLANTED, sinks: ["default/edge/cloud", id] }],
    problems: [{ severity: "problem", file: PLANTED, line: 1, column: 1, path: PLANTED, message: PLANTED }],
    files: 1,
    ok: false,
  });
  served.event({ type: "sink-started", sink });
  served.event({ type: "source-failed", reason: "SourceUnavailable", message: PLANTED });
  served.event({ type: "state-store", state: "memory", message: PLANTED });
  served.event({ type: "log-output", state: "failing", message: PLANTED });
  const failure = { kind: "network", message: PLANTED, since: served.now };
  served.event({ type: "cluster", server: `https://${PLANTED}`, failure });
  const result = { kind: "failed", reason: "SamplesRejected", status: 400, message: PLANTED } as const;
  const attempt = { id, attempt: 1, maxAttempts: 3, samples: 9, bytes: 99, durationMs: 1, inFlight: 0 };
  served.event({ type: "attempt-ended", ...attempt, result });
  served.event({ type: "evidence", id, reason: "SamplesRejected", text: PLANTED });
  served.event({ type: "series-rejected", id, series: PLANTED, samples: 1, message: PLANTED });
  const since = served.now;
  const { reason, message } = result;
  return served.event({ type: "holding", id, since, probeAt: since + 60_000, reason, message });
}
