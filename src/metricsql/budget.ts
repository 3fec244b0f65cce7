// What the expansion of one query may still cost, and where its errors are: at the use in the query text, since what is wrong
// may stand in a definition.
import { type ErrorCode, MetricsQLError, type Pos } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { checkRegex } from "./regex.ts";

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
