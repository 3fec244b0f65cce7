import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ledger } from "../../src/delivery/ledger.ts";

describe("Ledger", () => {
  test("the cursor is the end of the oldest unbroken run of settled windows", () => {
    const ledger = new Ledger<string>();
    ledger.reset("a", 0);
    const first = ledger.open("a", 0, 10, 2, "a 0 to 10");
    const second = ledger.open("a", 10, 20, 1, "a 10 to 20");
    ledger.settle(second, 1);
    assert.deepEqual(ledger.advance(), []);
    assert.equal(ledger.cursor("a"), 0);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), []);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), [{ source: "a", cursor: 20, last: "a 10 to 20" }]);
    assert.deepEqual(ledger.unsettled("a"), []);
  });

  test("sources do not wait for each other", () => {
    const ledger = new Ledger<string>();
    ledger.open("a", 0, 10, 1, "a 0 to 10");
    const b = ledger.open("b", 0, 10, 1, "b 0 to 10");
    ledger.settle(b, 1);
    assert.deepEqual(ledger.advance(), [{ source: "b", cursor: 10, last: "b 0 to 10" }]);
  });

  test("an empty window settles at once, but not before an older one", () => {
    const ledger = new Ledger<string>();
    const first = ledger.open("a", 0, 10, 1, "a 0 to 10");
    ledger.open("a", 10, 20, 0, "a 10 to 20");
    assert.deepEqual(ledger.advance(), []);
    ledger.settle(first, 1);
    assert.deepEqual(ledger.advance(), [{ source: "a", cursor: 20, last: "a 10 to 20" }]);
  });

  test("abandoned windows do not move the cursor when their batches end after all", () => {
    const ledger = new Ledger<string>();
    ledger.reset("a", 0);
    const window = ledger.open("a", 0, 10, 1, "a 0 to 10");
    ledger.abandon("a", window);
    ledger.settle(window, 1);
    assert.deepEqual(ledger.advance(), []);
    assert.equal(ledger.cursor("a"), 0);
  });
});
