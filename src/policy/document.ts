// YAML text in, documents with places out. Every problem has file, line and column; text that is no YAML is never echoed.
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { Place, Problem } from "./policy.ts";

export type PlacedDocument = {
  value: unknown;
  /** The place of the node at a path; of the nearest parent that exists, where it is missing. */
  place(path: readonly (string | number)[]): Place;
  /** The place of a key itself rather than of its value. */
  keyPlace(path: readonly (string | number)[]): Place;
  /** The place of character `offset` (UTF-16) of the string at a path, as it stands in the file. */
  placeIn(path: readonly (string | number)[], value: string, offset: number): Place;
};

/** Enough for any list of policies; more is a trap (aliases that expand without end). */
const MAX_ALIASES = 100;

export function readDocuments(file: string, text: string): { documents: PlacedDocument[]; problems: Problem[] } {
  const lines = new LineCounter();
  const clean = text.startsWith("\ufeff") ? text.slice(1) : text;
  const documents: PlacedDocument[] = [];
  const problems: Problem[] = [];
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const parsed = parseAllDocuments(clean, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    version: "1.2",
    prettyErrors: false,
    stringKeys: true,
  });
  for (const document of parsed as Document.Parsed[]) {
    if (document.errors.length > 0) {
      for (const error of document.errors)
        problems.push({ severity: "problem", place: at(error.pos[0]), path: "", message: yamlMessage(error.code) });
      continue;
    }
    if (document.contents === null) continue;
    try {
      documents.push({
        value: document.toJS({ maxAliasCount: MAX_ALIASES }),
        place: (path) => at(offsetOf(document, path)),
        keyPlace: (path) => at(keyOffset(document, path)),
        placeIn: (path, value, offset) => at(offsetInScalar(clean, document, path, value, offset)),
      });
    } catch {
      problems.push({
        severity: "problem",
        place: at(document.contents.range?.[0] ?? 0),
        path: "",
        message: "the document has too many aliases, or one that refers to itself; write the values out",
      });
    }
  }
  return { documents, problems };
}

function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  for (let n = path.length; n >= 0; n--) {
    const node = (n === 0 ? document.contents : document.getIn(path.slice(0, n), true)) as Node | null | undefined;
    if (isNode(node) && node.range) return node.range[0];
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
function offsetInScalar(
  text: string,
  document: Document.Parsed,
  path: readonly (string | number)[],
  value: string,
  offset: number,
): number {
  const node = document.getIn(path, true);
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

function keyOffset(document: Document.Parsed, path: readonly (string | number)[], otherwise?: number): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(path.at(-1)),
    );
    const key = pair?.key;
    if (isScalar(key) && key.range) return key.range[0];
  }
  return otherwise ?? offsetOf(document, path.slice(0, -1));
}

function yamlMessage(code: string): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return "this key stands twice in its mapping; remove one";
    case "TAB_AS_INDENT":
      return "a tab is used as indentation; YAML wants spaces";
    case "MULTIPLE_ANCHORS":
    case "BAD_ALIAS":
      return "an alias or anchor is not right; write the value out";
    case "BAD_INDENT":
      return "the indentation is not right; line this up with its neighbours";
    case "MISSING_CHAR":
      return "a quote, comma or bracket is missing hereabouts";
    default:
      return `this is no YAML (${code.toLowerCase().replaceAll("_", " ")}); check quotes, colons and indentation hereabouts`;
  }
}
