// Do the tests of the sender's rules notice when a rule is broken? Each mutation changes one line in a copy of the tree; its test must
// fail then. Prints a line a mutation; exits 1 if one survives or no longer applies.   bun bench/mutations.ts [RULE…]: all whose names begin so
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { mutationRow, mutations } from "./mutation-list.ts";

const root = resolve(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "outflow-mutations-"));
for (const part of ["src", "tui", "test", "package.json", "tsconfig.json", "bunfig.toml"])
  cpSync(join(root, part), join(copy, part), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

let survived = 0;
const wanted = process.argv.slice(2);
for (const mutation of mutations.filter((m) => wanted.length === 0 || wanted.some((rule) => m.rule.startsWith(rule)))) {
  const { rule, file, from, to, test } = mutation;
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (!text.includes(from)) {
    survived++;
    console.log(mutationRow(mutation, "NOT APPLIED: the file no longer has this text"));
    continue;
  }
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const bun = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8" });
  const assembled = file.startsWith("src/hotpath/");
  if (assembled && bun("src/hotpath/build.ts").status !== 0) throw new Error(`${rule}: it does not compile`);
  const run = bun("test", "--timeout", "60000", test);
  writeFileSync(path, text);
  if (assembled) bun("src/hotpath/build.ts");
  const caught = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(run.stderr + run.stdout)?.[1];
  if (caught === undefined) survived++;
  console.log(mutationRow(mutation, caught === undefined ? "SURVIVED" : `${test}: ${caught}`));
}
rmSync(copy, { recursive: true });
process.exit(survived > 0 ? 1 : 0);
