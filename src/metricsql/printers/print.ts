// Trees to text on one line, in two styles: `canonical` is the reference's text byte by byte; `safe` reads back to the same tree.
// Syntax trees print too, for prettify(). Long chains of operators are printed in a loop (walk.ts).

import { utf8Length } from "../lexer/chars.ts";
import { escapeIdent } from "../lexer/idents.ts";
import { formatNumber } from "../lexer/numbers.ts";
import { quote } from "../lexer/strings.ts";
import { isModifierWord, samePriority, takesOver } from "../lexer/words.ts";
import {
  type Binary,
  type Definition,
  type Expr,
  metricName,
  type NumberNode,
  type RawString,
  type Rollup,
  type StringNode,
  type Syntax,
  saysNothing,
} from "../tree.ts";
import { mapUp } from "../walk.ts";
import { printModifiers, printWindow, rawSelector, safeFunctionName, safeSelector, selector } from "./print-parts.ts";

/** The text of the tree, or undefined if it has more bytes than `limit`. */
export function print(e: Syntax, safe: boolean, limit?: number): string | undefined {
  const sink = new Sink(limit);
  new Printer(sink, safe).print(e);
  return sink.full ? undefined : sink.toString();
}

export class Printer {
  private readonly out: Sink;
  private readonly safe: boolean;
  /** False: only operations get parentheses as right operands, as in old versions of the reference. */
  private readonly guarded: boolean;

  constructor(out: Sink, safe: boolean, guarded = true) {
    this.out = out;
    this.safe = safe;
    this.guarded = guarded;
  }

  print(e: Syntax): void {
    const { out } = this;
    if (out.full) return;
    switch (e.kind) {
      case "metric":
        return out.write(this.safe ? safeSelector(e.groups) : selector(e.groups));
      case "raw-metric":
        return out.write(rawSelector(e.groups));
      case "string":
        return out.write(quote(e.value));
      case "raw-string":
        return out.write(e.pieces.map((p) => p.text).join("+"));
      case "number":
        return out.write(this.number(e));
      case "duration":
        return out.write(this.safe ? e.text.replaceAll("$__interval", "1i") : e.text);
      case "func":
        out.write(this.safe ? safeFunctionName(e.name) : escapeIdent(e.name));
        this.list(e.args);
        return out.write(e.keepMetricNames ? " keep_metric_names" : "");
      case "aggrfunc":
        out.write(escapeIdent(e.name));
        this.list(e.args);
        return out.write(printModifiers(e, this.safe));
      case "rollup":
        return this.rollup(e);
      case "binaryop":
        return this.operation(e);
      case "parens":
        return this.list(e.items);
      case "with":
        out.write("WITH (");
        e.defs.forEach((d, i) => {
          if (i > 0) out.write(", ");
          this.definition(d);
        });
        out.write(") ");
        return this.print(e.expr);
    }
  }

  definition(d: Definition): void {
    const params = d.params.length === 0 ? "" : `(${d.params.map(escapeIdent).join(",")})`;
    this.out.write(`${escapeIdent(d.name)}${params} = `);
    this.print(d.expr);
  }

  /** What stands behind the inner expression. */
  suffix(e: Rollup<Syntax>): void {
    this.out.write(printWindow(e, this.safe));
    if (e.at === undefined) return;
    this.out.write(" @ ");
    this.enclosed(e.at, atNeedsParens(e.at, this.safe));
  }

  /** The operator and what stands between it and its right operand. */
  operator(e: Binary<Syntax, RawString | StringNode>): void {
    const { out } = this;
    out.write(e.op);
    if (e.bool) out.write("bool");
    out.write(printModifiers({ modifier: e.group }, this.safe));
    out.write(printModifiers({ modifier: e.join }, this.safe));
    if (e.prefix !== undefined) {
      out.write(" prefix ");
      this.print(e.prefix);
    }
    const { fillLeft, fillRight } = e;
    if (fillLeft !== undefined && fillLeft === fillRight) return out.write(` fill(${this.number(fillLeft)})`);
    if (fillLeft !== undefined) out.write(` fill_left(${this.number(fillLeft)})`);
    if (fillRight !== undefined) out.write(` fill_right(${this.number(fillRight)})`);
  }

  private rollup(e: Rollup<Syntax>): void {
    this.enclosed(e.expr, innerNeedsParens(e, this.safe));
    this.suffix(e);
  }

  private operation(top: Binary<Syntax, RawString | StringNode>): void {
    const chain = [];
    let first: Syntax = top;
    let parens = false;
    for (; first.kind === "binaryop" && !this.out.full; first = first.left) {
      if (parens) this.out.write("(");
      if (first.keepMetricNames) this.out.write("(");
      chain.push({ e: first, parens });
      parens = leftNeedsParens(first, this.safe);
    }
    this.enclosed(first, parens);
    for (const { e, parens } of chain.reverse()) {
      if (this.out.full) return;
      this.out.write(" ");
      this.operator(e);
      this.out.write(" ");
      this.enclosed(e.right, this.guarded ? rightNeedsParens(e, this.safe) : e.right.kind === "binaryop");
      if (e.keepMetricNames) this.out.write(") keep_metric_names");
      if (parens) this.out.write(")");
    }
  }

  private enclosed(e: Syntax, parens: boolean): void {
    if (parens) this.out.write("(");
    this.print(e);
    if (parens) this.out.write(")");
  }

  private list(items: readonly Syntax[]): void {
    this.out.write("(");
    items.forEach((e, i) => {
      if (i > 0) this.out.write(", ");
      this.print(e);
    });
    this.out.write(")");
  }

  private number(e: NumberNode): string {
    if (e.text !== undefined) return e.text;
    if (this.safe && Object.is(e.value, -0)) return "0 * -1"; // `-0` reads back as 0 - 0
    if (this.safe && e.value === Number.POSITIVE_INFINITY) return "Inf";
    return formatNumber(e.value);
  }
}

// -- The two texts of a tree.

/**
 * The reference library's own text, byte by byte, for comparison. It does not always read back to the same query; bytes of names
 * that are not UTF-8 are U+FFFD in it.
 */
export const canonical = (e: Expr): string => print(e, false)!;

/** What VictoriaMetrics 1.79 makes of the query before it optimizes it; it panics if it cannot read that back. */
export function textOfOldServer(e: Expr): string {
  const sink = new Sink();
  new Printer(sink, false, false).print(e);
  return sink.toString();
}

/** A text that reads back to the same tree, for everything that is sent. */
export const toSafeString = (e: Expr): string => print(mapUp(e, dropEmptySuffix), true)!;

const dropEmptySuffix = (e: Syntax): Syntax => (e.kind === "rollup" && saysNothing(e) ? e.expr : e);

// -- Where a printer puts parentheses. In the reference's text some are missing, so that it reads back as something else or not at
// all; `safe` puts them there too.

type Operation = Binary<Syntax, RawString | StringNode>;

/** A number that is printed with a sign: it reads back as an operation, with the priority of a minus. */
const isSigned = (e: Syntax): boolean =>
  e.kind === "number" && e.text === undefined && (e.value < 0 || Object.is(e.value, -0));

function asOperand(e: Syntax, safe: boolean): boolean {
  if (e.kind === "binaryop") return true;
  if (e.kind === "rollup")
    return (e.expr.kind === "binaryop" && e.expr.keepMetricNames) || e.offset !== undefined || e.at !== undefined;
  return safe && isSigned(e);
}

/** A chain such as `a + b - c` is safe without: nested hundreds of times, parentheses would not be read back. */
export const leftNeedsParens = (e: Operation, safe: boolean): boolean =>
  asOperand(e.left, safe) && !(safe && isChained(e, e.left));

const isChained = (e: Operation, left: Syntax): boolean =>
  left.kind === "binaryop" && !left.keepMetricNames && samePriority(e.op, left.op) && !takesOver(e.op, left.op);

/** True if the text of the operand ends with a string, which takes a `+` and a name after it for more of itself. */
const endsWithString = (e: Operation): boolean =>
  e.left.kind === "string" || (isChained(e, e.left) && e.left.kind === "binaryop" && e.left.right.kind === "string");

export function rightNeedsParens(e: Operation, safe: boolean): boolean {
  const { right } = e;
  if (asOperand(right, safe)) return true;
  // `"a" + b` is a string made of two, if `b` is a name.
  if (safe && e.op === "+" && endsWithString(e) && right.kind !== "func" && right.kind !== "aggrfunc") return true;
  if (right.kind === "metric") return isModifierWord(metricName(right.groups));
  if (right.kind === "func") return isModifierWord(right.name) || right.keepMetricNames || e.keepMetricNames;
  return false;
}

export function innerNeedsParens(e: Rollup<Syntax>, safe: boolean): boolean {
  const { expr } = e;
  if (expr.kind === "rollup" || expr.kind === "binaryop") return true;
  if (expr.kind === "aggrfunc") return expr.modifier !== undefined || (safe && expr.limit !== undefined);
  return safe && isSigned(expr);
}

export const atNeedsParens = (at: Syntax, safe: boolean): boolean =>
  at.kind === "binaryop" || (safe && (at.kind === "rollup" || isSigned(at)));

// -- Where a printer writes to. With a limit it stops taking text once there is more: a try at one line then costs one line.

export class Sink {
  private readonly parts: string[] = [];
  private room: number;

  /** In bytes of UTF-8. */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.room = limit;
  }

  /** True once more was written than there is room for; what follows is lost. */
  get full(): boolean {
    return this.room < 0;
  }

  write(text: string): void {
    if (this.full) return;
    this.room -= this.room === Number.POSITIVE_INFINITY ? 0 : text.length > this.room ? text.length : utf8Length(text);
    if (!this.full) this.parts.push(text);
  }

  toString(): string {
    return this.parts.join("");
  }
}
