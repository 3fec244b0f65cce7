// YAML text in, documents with places out. Every problem has file, line and column; text that is not valid YAML is never echoed. Bounded
// whatever comes in: nesting, aliases and repeated keys cost no more than the text is long.
import { type Document, LineCounter, parseAllDocuments, type ScalarTag } from "yaml";
import type { Place, Problem } from "../policy.ts";
import { ambiguousNumbers, danglingAliases, isCyclic, MAX_ALIASES, repeatedKeys, tooDeep } from "./bounds.ts";
import { fieldPath } from "./field-path.ts";
import { keyOffset, offsetInScalar, offsetOf, type Path } from "./places.ts";

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

const MAX_DOCUMENTS = 5_000;

/** kubectl reads YAML 1.1, where these are booleans: where a string is wanted they need quotes. */
const oldBoolean: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|on)/i.test(text),
};

export function readDocuments(file: string, text: string): { documents: PlacedDocument[]; problems: Problem[] } {
  // One may stand before each document: files that were joined.
  const clean = text.replace(/^\ufeff/gm, "");
  const documents: PlacedDocument[] = [];
  const problems: Problem[] = [];
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const trouble = (offset: number, message: string, path: Path = []) =>
    problems.push({ severity: "problem", place: at(offset), path: fieldPath(path), message });
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
      merge: true, // as kubectl does, and every tool that reads YAML 1.1
      customTags: (tags) => [oldBoolean, ...tags],
    }) as Document.Parsed[];
  } catch {
    trouble(0, TOO_DEEP);
    return { documents, problems };
  }
  const allLines = clean.split("\n");
  for (const document of parsed) {
    // One mistake leads to others: the first of a line is the one to fix.
    const seen = new Set<number>();
    for (const error of document.errors) {
      const { line } = at(error.pos[0]);
      if (!seen.has(line)) trouble(error.pos[0], yamlMessage(error.code));
      seen.add(line);
    }
    for (const warning of document.warnings)
      trouble(warning.pos[0], "has a tag such as !name, which has no meaning here; remove it");
    if (document.errors.length > 0 || document.warnings.length > 0 || document.contents === null) continue;
    // A key of a Secret that is not its own may be a password in the wrong place.
    const secretive = /kind["']?\s*:\s*["']?secret|stringdata/i.test(clean.slice(document.range[0], document.range[2]));
    const shown = (path: Path): Path => (secretive ? [] : path);
    const twins = repeatedKeys(document.contents);
    const lost = danglingAliases(document);
    const unclear = ambiguousNumbers(document.contents);
    for (const offset of lost) trouble(offset, "this alias has no anchor before it; write the value out");
    for (const { offset, path } of twins) trouble(offset, "this key is in its mapping twice; remove one", shown(path));
    for (const { offset, path } of unclear)
      trouble(
        offset,
        "is ambiguous: octal for kubectl (YAML 1.1), decimal in YAML 1.2; write it without leading zeros",
        shown(path),
      );
    if (twins.length + lost.length + unclear.length > 0) continue;
    const [from, , to] = document.contents.range;
    const value = resolved(document);
    if (value === null) continue;
    if (value === undefined) {
      trouble(
        from,
        "has too many aliases, one that refers to itself, or a merge key (<<) of something that is not a mapping; write the values out",
      );
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

/** Undefined: its aliases or merge keys cannot be resolved, or expand without end. */
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

function yamlMessage(code: string): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab is used as indentation; YAML requires spaces";
    case "MULTIPLE_ANCHORS":
    case "BAD_ALIAS":
      return "an alias or anchor is not valid; write the value out";
    case "BAD_INDENT":
      return "the indentation is wrong; line this up with its neighbours";
    case "MISSING_CHAR":
      return "a quote, comma or bracket is missing near here; add it";
    case "NON_STRING_KEY":
      return "a key is not a string; put it in quotes";
    case "RESOURCE_EXHAUSTION":
      return TOO_DEEP;
    default:
      return `this is not valid YAML (${code.toLowerCase().replaceAll("_", " ")}); check quotes, colons and indentation near here`;
  }
}
