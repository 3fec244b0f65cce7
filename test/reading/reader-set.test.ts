// What is known of all readers without asking them: which queries there are, and how much is in memory.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Buffered } from "../../src/reading/buffered.ts";
import type { Reader } from "../../src/reading/reader.ts";
import { ReaderSet } from "../../src/reading/reader-set.ts";
import type { Subscriber } from "../../src/reading/subscription.ts";

describe("a set of readers", () => {
  const subscribers = Array.from({ length: 6 }, (_, i) => ({ id: `s${i}` }) as Subscriber);
  const memory = { equals: () => true } as never as Reader<Subscriber>["memory"];
  const reader = (key: string, read: number, subscriber: Subscriber) =>
    ({
      query: { lateWindowMs: 0 },
      key,
      read,
      memory,
      ends: [],
      leaps: [],
      busy: false,
      members: new Set([subscriber]),
    }) as never as Reader<Subscriber>;

  test("knows its queries, whatever comes, merges, splits and goes", () => {
    const step = fc.record({
      what: fc.constantFrom("put", "remove", "move", "split"),
      which: fc.nat(subscribers.length - 1),
      key: fc.constantFrom("a", "b", "c"),
      read: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (all) => {
        const set = new ReaderSet();
        for (const { what, which, key, read } of all) {
          const subscriber = subscribers[which]!;
          const at = set.of(subscriber);
          if (what === "put") {
            set.remove(subscriber);
            set.put(reader(key, read, subscriber), () => 0);
          } else if (what === "remove") set.remove(subscriber);
          else if (at !== undefined && what === "move") {
            at.read = read;
            set.moved(at, () => 0);
          } else if (at !== undefined) set.splitOff(at, (other) => other === subscriber);
          const keys = new Set([...set].map((r) => r.key));
          assert.equal(set.keys.size, keys.size);
          for (const name of ["a", "b", "c"]) assert.equal(set.keys.has(name), keys.has(name));
        }
      }),
    );
  });

  test("what one of them knows of a leap of the source's clock, both know", () => {
    const [one, two] = subscribers as [Subscriber, Subscriber];
    const base = { from: 100, offset: 0 };
    const leap = { from: 150, offset: 60_000 };
    for (const [first, second] of [
      [[base, leap], [leap]],
      [[leap], [base, leap]],
    ] as const) {
      const set = new ReaderSet();
      set.put({ ...reader("a", 200, one), leaps: first }, () => 0);
      set.put({ ...reader("a", 200, two), leaps: second }, () => 0);
      assert.deepEqual(set.of(one)?.leaps, [base, leap]);
      assert.equal(set.of(two), set.of(one));
    }
  });

  test("those that remember other samples of the time that reads look back to stay apart", () => {
    const [one, two] = subscribers as [Subscriber, Subscriber];
    for (const [farthest, readers] of [
      [150, 1],
      [50, 2],
    ] as const) {
      const set = new ReaderSet();
      const differsBefore100 = { equals: (_: unknown, from: number) => from >= 100 } as never as typeof memory;
      set.put({ ...reader("a", 200, one), memory: differsBefore100 }, () => farthest);
      set.put({ ...reader("a", 200, two), memory: differsBefore100 }, () => farthest);
      assert.equal([...set].length, readers);
    }
  });
});

describe("what is in memory", () => {
  const LIMIT = 1_000;

  test("is never more than the limit by what fits, but what an empty memory takes", () => {
    const step = fc.record({ expected: fc.nat(300), brings: fc.nat(300), leaves: fc.nat(600) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (all) => {
        const buffered = new Buffered(LIMIT);
        let held = 0;
        for (const { expected, brings, leaves } of all) {
          held = Math.max(0, held - leaves);
          buffered.countFor(expected, () => held);
          const fits = buffered.fits(expected);
          assert.equal(fits, held === 0 || held + expected <= LIMIT);
          if (!fits) continue;
          buffered.started(expected);
          buffered.ended(expected, brings);
          held += brings;
        }
      }),
    );
  });

  test("is counted only where half of the limit may be reached", () => {
    let counted = 0;
    const large = new Buffered(100_000);
    for (let i = 0; i < 1_000; i++) {
      large.countFor(1, () => counted++);
      assert.ok(large.fits(1));
      large.started(1);
      large.ended(1, 1);
    }
    assert.equal(counted, 0);
    const buffered = new Buffered(LIMIT);
    const none = () => {
      counted++;
      return 0;
    };
    for (let i = 0; i < 2_000; i++) {
      buffered.countFor(1, none);
      assert.ok(buffered.fits(1));
      buffered.started(1);
      buffered.ended(1, 1);
    }
    assert.equal(counted, 3, "whenever 500 more have come");
  });
});
