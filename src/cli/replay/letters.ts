// outflow replay --dead-letters: every file of the chosen sinks' folders is delivered, and removed once all of it was taken.

import { letterFiles } from "../../deadletter/folder.ts";
import { claim, delivered, readLetters } from "../../deadletter/reading.ts";
import { ReplaySink, type ReplaySinkPorts } from "../../delivery/replay-sink.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { EpochMs } from "../../platform/clock.ts";
import type { NameEscaping } from "../../series/names.ts";

export type LettersPorts = Omit<ReplaySinkPorts, "settled"> & {
  /** Samples of the sink that were dropped so far. */
  dropped(): number;
  progress(samples: number, done: number): void;
  say(line: string): void;
};

export async function replayLetters(
  plan: SinkPlan,
  folder: string,
  options: { maxRate: number | undefined; dryRun: boolean; escaping: NameEscaping },
  signal: AbortSignal,
  ports: LettersPorts,
): Promise<{ ok: true; kept: number } | { ok: false; why: string }> {
  const files = letterFiles(folder);
  let number = 0;
  let kept = 0;
  for (const [i, found] of files.entries()) {
    const name = options.dryRun ? found : claim(folder, found, String(process.pid));
    const letters = readLetters(folder, name, options.escaping);
    const { frame } = letters;
    const startedMs = ports.clock.monotonicMs();
    ports.dispatch({
      type: "window-read",
      at: ports.clock.now(),
      id: plan.info.id,
      source: name,
      from: frame.from as EpochMs,
      to: frame.to,
      read: frame.samples + letters.illegal,
      series: frame.runs,
      bytes: 0,
      durationMs: ports.clock.monotonicMs() - startedMs,
      sourceNow: ports.clock.now(),
      dropped: letters.illegal > 0 ? { invalid_labels: letters.illegal } : {},
    });
    ports.progress(frame.samples, (i + 1) / files.length);
    if (options.dryRun) continue;
    const before = ports.dropped();
    const sink = new ReplaySink(plan, options.maxRate, signal, { ...ports, settled: () => {} });
    const sent = (await sink.offer(frame, number++)) && (await sink.flush());
    sink.close();
    if (!sent) return { ok: false, why: sink.why ?? "It was stopped." };
    const lost = ports.dropped() - before;
    if (lost > 0 || letters.broken > 0 || letters.illegal > 0) {
      kept++;
      ports.say(`${name} is kept: ${trouble(lost, letters)}.`);
    } else {
      if (letters.torn) ports.say(`${name}: its end was never written; everything before it is delivered.`);
      delivered(folder, name, new Date(ports.clock.now()).toISOString());
    }
  }
  return { ok: true, kept };
}

function trouble(lost: number, { broken, illegal }: { broken: number; illegal: number }): string {
  return [
    ...(lost > 0 ? [`${lost} samples were refused`] : []),
    ...(illegal > 0 ? [`${illegal} samples have labels that are not legal`] : []),
    ...(broken > 0 ? [`${broken} lines cannot be read`] : []),
  ].join(", ");
}
