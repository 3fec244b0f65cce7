import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { audit, type Position } from "../../src/reading/auditor.ts";
import type { Query } from "../../src/reading/reader.ts";
import type { Frame } from "../../src/series/frame.ts";
import { AuditCounts } from "../../src/source/audit.ts";
import type { Window } from "../../src/source/window.ts";
import type { Event } from "../../src/status/events.ts";

const A = 10_000;

const query = (sent: string) => ({ sent, kind: "raw" }) as Query;

function tallyOf(samples: number): AuditCounts {
  const frame = {
    samples,
    timestamps: Float64Array.from({ length: samples }, (_, i) => i + 1),
    stale: new Uint8Array(samples),
    dropped: {},
  } as unknown as Frame;
  return AuditCounts.begin(0).add([frame], { from: 0, to: A }, A + 1, A);
}

/** Looks `looks` times, and ends. */
async function run(p: {
  positions: Position[];
  now?: number;
  counts: (number | undefined)[];
  looks: number;
  whileCounting?: (positions: Position[]) => void;
}): Promise<{ late: Event[]; asked: [string, Window][] }> {
  const late: Event[] = [];
  const asked: [string, Window][] = [];
  const end = new AbortController();
  let looks = 0;
  await audit(
    A,
    {
      clock: { now: () => 77, monotonicMs: () => 0, sleep: async () => looks++ < p.looks },
      dispatch: (event) => late.push(event),
      sourceNow: () => p.now ?? 2 * A,
      positions: () => p.positions,
      count: async (q, stretch) => {
        asked.push([q.sent, stretch]);
        p.whileCounting?.(p.positions);
        return p.counts[asked.length - 1];
      },
      remedy: (member, { from, to }) => `replay ${member.id} ${from} ${to}`,
    },
    end.signal,
  );
  return { late, asked };
}

const at = (samples: number, members: string[], sent = "up"): Position => ({
  query: query(sent),
  read: A,
  auditCounts: tallyOf(samples),
  members: members.map((id) => ({ id, source: "s" })),
});

describe("audit", () => {
  test("more samples at the source than were read: reported once, with the stretch and the command", async () => {
    const { late, asked } = await run({ positions: [at(3, ["a"])], counts: [5, 5], looks: 3 });
    assert.deepEqual(asked, [["up", { from: 0, to: A }]], "asked once");
    assert.deepEqual(late, [
      { type: "late", at: 77, id: "a", source: "s", from: 0, to: A, samples: 2, remedy: "replay a 0 10000" },
    ]);
  });

  test("as many, or fewer (retention, deleted series): nothing to report", async () => {
    for (const count of [3, 2, 0])
      assert.deepEqual((await run({ positions: [at(3, ["a"])], counts: [count], looks: 1 })).late, []);
  });

  test("sinks that share a source are asked for once; each is told, also one at a reader of its own", async () => {
    const { late, asked } = await run({ positions: [at(3, ["a", "b"]), at(4, ["c"])], counts: [5], looks: 2 });
    assert.equal(asked.length, 1);
    assert.deepEqual(
      late.map((e) => (e.type === "late" ? [e.id, e.samples] : [])),
      [
        ["a", 2],
        ["b", 2],
        ["c", 1],
      ],
    );
  });

  test("a source that does not say is asked again", async () => {
    const { late, asked } = await run({ positions: [at(3, ["a"])], counts: [undefined, 4], looks: 2 });
    assert.equal(asked.length, 2);
    assert.equal(late.length, 1);
  });

  test("what was read while the source counted is not missing", async () => {
    const { late } = await run({
      positions: [at(3, ["a"])],
      counts: [5],
      looks: 1,
      whileCounting: (positions) => {
        positions[0] = at(5, ["a"]);
      },
    });
    assert.deepEqual(late, []);
  });

  test("not a millisecond before a stretch is ripe", async () => {
    assert.equal((await run({ positions: [at(3, ["a"])], counts: [5], looks: 3, now: 2 * A - 1 })).asked.length, 0);
  });
});
