// Templates are replaced by what they stand for; strings, durations and filters get their values; regexes are checked. In: the
// syntax tree. Out: one without raw nodes and WITH blocks. It follows the reference closely, also where that is odd: arguments
// are expanded again in the scope of the template, and every operation is put in parentheses, which the type tests then see.
import { Budget } from "./budget.ts";
import { joinValues } from "./bytes.ts";
import type { Pos } from "./errors.ts";
import { expandDuration, expandLabels } from "./expand-parts.ts";
import { expandSelector } from "./expand-selector.ts";
import type { Limits } from "./limits.ts";
import { bind, builtins, type Found, find, open, type Scope } from "./scope.ts";
import { unquote } from "./strings.ts";
import type { RawString, Syntax } from "./syntax.ts";
import type { Binary, Metric, Modifier, StringNode } from "./tree.ts";
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
      throw x.budget.error(
        "template",
        `no template "${text}" to take a string from; text is written in quotes: "${text}"`,
        span,
      );
    const value = expandDefinition(x, found, undefined, span);
    if (value.kind !== "string") throw x.budget.error("template", `the template "${text}" is no string`, span);
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
