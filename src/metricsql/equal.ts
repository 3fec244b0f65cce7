// Whether two trees mean the same: spans and spellings of numbers do not count, nor does a selector's group that other groups
// make redundant. Used to see that a printed text reads back to what was printed.

import { sameFilter } from "./selectors.ts";
import { saysNothing } from "./suffix.ts";
import type { Duration, Expr, LabelFilter, Modifier, StringNode } from "./tree.ts";
import { children } from "./walk.ts";

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
  if (a.kind === "func" && b.kind === "func") return a.name === b.name && a.keepMetricNames === b.keepMetricNames;
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
