// The words that the grammar knows, all in lower case; they are keywords only where the grammar takes them for one.
import { lower } from "./chars.ts";

const WORD_OPERATORS = ["and", "or", "unless", "if", "ifnot", "default", "atan2"];
const SIGN_OPERATORS = ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="];
const OPERATORS = new Set([...WORD_OPERATORS, ...SIGN_OPERATORS]);

const PRIORITY: Record<string, number> = {
  default: -1,
  if: 0,
  ifnot: 0,
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  ">": 3,
  "<=": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};

export const isOperator = (text: string): boolean => OPERATORS.has(lower(text));
export const isComparison = (op: string): boolean => PRIORITY[op] === 3;
export const isLogical = (op: string): boolean => op === "and" || op === "or" || op === "unless";
/** The operators that refuse `fill`. */
export const isSetOperator = (op: string): boolean =>
  isLogical(op) || op === "if" || op === "ifnot" || op === "default";

/** True if an operator `next` binds what an operator `op` to the left of it has as right operand. */
export const takesOver = (next: string, op: string): boolean =>
  PRIORITY[next]! > PRIORITY[op]! || (next === op && next === "^");

export const samePriority = (a: string, b: string): boolean => PRIORITY[a] === PRIORITY[b];

export const isGroupWord = (text: string): boolean => ["on", "ignoring"].includes(lower(text));
export const isJoinWord = (text: string): boolean => ["group_left", "group_right"].includes(lower(text));
export const isFillWord = (text: string): boolean => ["fill", "fill_left", "fill_right"].includes(lower(text));
export const isByWord = (text: string): boolean => ["by", "without"].includes(lower(text));
export const isWord = (text: string, word: string): boolean => lower(text) === word;

const MODIFIERS = new Set([
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "bool",
  "prefix",
  "fill",
  "fill_left",
  "fill_right",
]);
/** Words that an operator takes before its right operand. */
export const isModifierWord = (text: string): boolean => MODIFIERS.has(lower(text));

const CLAUSES = new Set(["by", "without", "limit", "offset", "keep_metric_names", "with"]);
/** Words with a meaning of their own somewhere: a metric of that name is safer as a filter. */
export const isReserved = (text: string): boolean =>
  isModifierWord(text) || isOperator(text) || CLAUSES.has(lower(text));
