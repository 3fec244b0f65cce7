// Trees to text on one line, in two styles: `canonical` is the reference's text byte by byte; `safe` reads back to the same tree.
// Syntax trees print too, for prettify(). Long chains of operators are printed in a loop (walk.ts).
import { escapeIdent } from "./idents.ts";
import { formatNumber } from "./numbers.ts";
import { atNeedsParens, innerNeedsParens, leftNeedsParens, rightNeedsParens } from "./parens.ts";
import { printModifiers, printWindow, safeFunctionName } from "./print-parts.ts";
import { rawSelector, safeSelector, selector } from "./print-selector.ts";
import { Sink } from "./sink.ts";
import { quote } from "./strings.ts";
import type { Definition, RawString, Syntax } from "./syntax.ts";
import type { Binary, NumberNode, Rollup, StringNode } from "./tree.ts";

/** The text of the tree, or undefined if it has more bytes than `limit`. */
export function print(e: Syntax, safe: boolean, limit?: number): string | undefined {
  const sink = new Sink(limit);
  new Printer(sink, safe).print(e);
  return sink.full ? undefined : sink.toString();
}

export class Printer {
  private readonly out: Sink;
  private readonly safe: boolean;

  constructor(out: Sink, safe: boolean) {
    this.out = out;
    this.safe = safe;
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
      this.enclosed(e.right, rightNeedsParens(e, this.safe));
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
