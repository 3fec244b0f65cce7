// Mutations of what keeps a thousand policies cheap, and of what finds deaf watches, for bench/mutations.ts.
import type { Mutation } from "./fleet-mutations.ts";

const steps = { file: "src/policy/steps.ts", test: "test/policy/steps.test.ts" };
const wanted = { file: "src/exporter/wanted-sinks.ts", test: "test/exporter/reload.test.ts" };
const objects = { file: "src/kubernetes/policy-objects.ts", test: "test/kubernetes/policy-objects.test.ts" };
const watches = { file: "src/kubernetes/client/watches.ts", test: "test/kubernetes/informer.test.ts" };
const readers = "test/reading/reader-set.test.ts";
const many = "test/status/many.test.ts";

export const kubernetesMutations: Mutation[] = [
  { rule: "many policies: a step changes a few sinks", ...steps, from: "STEP_SINKS = 4", to: "STEP_SINKS = 400" },
  {
    rule: "many policies: one that was created again ends first",
    ...steps,
    from: " || wanted.get(id)!.uid !== policy.uid",
    to: "",
  },
  {
    rule: "many policies: those that are the same are not looked at",
    file: wanted.file,
    test: "test/exporter/wanted-sinks.test.ts",
    from: "(a, b) => a === b",
    to: "() => false",
  },
  {
    rule: "many policies: what another agent owned for a moment is new",
    ...wanted,
    from: "this.#policies = this.#policies.filter(isOurs);",
    to: "",
  },
  {
    rule: "many policies: Secrets are decoded in slices",
    ...objects,
    from: "this.#resolve(id);\n      if (isOver()) return;",
    to: "this.#resolve(id);",
  },
  {
    rule: "many policies: a Secret that is named again is asked for",
    ...objects,
    from: "this.#unlooked.add(secret);",
    to: "",
  },
  {
    rule: "many policies: the status of the others stays as it is",
    file: "src/status/reduce.ts",
    from: "sameInfo(was, info) ? was :",
    to: "false ? was :",
    test: many,
  },
  {
    rule: "many policies: a sink is found in each snapshot",
    file: "src/status/sinks.ts",
    from: "if (i === undefined || order[i] === id) return i;",
    to: "if (i !== -1) return i;",
    test: many,
  },
  {
    rule: "many policies: memory is counted where it may be short",
    file: "src/reading/buffered.ts",
    from: "limit / 2",
    to: "limit * 2",
    test: readers,
  },
  {
    rule: "many policies: a query is known as long as it has a reader",
    file: "src/reading/reader-set.ts",
    from: "if (others === 0) this.#keys.delete(reader.key);\n    else",
    to: "",
    test: readers,
  },
  {
    rule: "many watches: one of each server ends soon",
    ...watches,
    from: "!this.#endsWithin(turn, soon) ? soon",
    to: "false ? soon",
  },
  {
    rule: "many watches: another one takes its place",
    ...watches,
    from: "running.sort((a, b) => a.endsMs - b.endsMs)[0]?.renew();",
    to: "",
  },
  {
    rule: "many watches: a deaf one renews the others",
    ...watches,
    from: "for (const { renew } of suspects) renew();",
    to: "",
  },
];
