// Samples as JSON lines in VictoriaMetrics' import format, and back, bit for bit. Pure.
//   {"metric":{"__name__":"up","job":"x"},"values":[1,0.5],"timestamps":[1795571413000,1795571428000]}
// A series' ordinary values are one line; its stale markers (null, as VictoriaMetrics exports them) and its infinities and NaNs
// ("Infinity", "-Infinity", "NaN") are lines of their own: a server that does not take those refuses that line, not the series.
import { Buffer } from "node:buffer";
import type { Span } from "../batch/batch.ts";
import type { FrameBuilder } from "../series/frame-builder.ts";
import type { Keyspace } from "../series/keyspace.ts";

type Line = { values: string[]; timestamps: string[] };
const empty = (): Line => ({ values: [], timestamps: [] });

export function toLines(spans: readonly Span[]): string {
  let text = "";
  for (const { frame, firstRun, endRun, firstSample, endSample } of spans) {
    for (let run = firstRun; run < endRun; run++) {
      const from = Math.max(firstSample, frame.runStart[run]!);
      const to = Math.min(endSample, frame.runStart[run + 1]!);
      const ordinary = empty();
      const stale = empty();
      const special = empty();
      for (let i = from; i < to; i++) {
        const value = frame.values[i]!;
        const line = frame.stale[i] === 1 ? stale : Number.isFinite(value) ? ordinary : special;
        line.values.push(line === stale ? "null" : line === special ? `"${value}"` : numberText(value));
        line.timestamps.push(String(frame.timestamps[i]!));
      }
      const metric = JSON.stringify(Object.fromEntries(frame.table.labels(frame.runSeries[run]!)));
      for (const { values, timestamps } of [ordinary, stale, special])
        if (values.length > 0) text += `{"metric":${metric},"values":[${values}],"timestamps":[${timestamps}]}\n`;
    }
  }
  return text;
}

/** The shortest text that reads back as the same double. */
const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

const SPECIAL: Record<string, number> = {
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
};

/** Adds a line's samples; returns how many. Throws SyntaxError, before anything was added, where the line is not one of these. */
export function addLine(line: string, keyspace: Keyspace, builder: FrameBuilder): { samples: number; legal: boolean } {
  const { metric, values, timestamps } = JSON.parse(line) as Record<string, unknown>;
  if (typeof metric !== "object" || metric === null || !Array.isArray(values) || !Array.isArray(timestamps))
    throw new SyntaxError("no metric, values and timestamps");
  if (values.length !== timestamps.length) throw new SyntaxError("values and timestamps differ in number");
  const numbers = values.map(numberOf);
  if (timestamps.some((ts) => !Number.isSafeInteger(ts)))
    throw new SyntaxError("a timestamp is not a whole number of ms");
  const key = Buffer.from(JSON.stringify(metric));
  const series = keyspace.lookup(key, 0, key.length);
  if (series < 0) return { samples: values.length, legal: false };
  builder.startRun(series);
  numbers.forEach((value, i) => {
    builder.add(timestamps[i] as number, value ?? Number.NaN, value === undefined);
  });
  return { samples: values.length, legal: true };
}

/** Undefined: a stale marker. */
function numberOf(value: unknown): number | undefined {
  if (value === null) return undefined;
  if (typeof value === "number") return value;
  const special = typeof value === "string" ? SPECIAL[value] : undefined;
  if (special === undefined) throw new SyntaxError("a value is not a number");
  return special;
}
