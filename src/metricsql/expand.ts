// Templates are replaced by what they stand for; strings, durations and filters get their values; regexes are checked. In: the
// syntax tree. Out: one without raw nodes and WITH blocks. It follows the reference closely, also where that is odd: arguments
// are expanded again in the scope of the template, and every operation is put in parentheses, which the type tests then see.

import type { Pos } from "./lexer/errors.ts";
import { durationMs } from "./lexer/numbers.ts";
import { joinValues, unquote } from "./lexer/strings.ts";
import { Budget, type Limits } from "./limits.ts";
import { bind, builtins, type Found, find, open, type Scope } from "./scope.ts";
import {
  type Binary,
  type Duration,
  isName,
  isOnlyName,
  type LabelFilter,
  type Metric,
  type Modifier,
  metricName,
  type RawFilter,
  type RawMetric,
  type RawString,
  type StringNode,
  type Syntax,
  unique,
} from "./tree.ts";
import { chainNext } from "./walk.ts";

/** A place in the expansion: what names mean there, and how deep it is. */
export type Context = { scope: Scope; depth: number; budget: Budget };

export function expandQuery(e: Syntax, text: string, limits: Limits): Syntax {
  return expand({ scope: builtins(), depth: 0, budget: new Budget(text, limits) }, e);
}

const deeper = (x: Context): Context => ({ ...x, depth: x.depth + 1 });

export function expand(x: Context, e: Syntax): Syntax {
  x.budget.checkDepth(x.depth, e.span);
  const below = deeper(x);
  const chain: Syntax[] = [];
  let at = e;
  for (let next = chainNext(at); next !== undefined; next = chainNext(at)) {
    chain.push(at);
    at = next;
  }
  x.budget.count(1 + chain.length, e.span);
  let result = expandNode(below, at);
  for (const link of chain.reverse()) {
    if (link.kind === "parens") result = { ...link, items: [result] };
    else if (link.kind === "binaryop") result = operation(below, link, result);
  }
  return result;
}

function expandNode(x: Context, e: Syntax): Syntax {
  const span = x.budget.place(e.span);
  switch (e.kind) {
    case "func": {
      const args = e.args.map((a) => expand(x, a));
      const found = find(x.scope, e.name);
      if (found !== undefined) return expandDefinition(x, found, args, span);
      return { ...e, args, span, nameSpan: x.budget.place(e.nameSpan) };
    }
    case "aggrfunc": {
      const args = e.args.map((a) => expand(x, a));
      const found = find(x.scope, e.name);
      if (found !== undefined) return expandDefinition(x, found, args, span);
      return { ...e, args, modifier: modifier(x, e.modifier), span, nameSpan: x.budget.place(e.nameSpan) };
    }
    case "parens":
      return { ...e, items: e.items.map((a) => expand(x, a)), span };
    case "rollup":
      return {
        ...e,
        expr: expand(x, e.expr),
        window: expandDuration(x, e.window),
        step: expandDuration(x, e.step),
        offset: expandDuration(x, e.offset),
        at: e.at && expand(x, e.at),
        span,
      };
    case "with":
      return expand({ ...x, scope: open(x.scope, e.defs) }, e.expr);
    case "raw-string":
      return expandString(x, e);
    case "raw-metric":
      return expandSelector(x, e);
    default:
      return e.span.offset < 0 ? { ...e, span } : e;
  }
}

function operation(x: Context, e: Binary<Syntax, RawString | StringNode>, left: Syntax): Syntax {
  const right = expand(x, e.right);
  const group = modifier(x, e.group);
  const join = modifier(x, e.join);
  const prefix = e.prefix?.kind === "raw-string" ? expandString(x, e.prefix) : e.prefix;
  const span = x.budget.place(e.span);
  if (e.op === "+" && left.kind === "string" && right.kind === "string")
    return { kind: "string", value: joinValues([left.value, right.value]), span };
  const opSpan = x.budget.place(e.opSpan);
  return { kind: "parens", items: [{ ...e, left, right, group, join, prefix, span, opSpan }], span };
}

const modifier = (x: Context, m: Modifier | undefined): Modifier | undefined =>
  m && { ...m, labels: expandLabels(x, m.labels, m.span) };

export function expandString(x: Context, e: RawString): StringNode {
  const values = e.pieces.map(({ text, span }) => {
    x.budget.count(1 + text.length / 16, span);
    if (/^["'`]/.test(text)) {
      const read = unquote(text);
      if ("error" in read) throw x.budget.error("string", read.error, span);
      return read.value;
    }
    const found = find(x.scope, text);
    if (found === undefined)
      throw x.budget.error("template", `unknown template "${text}"; write a string in quotes: "${text}"`, span);
    const value = expandDefinition(x, found, undefined, span);
    if (value.kind !== "string") throw x.budget.error("template", `template "${text}" is not a string`, span);
    x.budget.charge(value.value.length / 16, span);
    return value.value;
  });
  return { kind: "string", value: joinValues(values), span: x.budget.place(e.span) };
}

/**
 * What a definition stands for where it is used at `use`. Without `args` it is used as a plain name: if it has parameters, the
 * name is a metric's all the same.
 */
export function expandDefinition(x: Context, { def, before }: Found, args: Syntax[] | undefined, use: Pos): Syntax {
  const given = args?.length ?? 0;
  if (def.params.length !== given) {
    if (args === undefined) return nameOnly(def.name, use);
    throw x.budget.error("template", `"${def.name}" takes ${count(def.params.length)}, not ${given}`, use);
  }
  return x.budget.within(use, () => expand({ ...x, scope: bind(before, def, args ?? []) }, def.expr));
}

const count = (n: number): string => (n === 1 ? "1 argument" : `${n} arguments`);

const nameOnly = (name: string, span: Pos): Metric => ({
  kind: "metric",
  groups: [[{ label: "__name__", op: "=", value: name, span }]],
  span,
});

// -- Selectors get their filters: values and regexes checked, `{template}` inlined, names put first and shared, and a name that is
// a template replaced by the selector it stands for.

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
    throw budget.error("template", `unknown template "${f.label}"; write a filter as ${f.label}="value"`, f.span);
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
    throw budget.error("template", `template "${name}" is not a selector and cannot take filters`, selector.span);
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

// -- Templates where the grammar has no expression: durations, and the labels of modifiers.

export function expandDuration(x: Context, d: Duration | undefined): Duration | undefined {
  if (d?.template === undefined) return d;
  const { budget } = x;
  const found = find(x.scope, d.text);
  if (found === undefined)
    throw budget.error("template", `unknown template "${d.text}" where a duration is expected`, d.span);
  const value = expandDefinition(x, found, [], d.span);
  const span = budget.place(d.span);
  if (value.kind === "duration") return { text: value.text, span };
  const text = value.kind === "number" ? value.text : undefined;
  if (text === undefined || durationMs(text, 0) === undefined)
    throw budget.error("template", `template "${d.text}" is not a duration`, d.span);
  return { text, span };
}

/** Only what is bound to a parameter can stand for labels: one metric's name, or a list of them in parentheses. */
export function expandLabels(x: Context, labels: string[], at: Pos): string[] {
  const names = labels.flatMap((label) => {
    const def = find(x.scope, label)?.def;
    if (def === undefined || def.params.length > 0) return [label];
    const items: Syntax[] = def.expr.kind === "parens" ? def.expr.items : [def.expr];
    x.budget.charge(items.length, at);
    return items.map((item) => {
      if (item.kind !== "metric" || !isOnlyName(item.groups))
        throw x.budget.error("template", `the template "${label}" cannot stand for a label here`, at);
      return metricName(item.groups);
    });
  });
  x.budget.count(names.length, at);
  return [...new Set(names)];
}
