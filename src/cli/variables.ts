// Warnings of OUTFLOW_… variables that no setting reads.
import { unknownVariables } from "../config/variables.ts";
import { printable } from "../platform/printable.ts";

export function warnOfVariables(): void {
  for (const sentence of unknownVariables(process.env))
    process.stderr.write(`outflow: warning: ${printable(sentence)}\n`);
}
