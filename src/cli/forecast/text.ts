// A forecast for people, and as JSON. Pure.
import { printable, printableJson } from "../../platform/printable.ts";
import { bytes, count, counted, short } from "../../status/text/words.ts";
import type { Forecast, SourceForecast } from "./forecast.ts";

export function forecastText({ overSeconds, sources, sinks, intervals, difference, warnings }: Forecast): string {
  const lines = [`Nothing was sent. From the last ${count(overSeconds)} s of the source:`, "", "Sources"];
  for (const source of sources) lines.push(...sourceLines(source));
  lines.push("", "Sinks");
  for (const sink of sinks)
    lines.push(
      `  ${printable(sink.id)}`,
      `    ${short(sink.samplesPerSecond)} samples/s, ${short(sink.requestsPerMinute)} requests/min, ${bytes(sink.bytesPerSecond)}/s, ${counted(sink.activeSeries, "active series").replace(/seriess$/, "series")}`,
      `    batch: ${sink.batch}`,
      `    retry: ${sink.retry}`,
    );
  lines.push("", "All sinks, by --poll-interval");
  lines.push(
    `  ${"every".padEnd(8)}${"samples/s".padStart(11)}${"requests/min".padStart(14)}${"bytes/s".padStart(10)}${"queries/min".padStart(13)}`,
  );
  for (const i of intervals)
    lines.push(
      `  ${i.pollInterval.padEnd(8)}${short(i.samplesPerSecond).padStart(11)}${short(i.requestsPerMinute).padStart(14)}${bytes(i.bytesPerSecond).padStart(10)}${short(i.queriesPerMinute).padStart(13)}`,
    );
  if (difference !== undefined)
    lines.push(
      "",
      "Against the running agent",
      ...(difference.length === 0 ? ["  no difference"] : difference.map((d) => `  ${printable(d)}`)),
    );
  if (warnings.length > 0) lines.push("", "Warnings", ...warnings.map((w) => `  ${printable(w, 500)}`));
  return `${lines.join("\n")}\n`;
}

function sourceLines(source: SourceForecast): string[] {
  const head = `  ${printable(`${source.policy}, source ${source.name}`)} (${source.kind})`;
  if (!source.ok) return [head, `    cannot be read: ${printable(source.message, 500)}`];
  const { series, samplesPerSecond, newestAgeSeconds, labels } = source;
  const newest = newestAgeSeconds === null ? "no sample" : `newest sample ${newestAgeSeconds.toFixed(0)} s old`;
  return [
    head,
    `    ${count(series)} series, ${short(samplesPerSecond)} samples/s, ${newest}`,
    ...(labels.length === 0
      ? []
      : [
          `    widest labels: ${labels.map((l) => `${printable(l.name, 60)} (${counted(l.values, "value")})`).join(", ")}`,
        ]),
  ];
}

/** Version 1 of the document: fields may be added, none is renamed or removed. */
export const forecastJson = (forecast: Forecast): string => `${printableJson({ version: 1, ...forecast })}\n`;
