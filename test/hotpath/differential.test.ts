// The WebAssembly module against the JavaScript scanner; bench/hotpath-fuzz.ts does the same for a million responses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "./differential.ts";

test("mutated responses, cut anywhere, give the same with the module as without", () => {
  for (let n = 0; n < 3_000; n++) {
    const found = difference(n);
    if (found !== undefined) assert.deepEqual(found.fast, found.slow, `case ${n}: ${found.bytes}`);
  }
});
