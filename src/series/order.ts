// The order of sending: like series next to each other, so that they compress well, and the same for the same series whatever order the
// source answers in and however often the agent was restarted. It depends on nothing but the labels of two series. This is what it is;
// hotpath/assembly/order.ts keeps it.
import { encodeBlock } from "./block.ts";
import type { Label } from "./labels.ts";

/** Labels that tell the parts of one histogram or summary apart: compared behind all others, only the metric's name comes later. */
const isPart = (name: string): boolean => name === "le" || name === "quantile" || name === "vmrange";

/**
 * What two series are ordered by, as bytes: their encoded labels, then those of isPart(), then the name, a zero behind each of the
 * three. Encoded labels begin with their length, so numbers with equally many digits stand together.
 */
export function sendingKey(labels: readonly Label[]): Uint8Array {
  const turn = ([name]: Label): number => (name === "__name__" ? 2 : isPart(name) ? 1 : 0);
  return Uint8Array.from(
    [0, 1, 2].flatMap((now) => [...encodeBlock(labels.filter((label) => turn(label) === now)), 0]),
  );
}
