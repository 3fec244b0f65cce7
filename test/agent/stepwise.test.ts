// Loads in steps: the last load is what runs in the end, whatever comes in between, and nothing starts that was handed over or lost.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Stepwise } from "../../src/cli/agent/stepwise.ts";
import type { LoadResult, Policy } from "../../src/policy/policy.ts";

const named = (name: string, version: number): Policy =>
  ({ namespace: "n", name, uid: name, version, sinks: [{}, {}] }) as never as Policy;
const load = (policies: readonly Policy[]): LoadResult => ({ policies: [...policies], problems: [], files: [] });

/** A supervisor, and turns of the event loop that come when they are told to. */
function start() {
  const applied: LoadResult[] = [];
  const turns: (() => void)[] = [];
  const steps = new Stepwise(
    (loaded) => applied.push(loaded),
    () => new Promise((done) => turns.push(done)),
  );
  /** False: nothing waits for a turn. */
  const turn = async (): Promise<boolean> => {
    const next = turns.shift();
    next?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return next !== undefined;
  };
  return { applied, steps, turn };
}

describe("a load in steps", () => {
  test("a few sinks are one step, done at once", () => {
    const { applied, steps } = start();
    const loaded = load([named("a", 0), named("b", 0)]);
    void steps.apply(loaded);
    assert.deepEqual(applied, [loaded]);
  });

  test("many are several, each after a turn of the event loop", async () => {
    const { applied, steps, turn } = start();
    const loaded = load(Array.from({ length: 10 }, (_, i) => named(`p${i}`, 0)));
    let done = false;
    void steps.apply(loaded).then(() => {
      done = true;
    });
    assert.deepEqual([applied.length, applied[0]!.policies.length, applied[0]!.partial], [1, 2, true]);
    await turn();
    assert.equal(done, false);
    while (await turn());
    assert.equal(done, true);
    assert.deepEqual(
      applied.map(({ policies }) => policies.length),
      [2, 4, 6, 8, 10],
    );
    assert.equal(applied.at(-1), loaded);
  });

  test("whatever is loaded, handed over and lost in between: the last load runs, and nothing that left starts before it is loaded again", async () => {
    const change = fc.oneof(
      fc.record({ load: fc.dictionary(fc.constantFrom(..."abcdefgh"), fc.nat(2)) }),
      fc.record({ leave: fc.constantFrom(..."abcdefgh") }),
      fc.record({ turns: fc.integer({ min: 1, max: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const { applied, steps, turn } = start();
        const versions = new Map<string, Policy>();
        let wanted: Policy[] = [];
        const gone = new Set<string>();
        let looked = 0;
        const look = () => {
          for (; looked < applied.length; looked++)
            for (const { name } of applied[looked]!.policies) assert.ok(!gone.has(name), `${name} has left`);
        };
        for (const it of changes) {
          if ("load" in it) {
            wanted = Object.keys(it.load)
              .sort()
              .map((name) => {
                const key = `${name} ${it.load[name]}`;
                versions.set(key, versions.get(key) ?? named(name, it.load[name]!));
                return versions.get(key)!;
              });
            gone.clear();
            void steps.apply(load(wanted));
          } else if ("leave" in it) {
            gone.add(it.leave);
            wanted = wanted.filter(({ name }) => name !== it.leave);
            steps.leave((policy) => policy === `n/${it.leave}`);
          } else for (let i = 0; i < it.turns; i++) await turn();
          look();
        }
        while (await turn());
        look();
        const last = applied.at(-1);
        // What left after the last step was ended by the supervisor itself.
        assert.deepEqual(last?.policies.filter(({ name }) => !gone.has(name)) ?? [], wanted);
        assert.equal(last?.partial, undefined);
      }),
    );
  });
});
