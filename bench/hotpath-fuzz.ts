// Mutated responses, cut anywhere, through the WebAssembly module and through the JavaScript scanner: no difference in a million.
//   bun bench/hotpath-fuzz.ts [--cases 1000000] [--from 0]
import { parseArgs } from "node:util";
import { difference } from "../test/hotpath/differential.ts";

const { values } = parseArgs({
  options: { cases: { type: "string", default: "1000000" }, from: { type: "string", default: "0" } },
});
const from = Number(values.from);
const to = from + Number(values.cases);
for (let n = from; n < to; n++) {
  const found = difference(n);
  if (found !== undefined) {
    console.log(
      `case ${n} differs\n${found.bytes}\nwith the module    ${show(found.fast)}\nwithout the module ${show(found.slow)}`,
    );
    process.exit(1);
  }
  if ((n - from) % 50_000 === 49_999) console.log(`${n - from + 1} responses, no difference`);
}
console.log(`${to - from} responses, no difference`);

function show(value: unknown): string {
  return JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `0x${v.toString(16)}` : v));
}
