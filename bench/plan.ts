// How well `outflow plan` forecasts what a following run of five minutes sends: samples and bytes, raw and evaluated, at polls of 15 s and
// 60 s, on real servers. Exit 1 where it is off by more than 5 %. Takes eight minutes and hardly any CPU.
//   bun bench/plan.ts [--minutes 5] [--instances 100]
import { parseArgs } from "node:util";
import { forecastAgainstRun } from "../test/servers/forecasted.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, instances: { type: "string", default: "100" } },
});
const WITHIN = 0.05;
const runMs = Number(values.minutes) * 60_000;
const { compared, text } = await forecastAgainstRun({
  polls: ["15s", "60s"],
  overMs: 300_000,
  runMs,
  instances: Number(values.instances),
});
console.log(text);
for (const { poll, sink, what, forecast, sent, off } of compared)
  console.log(
    `${poll} ${sink.padEnd(9)} ${what.padEnd(7)} forecast ${forecast}, sent ${sent}: off by ${(off * 100).toFixed(2)} %`,
  );
process.exit(compared.some(({ off }) => off > WITHIN) ? 1 : 0);
