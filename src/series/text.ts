// A series as people write it: name{label="value"}. Not on the hot path; the caller makes it printable.
import type { Label } from "./labels.ts";

export function seriesText(labels: readonly Label[]): string {
  const name = labels.find(([n]) => n === "__name__")?.[1] ?? "";
  const rest = labels.filter(([n]) => n !== "__name__").map(([n, value]) => `${n}=${JSON.stringify(value)}`);
  return rest.length === 0 && name !== "" ? name : `${name}{${rest.join(", ")}}`;
}
