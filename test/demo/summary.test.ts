// The closing table of the demo: what the agent counted against what the receiver has.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { demoSummary } from "../../src/demo/demo.ts";
import { type DropReason, dropReasons } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { Story, sinkInfo } from "../status/scenes.ts";

const ID = "default/demo/steady";

function summary(account: { read: number; delivered: number; returned?: number; dropped?: number }, has: number) {
  const { snapshot } = new Story([sinkInfo(ID)]);
  const { read, delivered, returned = 0, dropped = 0 } = account;
  const none = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;
  const sink = {
    ...snapshot.sinks[0]!,
    account: { read, delivered, returned, pending: 0, dropped: { ...none, exhausted: dropped } },
  };
  return demoSummary({ ...snapshot, sinks: [sink] } as Snapshot, () => ({ samples: has, repeats: 0, refused: 0 }));
}

describe("the demo's closing table", () => {
  for (const [what, account, has, ok] of [
    ["all was delivered", { read: 10, delivered: 10 }, 10, true],
    ["some was dropped", { read: 10, delivered: 8, dropped: 2 }, 8, true],
    ["some was returned", { read: 10, delivered: 8, returned: 2 }, 8, true],
    ["a response came after the drain timeout", { read: 10, delivered: 8, returned: 2 }, 9, true],
    ["the receiver has more than was sent", { read: 10, delivered: 8, returned: 2 }, 11, false],
    ["the receiver has less than was delivered", { read: 10, delivered: 10 }, 9, false],
    ["a sample is not accounted for", { read: 10, delivered: 9 }, 9, false],
    ["nothing was delivered", { read: 0, delivered: 0 }, 0, false],
  ] as const)
    test(`${what}: ${ok ? "it balances" : "it is said"}`, () => {
      const { text, ok: is } = summary(account, has);
      assert.equal(is, ok, text);
      assert.match(text, ok ? /Everything balances/ : /bug in outflow|let it run longer/);
    });
});
