// How late data is at the sink: from the source's acknowledgement of a sample to the sink's of the same sample, in real time, with the
// compiled binary between a real VictoriaMetrics and a receiver that notes when each timestamp arrived.
//   bun bench/delay.ts [--series 1000] [--every 5s] [--poll 5s] [--warm 300s] [--for 120s] [--settle auto]
// After --warm (--settle auto learns) each round of samples is timed until its last series is there. Needs `npm run build`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";
import { startReceiver } from "../test/fakes/receiver.ts";
import { row } from "../test/servers/contents.ts";
import { startVictoriaMetrics } from "../test/servers/servers.ts";
import { start, stop } from "./load/child.ts";
import { versionOf } from "./load/programs.ts";
import { senders } from "./load/senders.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "1000" },
    every: { type: "string", default: "5s" },
    poll: { type: "string", default: "5s" },
    warm: { type: "string", default: "300s" },
    for: { type: "string", default: "120s" },
    settle: { type: "string", default: "auto" },
  },
});
const ms = (text: string): number => parseDuration(text) ?? Number.NaN;
const series = Number(values.series);
const dir = mkdtempSync(join(tmpdir(), "outflow-bench-delay-"));
const source = await startVictoriaMetrics();
const receiver = await startReceiver();
/** By timestamp of a round: acknowledged at the source; series that are missing at the sink; when the last of them came. */
const rounds = new Map<number, { writtenMs: number; missing: number; thereMs?: number }>();
let looked = 0;
function look(): void {
  for (const { at, series: all } of receiver.requests.slice(looked).map((r) => ({ at: r.at, series: r.series }))) {
    looked++;
    for (const { samples } of all)
      for (const { ts } of samples) {
        const round = rounds.get(ts);
        if (round !== undefined && --round.missing === 0) round.thereMs = at;
      }
  }
}
const [program, args] = senders.outflow!.command({
  dir,
  sourceUrl: source.url,
  writeUrl: receiver.writeUrl,
  selector: '{job="fleet"}',
  intervalMs: ms(values.poll),
  batch: 500,
  peerBatch: undefined,
  outflow: [`--settle=${values.settle}`],
});
const child = start(program, args);
child.stdout!.resume();
const startedMs = performance.now();
const endMs = startedMs + ms(values.warm) + ms(values.for);
for (let n = 0; performance.now() < endMs; n++) {
  const now = Date.now();
  await source.import(Array.from({ length: series }, (_, i) => row("m", { i: String(i) }, [[now, n]])));
  if (performance.now() > startedMs + ms(values.warm))
    rounds.set(now, { writtenMs: performance.now(), missing: series });
  await Bun.sleep(Math.max(0, now + ms(values.every) - Date.now()));
}
await Bun.sleep(ms(values.poll) + 15_000);
look();
await stop(child);
const delays = [...rounds.values()]
  .flatMap(({ writtenMs, thereMs }) => (thereMs === undefined ? [] : [(thereMs - writtenMs) / 1000]))
  .sort((a, b) => a - b);
const at = (share: number) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]?.toFixed(1);
console.log(versionOf("victoria-metrics", ["--version"]));
console.log(
  `${series} series every ${values.every}, polls of ${values.poll}, settle ${values.settle}: ${delays.length} of ${rounds.size} rounds complete; delay median ${at(0.5)} s, 90 % ${at(0.9)} s, worst ${at(1)} s`,
);
await Promise.all([source.remove(), receiver.close()]);
rmSync(dir, { recursive: true, force: true });
process.exit(delays.length === rounds.size ? 0 : 1);
