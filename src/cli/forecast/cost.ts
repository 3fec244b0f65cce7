// What a sink will cost: the surveyed samples go through the batcher and the encoder of the agent, window by window, at the times at which
// they would arrive. Pure but for `breathe`, which lets others run.
import { samplesOf } from "../../batch/batch.ts";
import { Batcher } from "../../batch/batcher.ts";
import type { Delays } from "../../reading/delays.ts";
import type { Query } from "../../reading/reader.ts";
import { encodeBody } from "../../remotewrite/encode.ts";
import { FrameBuilder } from "../../series/frame-builder.ts";
import type { Window } from "../../source/window.ts";
import { cut, type Survey } from "./survey.ts";

export type Cost = {
  samplesPerSecond: number;
  requestsPerMinute: number;
  /** Bytes of request bodies, compressed. */
  bytesPerSecond: number;
  /** Series that had a sample. */
  activeSeries: number;
};

export type Surveyed = { query: Query; survey: Extract<Survey, { ok: true }> };

export async function costOf(
  sources: readonly Surveyed[],
  batch: { maxSize: number; timeoutMs: number },
  delays: Delays,
  breathe: () => Promise<void>,
): Promise<Cost> {
  if (sources.length === 0) return { samplesPerSecond: 0, requestsPerMinute: 0, bytesPerSecond: 0, activeSeries: 0 };
  const spanMs = Math.min(...sources.map(({ survey }) => survey.window.to - survey.window.from));
  const arrivals = sources
    .flatMap(({ query, survey }) =>
      windowsOf(survey.window, query.intervalMs, spanMs).map((window) => ({
        window,
        frame: survey.frame,
        atMs: window.to + delays.of(query),
      })),
    )
    .sort((a, b) => a.atMs - b.atMs);
  const batcher = new Batcher(batch.maxSize);
  const builder = new FrameBuilder();
  const active = new Set<number>();
  const sum = { samples: 0, requests: 0, bytes: 0 };
  const send = async (sealed: ReturnType<Batcher["flush"]>) => {
    if (sealed === undefined) return;
    sum.samples += samplesOf(sealed);
    sum.requests++;
    sum.bytes += encodeBody(sealed).length;
    await breathe();
  };
  for (const [i, { window, frame, atMs }] of arrivals.entries()) {
    const opened = batcher.openedAtMs;
    if (opened !== undefined && opened + batch.timeoutMs <= atMs) await send(batcher.flush());
    const part = cut(frame, window, builder);
    for (let run = 0; run < part.runs; run++) active.add(part.runSeries[run]!);
    for (const full of batcher.add(part, i, atMs)) await send(full);
    await breathe();
  }
  await send(batcher.flush());
  return {
    samplesPerSecond: (sum.samples * 1000) / spanMs,
    requestsPerMinute: (sum.requests * 60_000) / spanMs,
    bytesPerSecond: (sum.bytes * 1000) / spanMs,
    activeSeries: active.size,
  };
}

/** Back from the end, one interval each; the first one is shorter where the span is not a multiple. */
function windowsOf({ to }: Window, intervalMs: number, spanMs: number): Window[] {
  const windows: Window[] = [];
  for (let end = to; end > to - spanMs; end -= intervalMs)
    windows.push({ from: Math.max(to - spanMs, end - intervalMs), to: end });
  return windows;
}

export const sumOf = (costs: readonly Cost[]): Cost =>
  costs.reduce(
    (a, b) => ({
      samplesPerSecond: a.samplesPerSecond + b.samplesPerSecond,
      requestsPerMinute: a.requestsPerMinute + b.requestsPerMinute,
      bytesPerSecond: a.bytesPerSecond + b.bytesPerSecond,
      activeSeries: a.activeSeries + b.activeSeries,
    }),
    { samplesPerSecond: 0, requestsPerMinute: 0, bytesPerSecond: 0, activeSeries: 0 },
  );
