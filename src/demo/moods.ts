// How the demo's receiver answers, by path and second: each path shows one thing that can happen to a sink, all of them within a
// minute. Pure.

export type Mood = { status: number; headers?: Record<string, string>; text?: string; delayMs?: number };

const accepted: Mood = { status: 204 };
const SMALL_BYTES = 3_000;
/** What a receiver that has much to do after an outage takes. */
const SLOW_MS = 1_000;

/** Labels of the series that is refused, as they are encoded: length and text of name and value. */
const REFUSED = ["\x04code\x12\x03503", "\x08internal", "\x09us-east-1"];

/** @param series keys of the samples in the request, with the labels of their series */
export function moodOf(path: string, elapsedMs: number, bytes: number, series: readonly string[]): Mood {
  const during = (fromS: number, toS: number) => elapsedMs >= fromS * 1_000 && elapsedMs < toS * 1_000;
  switch (path.split("/")[1]) {
    case "flaky":
      if (during(8, 22)) return { status: 503, text: "the demo's receiver is down for maintenance\n" };
      return during(22, 50) ? { ...accepted, delayMs: SLOW_MS } : accepted;
    case "limited":
      if (elapsedMs % 5_000 >= 1_000) return accepted;
      return { status: 429, headers: { "retry-after": "1" }, text: "the demo's receiver limits the rate\n" };
    case "small":
      if (bytes <= SMALL_BYTES) return accepted;
      return { status: 413, text: `the demo's receiver accepts at most ${SMALL_BYTES} bytes\n` };
    case "picky": {
      const refused = during(10, 40) && series.some((labels) => REFUSED.every((label) => labels.includes(label)));
      return refused
        ? { status: 400, text: 'the demo\'s receiver does not accept code="503" of Gateway internal in us-east-1\n' }
        : accepted;
    }
    case "locked":
      if (!during(16, 34)) return accepted;
      return { status: 401, text: "the demo's receiver has forgotten the password\n" };
    default:
      return accepted;
  }
}
