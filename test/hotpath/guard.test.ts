// What the hot path costs in counts that are the same on every machine (bench/guard.ts): nothing is above its limit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { above, count } from "../../bench/guard.ts";

test("bytes a sample, requests, calls and memory of the module: none is above its limit", () => {
  const counted = count();
  assert.deepEqual(above(counted), [], JSON.stringify(counted, undefined, 1));
});

test("a count that is above its limit is found", () => {
  const counted = count();
  assert.deepEqual(above({ ...counted, "bytes a sample, 500 a request": 25 }), ["bytes a sample, 500 a request"]);
  assert.deepEqual(above({ ...counted, "module memory, bytes a series": Number.NaN }), [
    "module memory, bytes a series",
  ]);
});
