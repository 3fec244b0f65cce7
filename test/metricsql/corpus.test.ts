// The reference library's verdicts on some 3,500 queries. They are not part of this repository: where they are missing
// (or in $OUTFLOW_SHARED), these tests are not there, and a line says so.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { escapeIdent, quoteIdent, unescapeIdent } from "../../src/metricsql/lexer/idents.ts";
import { durationMs, numberValue, scanNumber } from "../../src/metricsql/lexer/numbers.ts";
import {
  canonical,
  check,
  enforce,
  equal,
  type LabelFilter,
  parse,
  prettify,
  type Selector,
  toSafeString,
} from "../../src/metricsql/mod.ts";

type Filter = { label: string; op: string; value: string };
type Entry = {
  id: string;
  q: string;
  ok?: boolean;
  kind?: string;
  canonical?: string;
  pretty?: string;
  selectors?: Filter[][][];
  filters?: LabelFilter[];
  enforced?: string;
  reparseStable?: boolean;
  likelyInvalid?: boolean;
};

const root = resolve(import.meta.dirname, "../..");
const corpus = join(process.env.OUTFLOW_SHARED ?? join(root, "../shared"), "metricsql/corpus");
const load = <T>(file: string): T[] => JSON.parse(readFileSync(join(corpus, `${file}.json`), "utf8")) as T[];

/** Like the corpus has them: as JSON of Go, where a bad byte is U+FFFD, in any order. */
const plain = (selectors: (Selector | Filter[][])[]) =>
  selectors
    .map((s) => (Array.isArray(s) ? s : s.groups))
    .map((groups) => JSON.stringify(groups.map((g) => g.map((f) => [f.label, f.op, f.value.toWellFormed()]))))
    .sort();

if (!existsSync(corpus)) console.log(`metricsql: no corpus at ${corpus}, its tests are left out`);
else
  describe("corpus", () => {
    const files = [
      "valid",
      "invalid",
      "server",
      "realworld",
      "docs",
      "targeted",
      "mutants",
      "filters",
      "likely_invalid",
    ];
    for (const file of files)
      test(`${file}: verdict, kind, canonical text, selectors and warnings are the reference's`, () => {
        for (const e of load<Entry>(file)) {
          const c = check(e.q);
          assert.equal(c.ok, e.ok ?? true, `${e.id}: ${c.ok ? "" : c.error.message}`);
          if (!c.ok) continue;
          if (e.kind !== undefined) assert.equal(c.kind, e.kind, e.id);
          if (e.canonical !== undefined) assert.equal(canonical(c.expr), e.canonical, e.id);
          if (e.selectors !== undefined) assert.deepEqual(plain(c.selectors), plain(e.selectors), e.id);
          const likely = c.warnings.some((w) => w.code === "implicit-conversion");
          if (e.likelyInvalid !== undefined) assert.equal(likely, e.likelyInvalid, e.id);
          assert.ok(equal(parse(toSafeString(c.expr)), c.expr), `${e.id}: the safe text reads back`);
        }
      });

    test("prettify: the reference's text", () => {
      for (const e of load<Entry>("prettify")) assert.equal(prettify(e.q), e.pretty, e.id);
    });

    test("enforce: the reference's query, and enforced twice it stays", () => {
      for (const e of load<Entry>("enforce")) {
        const once = enforce(e.q, e.filters!);
        if (e.reparseStable) assert.equal(canonical(parse(once.query)), canonical(parse(e.enforced!)), e.id);
        assert.deepEqual(enforce(once.query, e.filters!), once, e.id);
      }
    });

    test("lexer units: numbers, durations, identifiers", () => {
      for (const { id, test: of, args } of load<{ id: string; test: string; args: string[] }>("lexer_units")) {
        const [text, want, more] = args as [string, string | null, string | undefined];
        if (of === "TestParsePositiveNumberSuccess" && want !== null) assert.equal(numberValue(text), Number(want), id);
        else if (of === "TestParsePositiveNumberSuccess") assert.notEqual(numberValue(text), undefined, id);
        else if (of === "TestParsePositiveNumberFailure") assert.equal(numberValue(text), undefined, id);
        else if (of === "TestScanPositiveNumberSuccess") assert.equal(text.slice(0, scanNumber(text, 0)), want, id);
        else if (of === "TestUnescapeIdent") assert.equal(unescapeIdent(text), want, id);
        else if (of === "TestAppendEscapedIdent") assert.equal(escapeIdent(text), want, id);
        else if (of === "TestAppendQuotedIdent") assert.equal(quoteIdent(text), want, id);
        else if (/DurationSuccess$/.test(of)) {
          const ms = durationMs(text, Number(want ?? 1));
          assert.notEqual(ms, undefined, id);
          if (typeof more === "string") assert.equal(ms, Number(more), id);
        } else if (of === "TestPositiveDurationError") assert.ok((durationMs(text, 1) ?? -1) < 0, id);
        else if (of === "TestDurationError") assert.equal(durationMs(text, 1), undefined, id);
      }
    });
  });
