// What is said when a sink is gone from its policy: where it stood, and who may have taken its place. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { SinkId, SinkInfo } from "../status/events.ts";
import { instant } from "../status/text/words.ts";

/** The new sink that looks like the one that went, under another name: same sources to the same endpoint. */
export function successorOf(gone: SinkInfo, fresh: readonly SinkInfo[]): SinkId | undefined {
  const queries = (info: SinkInfo) => JSON.stringify(info.sources.map((s) => s.query).sort());
  return fresh.find((info) => info.endpoint === gone.endpoint && queries(info) === queries(gone))?.id;
}

/** Undefined: it never got anywhere. */
export function removalReport(
  id: SinkId,
  stood: readonly { source: string; cursor: EpochMs | undefined }[],
  successor: SinkId | undefined,
): string | undefined {
  const known = stood.flatMap(({ source, cursor }) =>
    cursor === undefined ? [] : [`${source} at ${instant(cursor)}`],
  );
  if (known.length === 0) return undefined;
  const renamed =
    successor === undefined
      ? ""
      : ` ${successor} looks like the same sink under another name: a new name has no cursor. If data is missing, set the annotation outflow/start of its policy to the time since then, or use outflow replay.`;
  return `${id} was removed. Its cursors: ${known.join(", ")}. They are kept for 24 hours: a sink with the same name continues from there.${renamed}`;
}
