// All mutations, and how each is written: one line of a table.
import { fleetMutations, type Mutation } from "./fleet-mutations.ts";
import { kubernetesMutations } from "./kubernetes-mutations.ts";
import { senderMutations } from "./sender-mutations.ts";

export const mutations: readonly Mutation[] = [...fleetMutations, ...kubernetesMutations, ...senderMutations];

/** `outcome`: the test that must fail, or what became of it. */
export function mutationRow({ rule, file, from, to }: Mutation, outcome: string): string {
  const change = `${from.trim()} → ${to.trim() || "nothing"}`.replace(/\s+/g, " ").replaceAll("|", "\\|");
  return `| ${rule} | \`${file}\`: \`${change}\` | ${outcome} |`;
}
