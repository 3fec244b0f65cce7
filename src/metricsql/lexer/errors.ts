// Where and why a query is refused. In: a code, a message, the text and a place in it. Out: the one error this library throws.

/** A place in the query text, in UTF-16 units. */
export type Pos = { offset: number; length: number };

export type ErrorCode =
  | "lex"
  | "syntax"
  | "template"
  | "string"
  | "duration"
  | "number"
  | "regex"
  | "unknown-function"
  | "duplicate"
  | "limit"
  /** A filter could not be enforced for certain; the query must not be sent. */
  | "enforce";

/** A message may quote the query, which may be long. */
const MAX_MESSAGE = 400;

/** Line and column count from 1; the column is in UTF-16 units. At the end of the text `length` is 0. */
export class MetricsQLError extends Error {
  override readonly name = "MetricsQLError";
  readonly code: ErrorCode;
  readonly offset: number;
  readonly length: number;
  readonly line: number;
  readonly column: number;
  /** What could have stood there, as one would write it: `"("`, `label name`. */
  readonly expected?: string[];

  constructor(code: ErrorCode, message: string, text: string, at: Pos, expected?: string[]) {
    super(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message);
    this.code = code;
    this.offset = Math.max(0, Math.min(at.offset, text.length));
    this.length = Math.max(0, Math.min(at.length, text.length - this.offset));
    const before = text.slice(0, this.offset);
    this.line = before.split("\n").length;
    this.column = this.offset - before.lastIndexOf("\n");
    if (expected !== undefined) this.expected = expected;
  }
}
