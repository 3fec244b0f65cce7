// What a name means inside of a WITH block. A scope is a list of definitions, looked up from its end; here it is a chain of
// blocks, each seen up to a definition. Expanding a definition sees what stands before it, and its parameters: no recursion.

import { parseDefinition } from "./grammar.ts";
import { Cursor } from "./lexer/cursor.ts";
import type { Definition, Syntax } from "./tree.ts";

type Block = { defs: readonly Definition[]; index: ReadonlyMap<string, number>; outer: Scope | undefined };

/** The first `seen` definitions of the block, and all that is outside of it. */
export type Scope = { block: Block; seen: number };

/** A definition, and the scope that its expression is expanded in, but for its parameters. */
export type Found = { def: Definition; before: Scope };

export function open(outer: Scope | undefined, defs: readonly Definition[]): Scope {
  return { block: { defs, index: new Map(defs.map((d, i) => [d.name, i])), outer }, seen: defs.length };
}

export function bind(before: Scope, def: Definition, args: readonly Syntax[]): Scope {
  if (args.length === 0) return before;
  return open(
    before,
    args.map((expr, i) => ({ name: def.params[i]!, params: [], expr, span: expr.span })),
  );
}

export function find(scope: Scope, name: string): Found | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.block.outer) {
    const i = at.block.index.get(name);
    if (i !== undefined && i < at.seen) return { def: at.block.defs[i]!, before: { block: at.block, seen: i } };
  }
  return undefined;
}

let builtin: Scope | undefined;

/** The outermost scope: templates that every query has, and may redefine. */
export function builtins(): Scope {
  builtin ??= open(
    undefined,
    [
      "ru(freev, maxv) = clamp_min(maxv - clamp_min(freev, 0), 0) / clamp_min(maxv, 0) * 100",
      `ttf(freev) = smooth_exponential(
        clamp_max(clamp_max(-freev, 0) / clamp_max(deriv_fast(freev), 0), 365*24*3600),
        clamp_max(step()/300, 1)
      )`,
      "range_median(q) = range_quantile(0.5, q)",
      'alias(q, name) = label_set(q, "__name__", name)',
    ].map((text) => parseDefinition(new Cursor(text, 100, true))),
  );
  return builtin;
}
