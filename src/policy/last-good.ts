// What ran before and what the files say now in, what is to run out: an invalid edit changes nothing that runs. Pure.
//   a file without problems      counts as it is
//   a file with problems         what ran of it goes on; if nothing did, its valid policies start
//   a directory that is closed   what ran of it goes on
//   a file that is gone          its policies are removed
import type { FileContents, Reading } from "./load.ts";
import type { Policy } from "./policy.ts";

export function lastGood(before: Reading | undefined, now: Reading): Reading {
  if (before === undefined) return now;
  const kept = new Map<string, FileContents>();
  const fresh = new Map<string, FileContents>();
  for (const [file, contents] of now.files) {
    const old = before.files.get(file);
    if (!contents.ok && old !== undefined && !isEmpty(old)) kept.set(file, old);
    else fresh.set(file, contents);
  }
  for (const [file, old] of before.files)
    if (now.closed.some((dir) => file.startsWith(`${dir.replace(/\/+$/, "")}/`))) kept.set(file, old);
  // What is kept comes first: of twins the one that ran goes on.
  return { ...now, files: new Map([...withoutTwins(kept, fresh)]) };
}

const isEmpty = ({ policies, secrets }: FileContents): boolean => policies.length + secrets.length === 0;
const idOf = ({ namespace, name }: Policy): string => `${namespace}/${name}`;

function* withoutTwins(
  kept: ReadonlyMap<string, FileContents>,
  fresh: ReadonlyMap<string, FileContents>,
): Iterable<[string, FileContents]> {
  yield* kept;
  const taken = new Set([...kept.values()].flatMap((c) => c.policies.map(idOf)));
  const secrets = new Set([...kept.values()].flatMap((c) => c.secrets.map(secretId)));
  for (const [file, contents] of fresh)
    yield [
      file,
      {
        ...contents,
        policies: contents.policies.filter((p) => !taken.has(idOf(p))),
        secrets: contents.secrets.filter((s) => !secrets.has(secretId(s))),
      },
    ];
}

const secretId = ({ document: { metadata } }: FileContents["secrets"][number]): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;
