// Where a query selects series by a label, or moves its value to where it could be selected by: for labels that an operator forbids
// in queries. Grouping (`by`, `without`, `group_left`) and setting a label select nothing and are not listed.

import { lower } from "../lexer/chars.ts";
import type { Pos } from "../lexer/errors.ts";
import type { Expr } from "../tree.ts";
import { visit } from "../walk.ts";
import { selectorsOf } from "./check.ts";

/** `how` reads on from "the query": `filters on tenant`, `joins on tenant`, `reads tenant in label_copy()`. */
export type LabelUse = { how: string; span: Pos | undefined };

/** Which string arguments name a label that is read. Arguments count from 0; `from` takes all later ones. */
const READERS: Record<string, { at?: number[]; from?: number; step?: number }> = {
  label_match: { at: [1] },
  label_mismatch: { at: [1] },
  label_value: { at: [1] },
  label_replace: { at: [3] },
  label_join: { from: 3 },
  label_copy: { from: 1, step: 2 },
  label_move: { from: 1, step: 2 },
  label_transform: { at: [1] },
  label_map: { at: [1] },
  labels_equal: { from: 1 },
  label_uppercase: { from: 1 },
  label_lowercase: { from: 1 },
};

export function selectionsBy(root: Expr, label: string): LabelUse[] {
  const uses: LabelUse[] = selectorsOf(root).flatMap((s) =>
    s.groups
      .flat()
      .filter((f) => f.label === label)
      .map((f) => ({ how: `filters on ${label}`, span: f.span })),
  );
  visit(root, {
    leave(e) {
      if (e.kind === "binaryop" && e.group?.labels.includes(label))
        uses.push({ how: `matches ${e.group.op}(${label})`, span: e.group.span });
      if (e.kind !== "func") return;
      const name = lower(e.name);
      for (const [i, arg] of e.args.entries())
        if (reads(name, i) && arg.kind === "string" && arg.value === label)
          uses.push({ how: `reads ${label} in ${name}()`, span: arg.span });
    },
  });
  return uses;
}

function reads(name: string, i: number): boolean {
  const { at = [], from = Number.POSITIVE_INFINITY, step = 1 } = READERS[name] ?? {};
  return at.includes(i) || (i >= from && (i - from) % step === 0);
}
