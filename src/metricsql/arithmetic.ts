// What an operator makes of two numbers. NaN stands for "no value": the set operators treat it as absent, and NaN == NaN holds.
import { arctangent2 } from "./arctangent.ts";
import { power } from "./power.ts";

export function evaluate(op: string, a: number, b: number, bool: boolean): number {
  const holds = compare(op, a, b);
  if (holds !== undefined) return bool ? Number(holds) : holds ? a : Number.NaN;
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "atan2":
      return arctangent2(a, b);
    case "^":
      return power(a, b);
    case "and":
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a;
    case "or":
    case "default":
      return Number.isNaN(a) ? b : a;
    case "if":
      return Number.isNaN(b) ? Number.NaN : a;
    case "ifnot":
      return Number.isNaN(b) ? a : Number.NaN;
    default: // unless
      return Number.NaN;
  }
}

/** Undefined if `op` compares nothing. */
function compare(op: string, a: number, b: number): boolean | undefined {
  const equal = Number.isNaN(a) ? Number.isNaN(b) : a === b;
  switch (op) {
    case "==":
      return equal;
    case "!=":
      return !equal;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    default:
      return undefined;
  }
}
