// What ran before and what the files say now in, what is to run out: an invalid edit changes nothing that runs. Pure.
//   a file without problems      counts as it is
//   a file with problems         what ran of it keeps running; if nothing did, its valid policies start
//   a directory that is closed   what ran of it keeps running
//   a file that is gone          its policies are removed
import type { FileContents, Reading } from "./read.ts";

export function lastGood(before: Reading | undefined, now: Reading): Reading {
  if (before === undefined) return now;
  const files = new Map<string, FileContents>();
  for (const [file, contents] of now.files) {
    const old = before.files.get(file);
    files.set(file, contents.ok || old === undefined || isEmpty(old) ? contents : { ...old, ok: false });
  }
  for (const [file, old] of before.files)
    if (!files.has(file) && now.closed.some((dir) => file.startsWith(`${dir.replace(/\/+$/, "")}/`)))
      files.set(file, old);
  return { ...now, files };
}

const isEmpty = ({ policies, secrets }: FileContents): boolean => policies.length + secrets.length === 0;
