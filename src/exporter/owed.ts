// Small questions of an exporter about queries and events. Pure.
import type { Query } from "../reading/reader.ts";
import type { Event } from "../status/events.ts";

/** Both select the same samples and give them the same labels. */
export const sameSeries = (a: Query, b: Query): boolean =>
  a.kind === b.kind &&
  a.sent === b.sent &&
  a.lateWindowMs === b.lateWindowMs &&
  JSON.stringify(a.labels) === JSON.stringify(b.labels);

/** What an event adds to the samples that a sink has yet to settle. */
export function owed(event: Event): number {
  switch (event.type) {
    case "window-read":
      return event.read - Object.values(event.dropped).reduce((a, b) => a + b, 0);
    case "attempt-ended":
      return event.result.kind === "delivered" ? -event.samples : 0;
    case "dropped":
    case "returned":
      return -event.samples;
    default:
      return 0;
  }
}
