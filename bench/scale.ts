// How cost grows with the number of series: windows back to back from a source that costs nearly nothing to a receiver that decodes,
// for 1,000 to a million series. What a sample costs should not grow, nor what a series takes in memory.
//   bun bench/scale.ts [--series 1000,10000,100000,1000000] [--seconds 10] [--batch 500]
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "1000,10000,100000,1000000" },
    seconds: { type: "string", default: "10" },
    batch: { type: "string", default: "500" },
  },
});
for (const series of values.series.split(","))
  process.stdout.write(
    execFileSync(
      process.execPath,
      [resolve(import.meta.dirname, "throughput.ts"), "--series", series, "--seconds", values.seconds].concat([
        "--batch",
        values.batch,
      ]),
      { encoding: "utf8" },
    ),
  );
