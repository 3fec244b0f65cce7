// The parser's place in the tokens. It moves forward only; errors name the token they stopped at and what could have been there.
import type { ErrorCode, Pos } from "./errors.ts";
import { MetricsQLError } from "./errors.ts";
import { type Token, tokenize } from "./lexer.ts";
import { isWord } from "./words.ts";

/** The span of nodes that no query text has: those of the built-in templates. */
const NOWHERE: Pos = { offset: -1, length: 0 };

export class Cursor {
  readonly text: string;
  readonly maxDepth: number;
  private readonly tokens: Token[];
  private readonly builtin: boolean;
  private at = 0;
  private depth = 0;

  constructor(text: string, maxDepth: number, builtin = false) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.tokens = tokenize(text);
    this.builtin = builtin;
  }

  /** The token to parse next. Throws if the text there is not a token. */
  get token(): Token {
    return this.valid(this.at);
  }

  /** The token after it. */
  get next(): Token {
    return this.valid(this.at + 1);
  }

  get afterNext(): Token {
    return this.valid(this.at + 2);
  }

  private valid(index: number): Token {
    const token = this.tokens[Math.min(index, this.tokens.length - 1)]!;
    if (token.kind === "error") throw this.error("lex", token.text, token);
    return token;
  }

  take(): Token {
    const token = this.token;
    if (token.kind !== "eof") this.at++;
    return token;
  }

  is(text: string): boolean {
    const { token } = this;
    return token.text === text && token.kind !== "string";
  }

  isWord(word: string): boolean {
    return this.token.kind === "ident" && isWord(this.token.text, word);
  }

  /** Takes the token if it is this one. */
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  expect(...texts: string[]): Token {
    if (!texts.some((t) => this.is(t))) throw this.unexpected(...texts.map((t) => `"${t}"`));
    return this.take();
  }

  /** Puts another token in the place of the current one, for a window's `5m:1m`, which the lexer reads as `5m` and `:1m`. */
  replace(token: Token): void {
    this.tokens[this.at] = token;
  }

  /** From a place to the end of the last token taken. */
  spanFrom(start: Pos): Pos {
    if (this.builtin) return NOWHERE;
    const last = this.tokens[this.at - 1] ?? start;
    return { offset: start.offset, length: Math.max(0, last.offset + last.length - start.offset) };
  }

  spanOf({ offset, length }: Pos): Pos {
    return this.builtin ? NOWHERE : { offset, length };
  }

  /** Runs a nested rule, one level deeper. */
  nested<T>(rule: (c: Cursor) => T): T {
    if (++this.depth > this.maxDepth) throw this.tooDeep(this.token);
    const result = rule(this);
    this.depth--;
    return result;
  }

  tooDeep(at: Pos): MetricsQLError {
    return this.error("limit", `nested more than ${this.maxDepth} levels deep`, at);
  }

  error(code: ErrorCode, message: string, at: Pos, expected?: string[]): MetricsQLError {
    return new MetricsQLError(code, message, this.text, at, expected);
  }

  unexpected(...expected: string[]): MetricsQLError {
    const { token } = this;
    const found = token.kind === "eof" ? "end of the query" : JSON.stringify(shorten(token.text));
    return this.error("syntax", `unexpected ${found}: expected ${list(expected)}`, token, expected);
  }
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
