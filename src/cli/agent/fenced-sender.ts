// A sink of a fleet sends only while this agent owns its policy.
import type { Sender } from "../../delivery/ports.ts";
import type { Permit } from "../../fleet/owned-shards.ts";
import { withAny } from "../../platform/signals.ts";

/**
 * Asks before each request; one that is in flight ends with the permit. A batch that may not be sent is broken off: it is given back when
 * the exporter ends, which follows at once.
 */
export function fencedSender(sender: Sender, permit: Permit | undefined): Sender {
  return {
    encode: (span) => sender.encode(span),
    doneWith: (body) => sender.doneWith?.(body),
    async post(body, signal) {
      const signals = permit === undefined ? [signal] : [signal, permit.signal];
      return withAny(signals, async (either) => {
        if (!permit?.holds()) await aborted(either);
        return sender.post(body, either);
      });
    },
    close: () => sender.close(),
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
