// The text format: what is written reads back as it was, whatever a label, a help or a number holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { familyText, labelsText } from "../../src/admin/metrics/exposition.ts";
import { Histogram } from "../../src/admin/metrics/histogram.ts";
import { readExposition } from "./exposition.ts";

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\\", '"', "\n", "n", ",", "}", " ", "="),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
});

test("write, then read, is the identity", () => {
  fc.assert(
    fc.property(text, text, text, fc.double(), (help, policy, sink, value) => {
      const labels = labelsText({ policy, sink });
      const written = familyText<void>(
        { name: "m", type: "gauge", help, labels: ["policy", "sink"], write: (_, row) => row(value, labels) },
        undefined,
      );
      // A zero has no sign in the text.
      const samples = [
        {
          name: "m",
          labels: [
            ["policy", policy],
            ["sink", sink],
          ],
          value: value === 0 ? 0 : value,
        },
      ];
      assert.deepEqual(readExposition(written), new Map([["m", { type: "gauge", help, samples }]]));
    }),
  );
});

const rows = (value: number | undefined) =>
  familyText<void>({ name: "m", type: "gauge", help: "Help.", labels: [], write: (_, row) => row(value) }, undefined)
    .split("\n")
    .slice(2);

test("numbers as Prometheus spells them; none where there is no value", () => {
  assert.deepEqual(
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 1e21, 5e-324].map((v) => rows(v)[0]),
    ["m NaN", "m +Inf", "m -Inf", "m 0.1", "m 1e+21", "m 5e-324"],
  );
  assert.deepEqual(rows(undefined), [""]);
});

test("a bucket counts what is at most its bound; the last counts all", () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11]) histogram.observe(value);
  const written: [string, number | undefined][] = [];
  histogram.write((value, labels, suffix) => written.push([`${suffix}{${labels}}`, value]), 'sink="s"');
  assert.deepEqual(written, [
    ['_bucket{le="1",sink="s"}', 2],
    ['_bucket{le="10",sink="s"}', 4],
    ['_bucket{le="+Inf",sink="s"}', 5],
    ['_sum{sink="s"}', 23.5],
    ['_count{sink="s"}', 5],
  ]);
});
