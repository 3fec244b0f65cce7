// bun bench/metricsql-fuzz.ts [--n 200000] [--seed 1]: random and mutated queries through check(), prettify() and enforce().
// Nothing but MetricsQLError may be thrown, every text may take 50 ms, a safe text must read back, enforcing twice must change
// nothing. Ends with 1 if one of these does not hold. A slow text is tried again: a pause of the machine is not its fault.
import { parseArgs } from "node:util";
import fc from "fast-check";
import {
  check,
  enforce,
  equal,
  type LabelFilter,
  MetricsQLError,
  parse,
  prettify,
  toSafeString,
} from "../src/metricsql/mod.ts";
import { anything } from "../test/metricsql/arbitrary.ts";

const { values } = parseArgs({
  options: { n: { type: "string", default: "200000" }, seed: { type: "string", default: "1" } },
});
const total = Number(values.n);
const MAX_MS = 50;
const FILTERS: LabelFilter[] = [{ label: "project", op: "=", value: "p1" }];

type Outcome = "valid" | "refused" | "enforcement refused";

function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (e instanceof MetricsQLError) return undefined;
    throw e;
  }
}

/** Throws if a promise of the library does not hold. */
function tryAll(query: string): Outcome {
  const c = check(query);
  attempt(() => prettify(query));
  if (!c.ok) return "refused";
  if (!equal(parse(toSafeString(c.expr)), c.expr)) throw new Error("the safe text does not read back");
  const once = attempt(() => enforce(query, FILTERS));
  if (once === undefined) return "enforcement refused";
  if (enforce(once.query, FILTERS).query !== once.query) throw new Error("enforcing twice changes something");
  return "valid";
}

function timed(query: string): { ms: number; outcome: Outcome } {
  const start = performance.now();
  const outcome = tryAll(query);
  return { ms: performance.now() - start, outcome };
}

const counts: Record<Outcome, number> = { valid: 0, refused: 0, "enforcement refused": 0 };
const bad: { query: string; why: string }[] = [];
let slowest = { ms: 0, query: "" };
let sum = 0;
const CHUNK = 5_000;
for (let done = 0; done < total; done += CHUNK)
  for (const query of fc.sample(anything, {
    numRuns: Math.min(CHUNK, total - done),
    seed: Number(values.seed) + done,
  })) {
    try {
      const first = timed(query);
      counts[first.outcome]++;
      sum += first.ms;
      const ms = first.ms < MAX_MS / 2 ? first.ms : Math.min(first.ms, timed(query).ms, timed(query).ms);
      if (ms > slowest.ms) slowest = { ms, query };
      if (ms > MAX_MS) bad.push({ query, why: `${ms.toFixed(1)} ms` });
    } catch (e) {
      bad.push({ query, why: e instanceof Error ? (e.stack ?? e.message) : String(e) });
    }
  }

console.log(`${total} texts (seed ${values.seed}), ${sum.toFixed(0)} ms in all: ${JSON.stringify(counts)}`);
console.log(`slowest: ${slowest.ms.toFixed(2)} ms for ${JSON.stringify(slowest.query.slice(0, 200))}`);
for (const { query, why } of bad.slice(0, 20)) console.log(`BAD ${JSON.stringify(query)}: ${why}`);
console.log(`${bad.length} bad`);
process.exit(bad.length > 0 ? 1 : 0);
