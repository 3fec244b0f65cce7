// An HTTP client that keeps what its last request met: what the agent's own code does with a response (judge it, discard it) is not all
// that a diagnosis wants to know of it. Bounds every wait.
import type { HttpAnswer, HttpClient, HttpFailure } from "../../http/http.ts";

export type Met = {
  /** Headers of the request: they hold credentials, for further requests to the same server. */
  sent: Record<string, string>;
} & (
  | { ok: true; status: number; headers: Record<string, string>; atMs: number; text: string }
  | { ok: false; failure: HttpFailure }
);

const TEXT_BYTES = 4096;

/** `now`: the wall clock, ms. `last()`: undefined before the first response. */
export function recording(
  http: HttpClient,
  timeoutMs: number,
  now: () => number,
): { http: HttpClient; last(): Met | undefined } {
  let met: Met | undefined;
  return {
    last: () => met,
    http: {
      ...http,
      async request(r) {
        const { firstByteMs, idleMs, totalMs = timeoutMs } = r.timeouts;
        const timeouts = {
          firstByteMs: Math.min(firstByteMs, timeoutMs),
          idleMs: Math.min(idleMs, timeoutMs),
          totalMs: Math.min(totalMs, 2 * timeoutMs),
        };
        const asked = await http.request({ ...r, timeouts });
        if (!asked.ok) {
          met = { sent: r.headers, ok: false, failure: asked.failure };
          return asked;
        }
        const { answer } = asked;
        const { status, headers } = answer;
        const seen = { sent: r.headers, ok: true as const, status, headers, atMs: now(), text: "" };
        met = seen;
        const kept: HttpAnswer = {
          status,
          headers,
          body: answer.body,
          get cut() {
            return answer.cut;
          },
          async text(limit) {
            const text = await answer.text(limit);
            seen.text = text.slice(0, TEXT_BYTES);
            return text;
          },
          async discard() {
            seen.text = await answer.text(TEXT_BYTES);
          },
        };
        return { ...asked, answer: kept };
      },
    },
  };
}
