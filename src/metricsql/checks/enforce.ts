// Filters that a query cannot escape. In: a query and filters. Out: a text in which every group of every selector has them, also
// behind `@`, in subqueries and in what templates made. The work is done on the tree, never on the text; the text is then parsed
// again and compared, and on any doubt this throws: it fails closed.
import { lower } from "../lexer/chars.ts";
import { MetricsQLError } from "../lexer/errors.ts";
import { checkRegex } from "../lexer/regex.ts";
import { MAX_DEPTH, type ParseOptions } from "../limits.ts";
import { parse } from "../parse.ts";
import { toSafeString } from "../printers/print.ts";
import {
  type Duration,
  type Expr,
  type LabelFilter,
  type Modifier,
  type StringNode,
  type Syntax,
  sameFilter,
  saysNothing,
} from "../tree.ts";
import { children, mapUp } from "../walk.ts";
import { selectorsOf } from "./check.ts";

/**
 * `[][]` are alternatives: one of them must hold, all its filters together. The user's own filters on the same label stay and
 * apply too. A group that already has an alternative is left as it is, so that enforcing twice changes nothing.
 */
export function enforce(
  query: string,
  filters: LabelFilter[] | LabelFilter[][],
  options?: ParseOptions,
): { query: string; selectors: number } {
  const refuse = (why: string) => new MetricsQLError("enforce", why, query, { offset: 0, length: query.length });
  const alternatives = toAlternatives(filters);
  const problem = alternatives.flat().map(filterProblem).find(Boolean) ?? emptyProblem(alternatives);
  if (problem !== undefined) throw refuse(problem);

  // Constants stay as the user has written them: the server computes them, as it would without the filters.
  const parsed = parse(query, { ...options, fold: false });
  const add = (e: Syntax): Syntax => (e.kind === "metric" ? { ...e, groups: addTo(e.groups, alternatives) } : e);
  const tree = mapUp(parsed, add) as Expr;
  const text = toSafeString(tree);

  let back: Expr;
  try {
    // The text may be longer than the one that was admitted, and have more parentheses.
    back = parse(text, { ...options, maxLength: Number.POSITIVE_INFINITY, maxDepth: MAX_DEPTH, fold: false });
  } catch (e) {
    throw refuse(`the query with its filters does not parse: ${e instanceof Error ? e.message : String(e)}`);
  }
  if (!equal(back, tree)) throw refuse("the query with its filters does not read back as what was meant");
  const selectors = selectorsOf(back);
  if (!selectors.every((s) => isEnforced(s.groups, alternatives))) throw refuse("a selector is without its filters");
  return { query: text, selectors: selectors.length };
}

/** True if every group has all filters of an alternative. `{}` has no group to have them. */
function isEnforced(groups: LabelFilter[][], alternatives: LabelFilter[][]): boolean {
  return groups.length > 0 && groups.every((g) => alternatives.some((a) => hasAll(g, a)));
}

function addTo(groups: LabelFilter[][], alternatives: LabelFilter[][]): LabelFilter[][] {
  const from = groups.length === 0 ? [[]] : groups;
  return from.flatMap((group) => {
    if (alternatives.some((a) => hasAll(group, a))) return [group];
    return alternatives.map((a) => [...group, ...a.filter((f) => !group.some((g) => sameFilter(f, g)))]);
  });
}

const hasAll = (group: LabelFilter[], filters: LabelFilter[]): boolean =>
  filters.every((f) => group.some((g) => sameFilter(f, g)));

/** Without spans, and each filter once. */
function toAlternatives(filters: LabelFilter[] | LabelFilter[][]): LabelFilter[][] {
  const nested = filters.some(Array.isArray) ? (filters as LabelFilter[][]) : [filters as LabelFilter[]];
  return nested.map((group) => {
    const plain = group.map(({ label, op, value }): LabelFilter => ({ label, op, value }));
    return plain.filter((f, i) => plain.findIndex((g) => sameFilter(f, g)) === i);
  });
}

const emptyProblem = (alternatives: LabelFilter[][]): string | undefined =>
  alternatives.some((a) => a.length === 0) ? "no filter to enforce" : undefined;

function filterProblem({ label, op, value }: LabelFilter): string | undefined {
  if (label === "") return "a filter to enforce has no label";
  if (label === "__name__" && op === "=") return "the name of a metric cannot be enforced: use a regex on __name__";
  if (op !== "=~" && op !== "!~") return undefined;
  const wrong = checkRegex(value);
  return wrong === undefined ? undefined : `the regex to enforce on ${label}: ${wrong}`;
}

// -- Whether two trees mean the same: spans and spellings of numbers do not count, nor does a selector's group that other groups
// make redundant. Used to see that a printed text reads back to what was printed.

export function equal(a: Expr, b: Expr): boolean {
  const pairs: [Expr, Expr][] = [[a, b]];
  for (let top = pairs.pop(); top !== undefined; top = pairs.pop()) {
    const x = bare(top[0]);
    const y = bare(top[1]);
    if (!sameNode(x, y)) return false;
    const below = children(x) as Expr[];
    const other = children(y) as Expr[];
    if (below.length !== other.length) return false;
    for (const [i, child] of below.entries()) pairs.push([child, other[i]!]);
  }
  return true;
}

/** Without suffixes that say nothing. */
function bare(e: Expr): Expr {
  let at = e;
  while (at.kind === "rollup" && saysNothing(at)) at = at.expr;
  return at;
}

function sameNode(a: Expr, b: Expr): boolean {
  if (a.kind === "metric" && b.kind === "metric") return sameGroups(a.groups, b.groups);
  if (a.kind === "number" && b.kind === "number") return Object.is(a.value, b.value);
  if (a.kind === "string" && b.kind === "string") return a.value === b.value;
  if (a.kind === "duration" && b.kind === "duration") return durationText(a) === durationText(b);
  if (a.kind === "func" && b.kind === "func")
    return lower(a.name) === lower(b.name) && a.keepMetricNames === b.keepMetricNames;
  if (a.kind === "aggrfunc" && b.kind === "aggrfunc")
    return a.name === b.name && a.limit === b.limit && sameModifier(a.modifier, b.modifier);
  if (a.kind === "rollup" && b.kind === "rollup")
    return (
      a.inheritStep === b.inheritStep &&
      durationText(a.window) === durationText(b.window) &&
      durationText(a.step) === durationText(b.step) &&
      durationText(a.offset) === durationText(b.offset) &&
      (a.at === undefined) === (b.at === undefined)
    );
  if (a.kind === "binaryop" && b.kind === "binaryop")
    return (
      a.op === b.op &&
      a.bool === b.bool &&
      a.keepMetricNames === b.keepMetricNames &&
      sameModifier(a.group, b.group) &&
      sameModifier(a.join, b.join) &&
      samePrefix(a.prefix, b.prefix) &&
      Object.is(a.fillLeft?.value, b.fillLeft?.value) &&
      Object.is(a.fillRight?.value, b.fillRight?.value)
    );
  return false;
}

const durationText = (d: Pick<Duration, "text"> | undefined): string | undefined =>
  d?.text.replaceAll("$__interval", "1i");

const samePrefix = (a: StringNode | undefined, b: StringNode | undefined): boolean => a?.value === b?.value;

const sameModifier = (a: Modifier | undefined, b: Modifier | undefined): boolean =>
  a?.op === b?.op && a?.labels.length === b?.labels.length && (a?.labels ?? []).every((l, i) => l === b?.labels[i]);

/** A group without filters selects everything, whatever the others are. */
function sameGroups(a: LabelFilter[][], b: LabelFilter[][]): boolean {
  const x = a.some((g) => g.length === 0) ? [] : a;
  const y = b.some((g) => g.length === 0) ? [] : b;
  const same = (f: LabelFilter[], g: LabelFilter[]) => f.length === g.length && f.every((h, i) => sameFilter(h, g[i]!));
  return x.length === y.length && x.every((g, i) => same(g, y[i]!));
}
