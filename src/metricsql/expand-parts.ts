// Templates where the grammar has no expression: durations, and the labels of modifiers.
import { durationMs } from "./durations.ts";
import type { Pos } from "./errors.ts";
import { type Context, expandDefinition } from "./expand.ts";
import { find } from "./scope.ts";
import { isOnlyName, metricName } from "./selectors.ts";
import type { Syntax } from "./syntax.ts";
import type { Duration } from "./tree.ts";

export function expandDuration(x: Context, d: Duration | undefined): Duration | undefined {
  if (d?.template === undefined) return d;
  const { budget } = x;
  const found = find(x.scope, d.text);
  if (found === undefined) throw budget.error("template", `no template "${d.text}" to take a duration from`, d.span);
  const value = expandDefinition(x, found, [], d.span);
  const span = budget.place(d.span);
  if (value.kind === "duration") return { text: value.text, span };
  const text = value.kind === "number" ? value.text : undefined;
  if (text === undefined || durationMs(text, 0) === undefined)
    throw budget.error("template", `the template "${d.text}" is no duration`, d.span);
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
