import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  canonical,
  check,
  enforce,
  equal,
  type LabelFilter,
  MetricsQLError,
  parse,
  prettify,
  selectorsOf,
  toSafeString,
} from "../../src/metricsql/mod.ts";
import { anything, grammatical } from "./arbitrary.ts";

const RUNS = { numRuns: 1000 };

/** The result, or the library's error; anything else that is thrown fails the test. */
function attempt<T>(f: () => T): T | MetricsQLError {
  try {
    return f();
  } catch (e) {
    if (e instanceof MetricsQLError) return e;
    throw e;
  }
}

const has = (group: LabelFilter[], filters: LabelFilter[]) =>
  filters.every((f) => group.some((g) => g.label === f.label && g.op === f.op && g.value === f.value));

describe("any text", () => {
  test("throws nothing but MetricsQLError, at a place in the text", () => {
    const started = performance.now();
    fc.assert(
      fc.property(anything, (query) => {
        const c = check(query);
        attempt(() => prettify(query));
        if (c.ok) {
          canonical(c.expr);
          return;
        }
        const { offset, length, line, column } = c.error;
        assert.ok(offset >= 0 && length >= 0 && offset + length <= query.length, `${offset}+${length} in the text`);
        const lines = query.slice(0, offset).split("\n");
        assert.deepEqual([line, column], [lines.length, lines.at(-1)!.length + 1]);
      }),
      { numRuns: 3000 },
    );
    assert.ok(performance.now() - started < 20_000, "3,000 texts within 20 s");
  });
});

describe("toSafeString()", () => {
  test("reads back to the same tree, and then prints the same", () => {
    let valid = 0;
    fc.assert(
      fc.property(grammatical, (query) => {
        const e = attempt(() => parse(query));
        if (e instanceof MetricsQLError) return;
        valid++;
        const safe = toSafeString(e);
        const back = parse(safe);
        assert.ok(equal(back, e), safe);
        assert.equal(toSafeString(back), safe);
      }),
      RUNS,
    );
    assert.ok(valid > 100, `${valid} of the queries are valid`);
  });
});

const FILTERS: (LabelFilter[] | LabelFilter[][])[] = [
  [{ label: "project", op: "=", value: "p1" }],
  [
    { label: "project", op: "=~", value: "p1|p2" },
    { label: "a", op: "!=", value: 'x"\n' },
  ],
  [
    [{ label: "project", op: "=", value: "p1" }],
    [
      { label: "team", op: "=", value: "t" },
      { label: "a", op: "=", value: "x" },
    ],
  ],
];

describe("enforce()", () => {
  test("every group of every selector has an alternative; twice changes nothing", () => {
    let enforced = 0;
    fc.assert(
      fc.property(grammatical, fc.constantFrom(...FILTERS), (query, filters) => {
        const once = attempt(() => enforce(query, filters));
        if (once instanceof MetricsQLError) {
          assert.equal(check(query).ok, false, `a valid query is refused: ${once.message}`);
          return;
        }
        const alternatives = filters.map((f) => (Array.isArray(f) ? f : undefined)).every(Boolean)
          ? (filters as LabelFilter[][])
          : [filters as LabelFilter[]];
        const selectors = selectorsOf(parse(once.query));
        assert.equal(selectors.length, once.selectors);
        for (const { groups } of selectors) {
          assert.ok(groups.length > 0, once.query);
          for (const group of groups)
            assert.ok(
              alternatives.some((a) => has(group, a)),
              once.query,
            );
        }
        enforced += selectors.length;
        assert.deepEqual(enforce(once.query, filters), once);
      }),
      RUNS,
    );
    assert.ok(enforced > 100, `${enforced} selectors`);
  });
});

describe("prettify()", () => {
  test("takes whatever parses", () => {
    fc.assert(
      fc.property(grammatical, (query) => {
        if (check(query).ok) assert.equal(typeof prettify(query), "string");
      }),
      RUNS,
    );
  });
});
