import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ledger } from "../../src/delivery/ledger.ts";

describe("Ledger", () => {
  test("the cursor is the end of the oldest unbroken run of settled windows", () => {
    const ledger = new Ledger();
    ledger.reset("a", 0);
    const first = ledger.open("a", 0, 10, 2);
    const second = ledger.open("a", 10, 20, 1);
    ledger.settle(second, 1);
    assert.deepEqual(ledger.advance(), []);
    assert.equal(ledger.cursor("a"), 0);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), []);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), [{ source: "a", cursor: 20, window: 1 }]);
    assert.deepEqual(ledger.unsettled(), []);
  });

  test("sources do not wait for each other", () => {
    const ledger = new Ledger();
    ledger.open("a", 0, 10, 1);
    const b = ledger.open("b", 0, 10, 1);
    ledger.settle(b, 1);
    assert.deepEqual(ledger.advance(), [{ source: "b", cursor: 10, window: 1 }]);
  });

  test("an empty window settles at once, but not before an older one", () => {
    const ledger = new Ledger();
    const first = ledger.open("a", 0, 10, 1);
    ledger.open("a", 10, 20, 0);
    assert.deepEqual(ledger.advance(), []);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), [{ source: "a", cursor: 20, window: 1 }]);
  });

  test("abandoned windows do not move the cursor when their batches end after all", () => {
    const ledger = new Ledger();
    ledger.reset("a", 0);
    const window = ledger.open("a", 0, 10, 1);
    ledger.abandon("a", window);
    ledger.settle(window, 1);
    assert.deepEqual(ledger.advance(), []);
    assert.equal(ledger.cursor("a"), 0);
  });
});
