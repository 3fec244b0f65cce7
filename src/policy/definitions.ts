// Policies and Secrets that are defined more than once: whoever was first stays, the others are refused and named. First is who had the name
// at the load before, also across a restart (the agent keeps the definitions with its state); where nobody had it, the order of --policies
// and of file names. Pure.

import type { Place, Policy, Problem } from "./policy.ts";
import type { FileContents, Reading } from "./read.ts";

/** `policy default/edge` → the file that defines it. */
export type Definitions = ReadonlyMap<string, string>;

type Definition = { what: string; file: string; place: Place };

export const policyId = ({ namespace, name }: Pick<Policy, "namespace" | "name">): string => `${namespace}/${name}`;
export const secretId = ({ document: { metadata } }: FileContents["secrets"][number]): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;

/** Each name once. */
export function firstDefinitions(
  reading: Reading,
  before: Definitions,
): { reading: Reading; definitions: Map<string, string> } {
  const all = new Map<string, Definition[]>();
  for (const [file, contents] of reading.files)
    for (const [what, place] of definedIn(contents)) all.set(what, [...(all.get(what) ?? []), { what, file, place }]);
  const definitions = new Map<string, string>();
  const problems: Problem[] = [];
  const refused = new Set<Place>();
  for (const [what, claims] of all) {
    const owner = before.get(what);
    const first = claims.find(({ file }) => file === owner) ?? (isAbsent(reading, owner) ? claims[0] : undefined);
    definitions.set(what, first?.file ?? owner!);
    for (const { place } of claims) {
      if (place === first?.place) continue;
      refused.add(place);
      problems.push({ severity: "problem", place, path: "metadata.name", message: refusal(what, first?.place, owner) });
    }
  }
  // What nobody defines now, but its file has problems: it is theirs until the file is fixed.
  for (const [what, file] of before)
    if (!definitions.has(what) && !isAbsent(reading, file)) definitions.set(what, file);
  const files = new Map(
    [...reading.files].map(([file, contents]) => [
      file,
      {
        ...contents,
        policies: contents.policies.filter(({ place }) => !refused.has(place)),
        secrets: contents.secrets.filter(({ place }) => !refused.has(place)),
      },
    ]),
  );
  return { reading: { ...reading, files, problems: [...reading.problems, ...problems] }, definitions };
}

const definedIn = ({ policies, secrets }: FileContents): [what: string, place: Place][] => [
  ...policies.map((p): [string, Place] => [`policy ${policyId(p)}`, p.place]),
  ...secrets.map((s): [string, Place] => [`Secret ${secretId(s)}`, s.place]),
];

/** Nobody, or a file that is gone, or that is valid without it: the name is free. */
function isAbsent({ files, closed }: Reading, owner: string | undefined): boolean {
  if (owner === undefined) return true;
  const contents = files.get(owner);
  if (contents !== undefined) return contents.ok;
  return !closed.some((dir) => owner.startsWith(`${dir.replace(/\/+$/, "")}/`));
}

const refusal = (what: string, first: Place | undefined, owner: string | undefined): string =>
  first === undefined
    ? `${what} was first defined in ${owner}, which cannot be read without problems now; fix that file, or rename this one`
    : `${what} is already defined at ${first.file}:${first.line}:${first.column}, which was first; rename or remove this one`;
