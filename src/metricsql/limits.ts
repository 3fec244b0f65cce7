// What a query may cost. Every pass is linear in what these bound.
import { utf8Length } from "./lexer/chars.ts";
import { type ErrorCode, MetricsQLError, type Pos } from "./lexer/errors.ts";
import { checkRegex } from "./lexer/regex.ts";

export type ParseOptions = {
  /** Bytes of UTF-8; 65,536 if left out. */
  maxLength?: number;
  /** Nesting; 500 if left out, and at most 1,000: more could overflow the stack. A chain of operators that bind to the left does not nest. */
  maxDepth?: number;
  /** Nodes, filters and labels that templates add while they are expanded; 100,000 if left out. */
  maxNodes?: number;
  /** False leaves operations on constants as they are, for a text that is sent: servers of other versions compute some otherwise. */
  fold?: boolean;
};

export type Limits = Required<ParseOptions>;

/** The default of the servers' -search.maxQueryLen. */
export const SERVER_MAX_LENGTH = 16_384;

export const MAX_DEPTH = 1_000;

export const withDefaults = (o: ParseOptions = {}): Limits => ({
  maxLength: o.maxLength ?? 65_536,
  maxDepth: Math.min(o.maxDepth ?? 500, MAX_DEPTH),
  maxNodes: o.maxNodes ?? 100_000,
  fold: o.fold ?? true,
});

/** Runs `body`. A caller that is deep in the stack itself gets a limit error instead of an overflow. */
export function bounded<T>(text: string, body: () => T): T {
  try {
    return body();
  } catch (e) {
    if (!(e instanceof RangeError) || !/call stack/i.test(e.message)) throw e;
    throw new MetricsQLError("limit", "nested too deep for the stack that is left", text, { offset: 0, length: 0 });
  }
}

/** The text that all offsets count in: well-formed, so that it has one spelling in UTF-8, and as long as the one given. */
export function admit(query: string, limits: Limits): string {
  const text = query.toWellFormed();
  const bytes = utf8Length(text);
  if (bytes > limits.maxLength)
    throw new MetricsQLError("limit", `a query of ${bytes} bytes; at most ${limits.maxLength} are read`, text, {
      offset: 0,
      length: text.length,
    });
  return text;
}

// -- What the expansion of one query may still cost, and where its errors are: at the use in the query text, since what is wrong
// may stand in a definition.

export class Budget {
  private readonly text: string;
  private readonly limits: Limits;
  private left: number;
  private readonly regexes = new Map<string, string | undefined>();
  /** The outermost use of a template that is being expanded. */
  private use: Pos | undefined;

  constructor(text: string, limits: Limits) {
    this.text = text;
    this.limits = limits;
    this.left = limits.maxNodes;
  }

  /** Counts what is made inside of a template. What the query itself has is bounded by its length. */
  count(nodes: number, at: Pos): void {
    if (this.use !== undefined) this.charge(nodes, at);
  }

  /** Counts nodes, filters, labels and pieces of text that a template has put somewhere. */
  charge(nodes: number, at: Pos): void {
    this.left -= nodes;
    if (this.left < 0)
      throw this.error("limit", `templates add more than ${this.limits.maxNodes} nodes to this query`, at);
  }

  checkDepth(depth: number, at: Pos): void {
    if (depth > this.limits.maxDepth)
      throw this.error("limit", `nested more than ${this.limits.maxDepth} levels deep once templates are expanded`, at);
  }

  /** Throws unless the value is a regex of RE2. */
  regex(value: string, label: string, at: Pos): void {
    if (!this.regexes.has(value)) this.regexes.set(value, checkRegex(value));
    const problem = this.regexes.get(value);
    if (problem !== undefined) throw this.error("regex", `the regex for ${label}: ${problem}`, at);
  }

  /** Runs `body` as part of a template that is used at `at`. */
  within<T>(at: Pos, body: () => T): T {
    const outer = this.use;
    this.use ??= at;
    const result = body();
    this.use = outer;
    return result;
  }

  /** The span of a node: its own, or the use for one that no query text has. */
  place(span: Pos): Pos {
    return span.offset >= 0 ? span : (this.use ?? { offset: 0, length: 0 });
  }

  error(code: ErrorCode, message: string, at: Pos): MetricsQLError {
    return new MetricsQLError(code, message, this.text, this.use ?? this.place(at));
  }
}
