// What keeps a document from costing more than its text is long: nesting, aliases and repeated keys are looked at by themselves. Pure.
import { type Document, isMap, isScalar, isSeq, type Node, visit } from "yaml";

/** Enough for any list of policies; more is a trap (aliases that expand without end). */
export const MAX_ALIASES = 100;
/** Deeper than any policy, and far from the end of the stack. */
const MAX_DEPTH = 100;

/**
 * Nesting is bounded before the parser recurses into it: brackets, dashes or question marks that begin a line, and steps of
 * indentation. An estimate: brackets in texts and comments count, so it starts anew at each line that begins with a letter or `#`.
 */
export function tooDeep(text: string): { line: number; column: number } | undefined {
  let brackets = 0;
  const indents: number[] = [];
  let line = 0;
  for (const content of text.split("\n")) {
    line++;
    const [begin = "", indent = "", marks = ""] = /^( *)((?:[-?][ \t]+)*)/.exec(content) ?? [];
    if (/^(?:[A-Za-z#]|---)/.test(content)) brackets = 0;
    if (content.length > indent.length) {
      while (indents.length > 0 && indents.at(-1)! >= indent.length) indents.pop();
      indents.push(indent.length);
    }
    let column = begin.length + 1;
    for (; column <= content.length && brackets <= MAX_DEPTH; column++) {
      const c = content.charCodeAt(column - 1);
      if (c === 0x5b || c === 0x7b) brackets++;
      else if ((c === 0x5d || c === 0x7d) && brackets > 0) brackets--;
    }
    if (brackets > MAX_DEPTH || marks.length > 2 * MAX_DEPTH || indents.length > MAX_DEPTH) return { line, column };
  }
  return undefined;
}

/** An alias inside of what it stands for. */
export function isCyclic(root: unknown): boolean {
  const above = new Set<unknown>();
  const done = new Set<unknown>();
  const walk = (value: unknown): boolean => {
    if (typeof value !== "object" || value === null || done.has(value)) return false;
    if (above.has(value)) return true;
    above.add(value);
    const cyclic = Object.values(value).some(walk);
    above.delete(value);
    done.add(value);
    return cyclic;
  };
  return walk(root);
}

/** Offsets of keys that their mapping has already. */
export function repeatedKeys(root: Node): number[] {
  const found: number[] = [];
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const node = stack.pop();
    if (isSeq(node)) stack.push(...[...node.items].reverse());
    if (!isMap(node)) continue;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      if (isScalar(key)) {
        const name = String(key.value);
        if (seen.has(name)) found.push(key.range?.[0] ?? 0);
        seen.add(name);
      }
      stack.push(value);
    }
  }
  return found.sort((a, b) => a - b);
}

export function danglingAliases(document: Document.Parsed): number[] {
  const found: number[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) found.push(alias.range?.[0] ?? 0);
    },
  });
  return found.slice(0, MAX_ALIASES);
}
