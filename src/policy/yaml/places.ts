// Where a field of a YAML document stands in its text: offsets of values, keys, and characters inside a text. Pure.
import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type YAMLMap } from "yaml";

export type Path = readonly (string | number)[];

/** The node at a path; aliases on the way are followed. */
function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) node = valueIn(document, node, String(key), MAX_MERGES);
    else if (isSeq(node)) node = node.items[Number(key)];
    else return undefined;
  }
  return isNode(node) ? node : undefined;
}

/** More merge keys in each other are not followed. */
const MAX_MERGES = 10;

/** Of a key of the mapping itself, else of what it merges (`<<: *base`, or a list of such). */
function valueIn(document: Document.Parsed, map: YAMLMap, key: string, depth: number): unknown {
  const pairOf = (name: string) => map.items.find((item) => isScalar(item.key) && String(item.key.value) === name);
  const own = pairOf(key);
  if (own !== undefined || depth === 0) return own?.value;
  const merged = pairOf("<<")?.value;
  for (const from of isSeq(merged) ? merged.items : [merged]) {
    const base = isAlias(from) ? from.resolve(document) : from;
    const value = isMap(base) ? valueIn(document, base, key, depth - 1) : undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

export function offsetOf(document: Document.Parsed, path: Path): number {
  for (let n = path.length; n >= 0; n--) {
    const node = nodeAt(document, path.slice(0, n));
    if (node?.range) return node.range[0];
    if (n > 0 && n === path.length) {
      const key = keyOffset(document, path, -1);
      if (key >= 0) return key; // a key without a value
    }
  }
  return 0;
}

/**
 * Where a character of a scalar's value stands in the file: the value is followed through the source text, which may have quotes,
 * escapes, folded lines and indentation in between. Exact wherever the characters stand for themselves.
 */
export function offsetInScalar(
  text: string,
  document: Document.Parsed,
  path: Path,
  value: string,
  offset: number,
): number {
  const node = nodeAt(document, path);
  if (!isScalar(node) || !node.range) return offsetOf(document, path);
  let [at, end] = node.range;
  if (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED") at = text.indexOf("\n", at) + 1;
  else if (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") {
    at++;
    end--;
  }
  for (let i = 0; i < offset && at < end; i++) {
    at = skipLayout(text, at, end, value[i]!, node.type ?? "");
    if (node.type === "QUOTE_DOUBLE" && text[at] === "\\") at += escapeLength(text, at);
    else if (node.type === "QUOTE_SINGLE" && text[at] === "'") at += 2;
    else at++;
  }
  return offset < value.length ? skipLayout(text, at, end, value[offset]!, node.type ?? "") : Math.min(at, end);
}

/** Past indentation and folded line ends that are not in the value. */
function skipLayout(text: string, from: number, end: number, next: string, type: string): number {
  let at = from;
  if (/\s/.test(next)) return at;
  while (at < end && /\s/.test(text[at]!)) at++;
  if (type === "QUOTE_DOUBLE" && text[at] === "\\" && text[at + 1] === "\n")
    return skipLayout(text, at + 2, end, next, type);
  return at;
}

function escapeLength(text: string, at: number): number {
  return { x: 4, u: 6, U: 10 }[text[at + 1] ?? ""] ?? 2;
}

export function keyOffset(document: Document.Parsed, path: Path, otherwise?: number): number {
  const parent = nodeAt(document, path.slice(0, -1));
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(path.at(-1)),
    );
    const key = pair?.key;
    if (isScalar(key) && key.range) return key.range[0];
  }
  return otherwise ?? offsetOf(document, path.slice(0, -1));
}
