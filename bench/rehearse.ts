// How well `outflow rehearse` foretells: an outage (with hold and with drop), 401, 413 and a restart, rehearsed, and then happening to the
// compiled binary between real servers, in real time. Exit 1 where they are more than 10 % apart. All faults at the same time.
//   bun bench/rehearse.ts [--minutes 5] [--series 100] [--every 5] [--poll 15] [--sinks 8]
import { parseArgs } from "node:util";
import { type Fault, faults, offBy, rehearsedAndReal, type Went } from "../test/servers/rehearsed.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    series: { type: "string", default: "100" },
    every: { type: "string", default: "5" },
    poll: { type: "string", default: "15" },
    sinks: { type: "string", default: "8" },
  },
});
const WITHIN = 0.1;
const compared = await rehearsedAndReal(Object.keys(faults) as Fault[], {
  sinks: Number(values.sinks),
  series: Number(values.series),
  everyMs: Number(values.every) * 1000,
  pollMs: Number(values.poll) * 1000,
  faultMs: Number(values.minutes) * 60_000,
  catchesUp: true,
});
/** Neither ends at the same poll: what grows with time is compared for each sample that was stored. */
const shownOf = ({ requests, delivered, ...went }: Went) => ({
  "requests/1,000": (requests * 1000) / delivered,
  ...went,
});
let worst = 0;
for (const { fault, rehearsed, real } of compared) {
  const [said, was] = [shownOf(rehearsed), shownOf(real)];
  for (const what of Object.keys(was) as (keyof typeof was)[]) {
    const off = offBy(said[what], was[what]);
    worst = Math.max(worst, off);
    const shown = [said[what], was[what]].map((n) => n.toFixed(1).padStart(9)).join("");
    console.log(`${fault.padEnd(14)}${what.padEnd(20)}${shown}  off by ${(off * 100).toFixed(1)} %`);
  }
}
process.exit(worst > WITHIN ? 1 : 0);
