// Selectors get their filters: values and regexes checked, `{template}` inlined, names put first and shared, and a name that is
// a template replaced by the selector it stands for.
import { type Context, expandDefinition, expandString } from "./expand.ts";
import { find } from "./scope.ts";
import { isName, isOnlyName, metricName, unique } from "./selectors.ts";
import type { RawFilter, RawMetric, Syntax } from "./syntax.ts";
import type { LabelFilter, Metric } from "./tree.ts";

export function expandSelector(x: Context, e: RawMetric): Syntax {
  const named = e.groups.map((g) => expandGroup(x, g));
  const selector: Metric = { kind: "metric", groups: shareName(named), span: x.budget.place(e.span) };
  const name = metricName(selector.groups);
  const found = name === "" ? undefined : find(x.scope, name);
  if (found === undefined) return selector;
  return substitute(x, selector, name, expandDefinition(x, found, undefined, selector.span));
}

type Group = { filters: LabelFilter[]; name: string };

function expandGroup(x: Context, raw: RawFilter[]): Group {
  const { budget } = x;
  const filters: LabelFilter[] = [];
  const names: LabelFilter[] = [];
  let name: LabelFilter | undefined;
  const setName = (f: LabelFilter) => {
    if (name !== undefined && name.value !== "" && name.value !== f.value)
      throw budget.error(
        "duplicate",
        `two metric names, ${JSON.stringify(name.value)} and ${JSON.stringify(f.value)}`,
        f.span!,
      );
    name = f;
    names.push(f);
  };
  for (const f of raw) {
    budget.count(1, f.span);
    const filter = f.value === undefined ? undefined : toFilter(x, f);
    if (filter !== undefined) {
      if (isName(filter)) setName(filter);
      else filters.push(filter);
      continue;
    }
    const inlined = inline(x, f);
    if (inlined === undefined) setName({ label: "__name__", op: "=", value: f.label, span: budget.place(f.span) });
    else filters.push(...inlined);
  }
  return { filters: unique([...names.reverse(), ...filters]), name: name?.value ?? "" };
}

function toFilter(x: Context, f: RawFilter): LabelFilter {
  const op = f.op!;
  const { value } = expandString(x, f.value!);
  if (op === "=~" || op === "!~") x.budget.regex(value, f.label, f.value!.span);
  return { label: f.label, op, value, span: x.budget.place(f.span) };
}

/** The filters of the template that a bare label names; undefined if it is the metric's name in quotes. */
function inline(x: Context, f: RawFilter): LabelFilter[] | undefined {
  const { budget } = x;
  const found = find(x.scope, f.label);
  if (found === undefined) {
    if (f.quoted) return undefined;
    throw budget.error("template", `no template "${f.label}": a filter is written ${f.label}="value"`, f.span);
  }
  const e = expandDefinition(x, found, [], f.span);
  if (e.kind !== "metric" || metricName(e.groups) !== "" || e.groups.length > 1)
    throw budget.error("template", `the template "${f.label}" must be {…}, without a name and without or`, f.span);
  const filters = e.groups[0] ?? [];
  budget.charge(filters.length, f.span);
  return filters;
}

/** If the groups that name a metric agree, those that say nothing about the name get it too. */
function shareName(groups: Group[]): LabelFilter[][] {
  const names = new Set(groups.map((g) => g.name).filter((n) => n !== ""));
  const [name] = names;
  if (names.size !== 1 || name === undefined) return groups.map((g) => g.filters);
  const owner = groups.find((g) => g.name === name)!.filters[0]!;
  return groups.map((g) => (g.filters.some((f) => f.label === "__name__") ? g.filters : [{ ...owner }, ...g.filters]));
}

/** `name{filters}` where `name` stands for `e`: a selector, perhaps with a rollup suffix, that takes the filters in. */
function substitute(x: Context, selector: Metric, name: string, e: Syntax): Syntax {
  const { budget } = x;
  const inner = e.kind === "rollup" ? e.expr : e;
  if (inner.kind !== "metric") {
    if (isOnlyName(selector.groups)) return e;
    throw budget.error("template", `the template "${name}" is no selector and cannot take filters`, selector.span);
  }
  const own = selector.groups.map((g) => g.slice(1));
  if (inner.groups.length !== 1 && isOnlyName(selector.groups)) return e;
  if (inner.groups.length !== 1 && own.length !== 1)
    throw budget.error("template", `"or" both in the template "${name}" and in the filters it gets`, selector.span);
  const groups = inner.groups.flatMap((theirs) => own.map((ours) => merge(x, selector, theirs, ours)));
  const merged: Metric = { kind: "metric", groups, span: selector.span };
  return e.kind === "rollup" ? { ...e, expr: merged } : merged;
}

function merge(x: Context, at: Metric, theirs: LabelFilter[], ours: LabelFilter[]): LabelFilter[] {
  x.budget.charge(theirs.length + ours.length, at.span);
  return unique([...theirs, ...ours]);
}
