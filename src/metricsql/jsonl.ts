// `npm run -s metricsql:check`: one JSON query a line in, one JSON verdict a line out, for conformance checkers.
// In: {"id":1,"q":"sum(up)","enforce":[{"label":"tenant","op":"=","value":"t1"}]}. Out: {"id":1,"ok":true,"kind":…} or
// {"id":2,"ok":false,"error":…,"offset":7,"length":1}. Bytes that are not UTF-8 are U+FFFD.
import { createInterface } from "node:readline";
import {
  canonical,
  check,
  enforce,
  type LabelFilter,
  MetricsQLError,
  prettify,
  type Selector,
  toSafeString,
} from "./mod.ts";

type Request = { id?: number; q: string; enforce?: LabelFilter[] };

/** Undefined if it throws the library's error. */
function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (e instanceof MetricsQLError) return undefined;
    throw e;
  }
}

const plain = (selectors: Selector[]) =>
  selectors.map(({ groups }) =>
    groups.map((g) => g.map(({ label, op, value }) => ({ label, op, value: value.toWellFormed() }))),
  );

function verdict({ id, q, enforce: filters }: Request): object {
  const pretty = attempt(() => prettify(q));
  const c = check(q);
  if (!c.ok) {
    const { message, code, offset, length, line, column, expected } = c.error;
    return { id, ok: false, error: message, code, offset, length, line, column, expected, pretty };
  }
  return {
    id,
    ok: true,
    kind: c.kind,
    canonical: canonical(c.expr),
    safe: toSafeString(c.expr),
    pretty,
    selectors: plain(c.selectors),
    functions: c.functions,
    warnings: c.warnings,
    likelyInvalid: c.warnings.some((w) => w.code === "implicit-conversion"),
    enforced: filters && attempt(() => enforce(q, filters).query),
  };
}

if (import.meta.main)
  for await (const line of createInterface({ input: process.stdin }))
    if (line.trim() !== "") console.log(JSON.stringify(verdict(JSON.parse(line) as Request)));
