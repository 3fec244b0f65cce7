// What a query may cost. Every pass is linear in what these bound.
import { utf8Length } from "./chars.ts";
import { MetricsQLError } from "./errors.ts";

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
