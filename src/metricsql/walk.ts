// Traversals of a tree. Chains of operators lean to the left and may be as long as the query, so that no pass may recurse along
// them: here they are loops. Along all else the depth is bounded, by the parser and by the expansion.
import type { Cursor } from "./lexer/cursor.ts";
import type { Binary, Expr, Syntax } from "./tree.ts";

/** The nodes directly below, in the order of the text. */
export function children(e: Syntax): Syntax[] {
  switch (e.kind) {
    case "binaryop":
      return e.prefix === undefined ? [e.left, e.right] : [e.left, e.prefix, e.right];
    case "rollup":
      return e.at === undefined ? [e.expr] : [e.expr, e.at];
    case "func":
    case "aggrfunc":
      return e.args;
    case "parens":
      return e.items;
    case "with":
      return [...e.defs.map((d) => d.expr), e.expr];
    default:
      return [];
  }
}

/** What a chain is made of, and along which no depth is counted: the left side of an operation, the inside of `( )`. */
export function chainNext(e: Syntax): Syntax | undefined {
  if (e.kind === "binaryop") return e.left;
  return e.kind === "parens" && e.items.length === 1 ? e.items[0] : undefined;
}

/** Throws a limit error if the tree is too deep for the passes that recurse. Needs no recursion itself. */
export function assertDepth(root: Syntax, c: Cursor): void {
  const stack: [Syntax, number][] = [[root, 0]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [e, depth] = top;
    if (depth > c.maxDepth) throw c.tooDeep(e.span);
    const along = chainNext(e);
    for (const child of children(e)) stack.push([child, child === along ? depth : depth + 1]);
  }
}

/** The tree that `f` makes of each node, from the leaves up. */
export function mapUp(e: Syntax, f: (e: Syntax) => Syntax): Syntax {
  const chain: Syntax[] = [];
  let at = e;
  for (let next = chainNext(at); next !== undefined; next = chainNext(at)) {
    chain.push(at);
    at = next;
  }
  let result = f(mapChildren(at, f));
  for (const link of chain.reverse()) {
    if (link.kind === "binaryop") result = f({ ...link, left: result, right: mapUp(link.right, f) });
    else if (link.kind === "parens") result = f({ ...link, items: [result] });
  }
  return result;
}

function mapChildren(e: Syntax, f: (e: Syntax) => Syntax): Syntax {
  switch (e.kind) {
    case "rollup":
      return { ...e, expr: mapUp(e.expr, f), at: e.at && mapUp(e.at, f) };
    case "func":
    case "aggrfunc":
      return { ...e, args: e.args.map((a) => mapUp(a, f)) };
    case "parens":
      return { ...e, items: e.items.map((a) => mapUp(a, f)) };
    case "with":
      return { ...e, defs: e.defs.map((d) => ({ ...d, expr: mapUp(d.expr, f) })), expr: mapUp(e.expr, f) };
    default:
      return e;
  }
}

/** `enter` comes before the nodes below, in the order of the text; it may skip them. `leave` comes after. */
export type Visitor = {
  enter?(e: Expr): undefined | "skip";
  leave?(e: Expr): void;
};

/** Goes through all nodes, also those behind `@` and in arguments. */
export function visit(root: Expr, visitor: Visitor): void {
  const stack: { e: Expr; entered: boolean }[] = [{ e: root, entered: false }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.entered) {
      stack.pop();
      visitor.leave?.(top.e);
      continue;
    }
    top.entered = true;
    if (visitor.enter?.(top.e) === "skip") continue;
    const below = children(top.e).filter((child) => child !== (top.e as Binary).prefix) as Expr[];
    for (const e of below.reverse()) stack.push({ e, entered: false });
  }
}
