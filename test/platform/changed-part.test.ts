import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changedPart } from "../../src/platform/changed-part.ts";

const list = fc.array(fc.nat(3), { maxLength: 8 });
const same = (a: number, b: number) => a === b;

test("what is around the changed part is the same, and the part neither begins nor ends with something that is", () => {
  fc.assert(
    fc.property(list, list, (before, after) => {
      const { from, beforeTo, afterTo } = changedPart(before, after, same);
      assert.deepEqual([...before.slice(0, from), ...after.slice(from, afterTo), ...before.slice(beforeTo)], after);
      const [was, is] = [before.slice(from, beforeTo), after.slice(from, afterTo)];
      if (was.length > 0 && is.length > 0) assert.ok(was[0] !== is[0] && was.at(-1) !== is.at(-1));
    }),
  );
});

test("one that is replaced, put in or taken out is the whole part", () => {
  const before = Array.from({ length: 1_000 }, (_, i) => i);
  const part = (after: number[]) => Object.values(changedPart(before, after, same));
  assert.deepEqual(part(before.with(7, -1)), [7, 8, 8]);
  assert.deepEqual(part(before.toSpliced(7, 0, -1)), [7, 7, 8]);
  assert.deepEqual(part(before.toSpliced(7, 1)), [7, 8, 7]);
  assert.deepEqual(part([...before]), [1_000, 1_000, 1_000]);
});
