// A query in lines of at most 80 bytes where that can be, templates kept. In: text. Out: text. It only has to be of the grammar:
// unknown functions, missing templates and bad strings pass. Throws MetricsQLError.

import { dropParens } from "../fold.ts";
import { utf8Length } from "../lexer/chars.ts";
import { MetricsQLError } from "../lexer/errors.ts";
import { escapeIdent, needsEscape, quoteIdent } from "../lexer/idents.ts";
import { admit, bounded, type ParseOptions, withDefaults } from "../limits.ts";
import { readSyntax } from "../parse.ts";
import type { Binary, Definition, RawFilter, RawMetric, RawString, StringNode, Syntax } from "../tree.ts";
import { innerNeedsParens, leftNeedsParens, Printer, print, rightNeedsParens, Sink } from "./print.ts";
import { printModifiers, rawFilterText, rawIsOnlyName, rawLabel, rawName } from "./print-parts.ts";

const LINE = 80;
/** A long chain of operators is indented once more for every operand: its text grows with the square of it. */
const MAX_TEXT = 8 * 1024 * 1024;

export function prettify(query: string, options?: ParseOptions): string {
  const limits = withDefaults(options);
  const text = admit(query, limits);
  const pretty = new Pretty();
  try {
    bounded(text, () => pretty.expr(dropParens(readSyntax(text, limits.maxDepth)), 0, false));
  } catch (error) {
    if (error !== TOO_LONG) throw error;
    throw new MetricsQLError("limit", `more than ${MAX_TEXT} bytes of text`, text, { offset: 0, length: text.length });
  }
  return pretty.text.toWellFormed();
}

const TOO_LONG = new Error("too long");

const indentOf = (level: number): string => "  ".repeat(level);

class Pretty {
  private readonly parts: string[] = [];
  private size = 0;

  get text(): string {
    return this.parts.join("");
  }

  private write(...texts: string[]): void {
    for (const text of texts) {
      this.size += text.length;
      if (this.size > MAX_TEXT) throw TOO_LONG;
      this.parts.push(text);
    }
  }

  /** Writes on one line if it fits. */
  private tryLine(e: Syntax, level: number, parens: boolean): boolean {
    const room = LINE - 2 * level - (parens ? 2 : 0);
    const line = room < 0 ? undefined : print(e, false, room);
    if (line === undefined) return false;
    this.write(indentOf(level), parens ? `(${line})` : line);
    return true;
  }

  expr(top: Syntax, topLevel: number, topParens: boolean): void {
    // Operations are opened in a loop down their left sides, then closed on the way back.
    const opened: { e: Operation; level: number; parens: boolean }[] = [];
    let e = top;
    let level = topLevel;
    let parens = topParens;
    while (e.kind === "binaryop" && !this.tryLine(e, level, parens)) {
      opened.push({ e, level, parens });
      if (parens) this.write(indentOf(level++), "(\n");
      if (e.keepMetricNames) this.write(indentOf(level++), "(\n");
      parens = leftNeedsParens(e, false);
      e = e.left;
    }
    if (e.kind !== "binaryop") this.split(e, level, parens);
    for (const o of opened.reverse()) this.closeOperation(o.e, o.level, o.parens);
  }

  private closeOperation(e: Operation, level: number, parens: boolean): void {
    let inner = level + (parens ? 1 : 0) + (e.keepMetricNames ? 1 : 0);
    const operator = new Sink();
    new Printer(operator, false).operator(e);
    this.write("\n", indentOf(inner + 1), operator.toString(), "\n");
    this.expr(e.right, inner, rightNeedsParens(e, false));
    if (e.keepMetricNames) this.write("\n", indentOf(--inner), ") keep_metric_names");
    if (parens) this.write("\n", indentOf(--inner), ")");
  }

  /** All but operations. */
  private split(e: Exclude<Syntax, Operation>, level: number, parens: boolean): void {
    if (this.tryLine(e, level, parens)) return;
    if (!parens) return this.splitBare(e, level);
    this.write(indentOf(level), "(\n");
    this.splitBare(e, level + 1);
    this.write("\n", indentOf(level), ")");
  }

  private splitBare(e: Exclude<Syntax, Operation>, level: number): void {
    switch (e.kind) {
      case "with":
        this.write(indentOf(level), "WITH (\n");
        for (const d of e.defs) {
          this.definition(d, level + 1);
          this.write(",\n");
        }
        this.write(indentOf(level), ")\n");
        return this.expr(e.expr, level, false);
      case "rollup": {
        this.expr(e.expr, level, innerNeedsParens(e, false));
        const suffix = new Sink();
        new Printer(suffix, false).suffix(e);
        return this.write(suffix.toString());
      }
      case "aggrfunc":
        this.args(e.name, e.args, level);
        return this.write(printModifiers(e, false));
      case "func":
        this.args(e.name, e.args, level);
        return this.write(e.keepMetricNames ? " keep_metric_names" : "");
      case "raw-metric":
        return this.selector(e, level);
      default:
        // What cannot be split stays as it is, without its indent.
        return this.write(print(e, false)!);
    }
  }

  private args(name: string, args: Syntax[], level: number): void {
    this.write(indentOf(level), escapeIdent(name), "(\n");
    for (const [i, arg] of args.entries()) {
      this.expr(arg, level + 1, false);
      this.write(i + 1 < args.length ? ",\n" : "\n");
    }
    this.write(indentOf(level), ")");
  }

  private definition(d: Definition, level: number): void {
    const line = new Sink(LINE - 2 * level);
    new Printer(line, false).definition(d);
    if (!line.full) return this.write(indentOf(level), line.toString());
    const params = d.params.length === 0 ? "" : `(${d.params.map(escapeIdent).join(", ")})`;
    this.write(indentOf(level), escapeIdent(d.name), params, " = (\n");
    this.expr(d.expr, level + 1, false);
    this.write("\n", indentOf(level), ")");
  }

  private selector({ groups }: RawMetric, level: number): void {
    const name = rawName(groups);
    const quoted = needsEscape(name);
    this.write(indentOf(level), quoted ? "" : name);
    if (rawIsOnlyName(groups)) return this.write(quoted ? `{${quoteIdent(name)}}` : "");
    this.write("{\n");
    if (quoted) this.write(rawLabel(name), ", \n");
    const skip = name === "" ? 0 : 1;
    groups.forEach((g, i) => {
      if (g.length <= skip) return;
      this.filters(g.slice(skip), level + 1);
      this.write("\n");
      if ((groups[i + 1]?.length ?? 0) > skip) this.write(indentOf(level + 2), "or\n");
    });
    this.write(indentOf(level), "}");
  }

  private filters(filters: RawFilter[], level: number): void {
    const texts = filters.map(rawFilterText);
    const line = indentOf(level) + texts.join(",");
    this.write(utf8Length(line) <= LINE ? line : texts.map((t) => indentOf(level) + t).join(",\n"));
  }
}

type Operation = Binary<Syntax, RawString | StringNode>;
