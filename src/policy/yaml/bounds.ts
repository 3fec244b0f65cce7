// What keeps a document from costing more than its text is long: nesting, aliases, repeated keys, and numbers that are read in two ways. Pure.
import { type Document, isMap, isScalar, isSeq, type Node, visit } from "yaml";
import type { Path } from "./places.ts";

/** Enough for any list of policies; more is a trap (aliases that expand without end). */
export const MAX_ALIASES = 100;
/** Deeper than any policy, and far from the end of the stack. */
const MAX_DEPTH = 100;

/**
 * Nesting is bounded before the parser recurses into it: brackets, dashes or question marks that begin a line, and steps of
 * indentation. An estimate: brackets in texts and comments count, so it starts over at each line that begins with a letter or `#`.
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

type At = { offset: number; path: Path };

/** Keys that their mapping has already. */
export function repeatedKeys(root: Node): At[] {
  const found: At[] = [];
  walk(root, (node, path) => {
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const { key } of node.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (seen.has(name)) found.push({ offset: key.range?.[0] ?? 0, path: [...path, name] });
      seen.add(name);
    }
  });
  return found.sort((a, b) => a.offset - b.offset);
}

/** Plain numbers with leading zeros: octal in YAML 1.1, which kubectl reads, and decimal in 1.2. */
export function ambiguousNumbers(root: Node): At[] {
  const found: At[] = [];
  walk(root, (node, path) => {
    if (isScalar(node) && typeof node.value === "number" && /^[-+]?0\d+$/.test(node.source ?? ""))
      found.push({ offset: node.range?.[0] ?? 0, path });
  });
  return found.sort((a, b) => a.offset - b.offset);
}

/** Each node once, without recursion. */
function walk(root: Node, visitNode: (node: unknown, path: Path) => void): void {
  const stack: { node: unknown; path: Path }[] = [{ node: root, path: [] }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, path } = next;
    visitNode(node, path);
    if (isSeq(node)) for (const [i, item] of node.items.entries()) stack.push({ node: item, path: [...path, i] });
    if (isMap(node))
      for (const { key, value } of node.items)
        stack.push({ node: value, path: [...path, isScalar(key) ? String(key.value) : "?"] });
  }
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
