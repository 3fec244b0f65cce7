// What ran before and what the files say now in, what is to run out: an invalid edit changes nothing that runs. Pure.
//   a file without problems      counts as it is
//   a file with problems         what ran of it goes on; if nothing did, its valid policies start
//   a directory that is closed   what ran of it goes on
//   a file that is gone          its policies are removed
import type { FileContents, Reading } from "./load.ts";
import type { Policy } from "./policy.ts";

export function lastGood(before: Reading | undefined, now: Reading): Reading {
  if (before === undefined) return now;
  const files = new Map<string, FileContents>();
  const kept: FileContents[] = [];
  for (const [file, contents] of now.files) {
    const old = before.files.get(file);
    if (!contents.ok && old !== undefined && !isEmpty(old)) kept.push(old);
    files.set(file, kept.at(-1) === old && old !== undefined ? old : contents);
  }
  for (const [file, old] of before.files) {
    if (files.has(file) || !now.closed.some((dir) => file.startsWith(`${dir.replace(/\/+$/, "")}/`))) continue;
    kept.push(old);
    files.set(file, old);
  }
  // Of twins the one that ran goes on.
  const policies = new Set(kept.flatMap((c) => c.policies.map(policyId)));
  const secrets = new Set(kept.flatMap((c) => c.secrets.map(secretId)));
  for (const [file, contents] of files) {
    if (kept.includes(contents)) continue;
    files.set(file, {
      ...contents,
      policies: contents.policies.filter((p) => !policies.has(policyId(p))),
      secrets: contents.secrets.filter((s) => !secrets.has(secretId(s))),
    });
  }
  return { ...now, files };
}

const isEmpty = ({ policies, secrets }: FileContents): boolean => policies.length + secrets.length === 0;
const policyId = ({ namespace, name }: Policy): string => `${namespace}/${name}`;
const secretId = ({ document: { metadata } }: FileContents["secrets"][number]): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;
