// YAML text in, documents with places out. Every problem has file, line and column; text that is no YAML is never echoed. Bounded
// whatever comes in: nesting, aliases and repeated keys cost no more than the text is long.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type ScalarTag,
  visit,
} from "yaml";
import type { Place, Problem } from "./policy.ts";

export type Path = readonly (string | number)[];

export type PlacedDocument = {
  value: unknown;
  /** Where this document stands inside another one (a list's item). */
  base: Path;
  /** First and last line. */
  lines: readonly [number, number];
  /** The place of the node at a path; of the nearest parent that exists, where it is missing. */
  place(path: Path): Place;
  /** The place of a key itself rather than of its value. */
  keyPlace(path: Path): Place;
  /** The place of character `offset` (UTF-16) of the string at a path, as it stands in the file. */
  placeIn(path: Path, value: string, offset: number): Place;
  /** The text of a line of the file. */
  line(number: number): string;
};

/** Enough for any list of policies; more is a trap (aliases that expand without end). */
const MAX_ALIASES = 100;
const MAX_DOCUMENTS = 5_000;
/** Deeper than any policy, and far from the end of the stack. */
const MAX_DEPTH = 100;

/** kubectl reads YAML 1.1, where these are booleans: where a string is wanted they need quotes. */
const oldBoolean: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|on)/i.test(text),
};

export function readDocuments(file: string, text: string): { documents: PlacedDocument[]; problems: Problem[] } {
  const clean = text.startsWith("\ufeff") ? text.slice(1) : text;
  const documents: PlacedDocument[] = [];
  const problems: Problem[] = [];
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const trouble = (offset: number, message: string) =>
    problems.push({ severity: "problem", place: at(offset), path: "", message });
  if (clean.split(/^---/m).length > MAX_DOCUMENTS) {
    const place = { file, line: 1, column: 1 };
    const message = `has more than ${MAX_DOCUMENTS} documents; split it`;
    return { documents, problems: [{ severity: "problem", place, path: "", message }] };
  }
  const deep = tooDeep(clean);
  if (deep !== undefined) {
    return { documents, problems: [{ severity: "problem", place: { file, ...deep }, path: "", message: TOO_DEEP }] };
  }
  let parsed: Document.Parsed[];
  try {
    parsed = parseAllDocuments(clean, {
      lineCounter: lines,
      strict: true,
      uniqueKeys: false, // it compares all with all: ours is below
      version: "1.2",
      prettyErrors: false,
      stringKeys: true,
      customTags: (tags) => [oldBoolean, ...tags],
    }) as Document.Parsed[];
  } catch {
    trouble(0, TOO_DEEP);
    return { documents, problems };
  }
  const allLines = clean.split("\n");
  for (const document of parsed) {
    // One mistake leads to others: the first of a line is the one to mend.
    const seen = new Set<number>();
    for (const error of document.errors) {
      const { line } = at(error.pos[0]);
      if (!seen.has(line)) trouble(error.pos[0], yamlMessage(error.code));
      seen.add(line);
    }
    for (const warning of document.warnings)
      trouble(warning.pos[0], "has a tag such as !name, which has no meaning here; remove it");
    if (document.errors.length > 0 || document.warnings.length > 0 || document.contents === null) continue;
    const twins = repeatedKeys(document.contents);
    const lost = danglingAliases(document);
    for (const offset of lost) trouble(offset, "this alias has no anchor before it; write the value out");
    for (const offset of twins) trouble(offset, "this key stands twice in its mapping; remove one");
    if (twins.length + lost.length > 0) continue;
    const [from, , to] = document.contents.range;
    const value = resolved(document);
    if (value === null) continue;
    if (value === undefined) {
      trouble(from, "has too many aliases, or one that refers to itself; write the values out");
      continue;
    }
    documents.push({
      value,
      base: [],
      lines: [at(from).line, at(to).line],
      place: (path) => at(offsetOf(document, path)),
      keyPlace: (path) => at(keyOffset(document, path)),
      placeIn: (path, value, offset) => at(offsetInScalar(clean, document, path, value, offset)),
      line: (number) => (allLines[number - 1] ?? "").replace(/\r$/, ""),
    });
  }
  return { documents, problems };
}

/** Undefined: its aliases cannot be resolved, or expand without end. */
function resolved(document: Document.Parsed): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return isCyclic(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Items of a list as documents of their own. */
export function itemOf(list: PlacedDocument, index: number, value: unknown): PlacedDocument {
  const prefix = ["items", index];
  const from = list.place(prefix).line;
  const next = (list.value as { items: unknown[] }).items.length > index + 1 ? ["items", index + 1] : undefined;
  return {
    value,
    base: [...list.base, ...prefix],
    lines: [from, next === undefined ? list.lines[1] : list.place(next).line],
    place: (path) => list.place([...prefix, ...path]),
    keyPlace: (path) => list.keyPlace([...prefix, ...path]),
    placeIn: (path, text, offset) => list.placeIn([...prefix, ...path], text, offset),
    line: list.line,
  };
}

const TOO_DEEP = "is nested deeper than any policy; this is something else, or a bracket is missing";

/**
 * Nesting is bounded before the parser recurses into it: brackets, dashes or question marks that begin a line, and steps of
 * indentation. An estimate: brackets in texts and comments count, so it starts anew at each line that begins with a letter or `#`.
 */
function tooDeep(text: string): { line: number; column: number } | undefined {
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
function isCyclic(root: unknown): boolean {
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
function repeatedKeys(root: Node): number[] {
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

function danglingAliases(document: Document.Parsed): number[] {
  const found: number[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) found.push(alias.range?.[0] ?? 0);
    },
  });
  return found.slice(0, MAX_ALIASES);
}

/** The node at a path; aliases on the way are followed. */
function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node))
      node = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))?.value;
    else if (isSeq(node)) node = node.items[Number(key)];
    else return undefined;
  }
  return isNode(node) ? node : undefined;
}

function offsetOf(document: Document.Parsed, path: Path): number {
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
function offsetInScalar(text: string, document: Document.Parsed, path: Path, value: string, offset: number): number {
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

function keyOffset(document: Document.Parsed, path: Path, otherwise?: number): number {
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

function yamlMessage(code: string): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab is used as indentation; YAML wants spaces";
    case "MULTIPLE_ANCHORS":
    case "BAD_ALIAS":
      return "an alias or anchor is not right; write the value out";
    case "BAD_INDENT":
      return "the indentation is not right; line this up with its neighbours";
    case "MISSING_CHAR":
      return "a quote, comma or bracket is missing hereabouts; add it";
    case "NON_STRING_KEY":
      return "a key is no string; put it in quotes";
    case "RESOURCE_EXHAUSTION":
      return TOO_DEEP;
    default:
      return `this is no YAML (${code.toLowerCase().replaceAll("_", " ")}); check quotes, colons and indentation hereabouts`;
  }
}
