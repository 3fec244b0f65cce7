// Looks closer at connections that fail, so that an explanation can show the certificate and the addresses of a name: once when a sink
// begins to fail for such a reason, and every ten minutes while it does. One look at a time for each sink; nothing waits for it.

import type { Evidence } from "../../http/http.ts";
import type { Clock } from "../../platform/clock.ts";
import { printable } from "../../platform/printable.ts";
import type { FailureReason, SinkId } from "../../status/events.ts";
import { sinkOf } from "../../status/sinks.ts";
import type { StatusStore } from "../../status/store.ts";

const AGAIN_MS = 600_000;
const COLUMNS = 500;

const looksAt: Partial<Record<FailureReason, Evidence>> = {
  TLSFailure: "certificate",
  EndpointUnreachable: "name",
  Timeout: "name",
};

/** Takes the route of the request that failed. */
type Look = (url: string, what: Evidence) => Promise<string>;

export function gatherEvidence(store: StatusStore, clock: Clock, look: Look): void {
  const looked = new Map<SinkId, { reason: FailureReason; atMs: number }>();
  store.subscribe((event) => {
    if (event.type === "sink-forgotten") looked.delete(event.id);
    if (event.type !== "attempt-ended") return;
    const { id, result } = event;
    if (result.kind === "delivered") return void looked.delete(id);
    const what = looksAt[result.reason];
    const before = looked.get(id);
    const nowMs = clock.monotonicMs();
    if (what === undefined || (before?.reason === result.reason && nowMs - before.atMs < AGAIN_MS)) return;
    looked.set(id, { reason: result.reason, atMs: nowMs });
    const endpoint = sinkOf(store.snapshot, id)?.info.endpoint;
    if (endpoint === undefined || !URL.canParse(endpoint)) return;
    void look(endpoint, what).then((text) => {
      if (text !== "")
        store.dispatch({
          type: "evidence",
          at: clock.now(),
          id,
          reason: result.reason,
          text: printable(text, COLUMNS),
        });
    });
  });
}
