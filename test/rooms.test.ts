// The import rules of docs/design.md (Rooms): who may know whom. A rule that has to be broken is changed here and there, with its
// reason, or not at all.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, test } from "node:test";

const root = resolve(import.meta.dirname, "..");

/** A room may import from itself and from these. `cli` wires all of them and is not listed. */
const mayImport: Record<string, readonly string[]> = {
  platform: [],
  http: ["platform"],
  metricsql: [],
  config: ["platform", "http"],
  hotpath: [],
  series: ["platform", "hotpath"],
  batch: ["platform", "series"],
  source: ["platform", "http", "series", "hotpath"],
  remotewrite: ["platform", "http", "series", "batch", "status"],
  status: ["platform"],
  policy: ["platform", "http", "config"],
  state: ["platform", "status"],
  reading: ["platform", "http", "series", "source", "status"],
  delivery: ["platform", "series", "batch", "remotewrite", "status"],
  exporter: ["platform", "series", "batch", "source", "reading", "delivery", "state", "policy", "status"],
  admin: ["platform", "http", "status"],
  deadletter: ["platform", "series", "batch"],
  demo: ["platform", "status"],
  kubernetes: ["platform", "http", "policy", "status"],
  tui: ["platform", "status"],
};

/** No clock, no chance, no I/O of their own: they come in as arguments. */
const pure = ["metricsql", "series", "batch", "source", "remotewrite", "status", "policy"];
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\bprocess\.[a-z]|from "node:(?:fs|net|http|https|tls|dns|os|child_process)/;

type Module = {
  file: string;
  room: string;
  text: string;
  imports: { specifier: string; target: string | undefined; lazy: boolean }[];
};

const roomOf = (file: string): string => {
  const [top, second, third] = file.split("/");
  return top === "src" ? (third === undefined ? second!.replace(/\.ts$/, "") : second!) : top!;
};

const modules: Module[] = globSync(["src/**/*.{ts,tsx}", "tui/**/*.{ts,tsx}"], { cwd: root })
  .filter((file) => !file.startsWith("src/hotpath/assembly/"))
  .map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const imports = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*(\()?\s*)"([^"]+)"/g)].map(([, lazy, specifier]) => ({
      specifier: specifier!,
      target: specifier!.startsWith(".") ? relative(root, resolve(root, dirname(file), specifier!)) : undefined,
      lazy: lazy !== undefined,
    }));
    return { file, room: roomOf(file), text, imports };
  });

describe("rooms", () => {
  test("the modules were found", () => {
    assert.ok(modules.length > 100, `${modules.length} modules`);
    assert.ok(
      modules.some((m) => m.imports.some((i) => i.lazy)),
      "a lazy import is seen",
    );
  });

  test("each room imports only what it may", () => {
    const wrong = modules.flatMap(({ file, room, imports }) =>
      room === "cli" || room === "main" || room === "version"
        ? []
        : imports
            .filter(
              ({ target }) => target !== undefined && target !== "src/version.ts" && !target.startsWith("policies/"),
            )
            .filter(({ target }) => roomOf(target!) !== room && !mayImport[room]?.includes(roomOf(target!)))
            .map(({ target }) => `${file} imports ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("main only hands over to cli, and prints no error raw", () => {
    const targets = modules.find((m) => m.file === "src/main.ts")!.imports.map((i) => i.target);
    assert.deepEqual(targets.sort(), ["src/cli/cli.ts", "src/platform/printable.ts", "tui/restore.ts"]);
  });

  test("the terminal UI is imported by cli alone, and lazily: headless never loads Ink", () => {
    const eager = modules.flatMap(({ file, room, imports }) =>
      imports
        .filter(
          ({ target, lazy }) => target?.startsWith("tui/") && room !== "tui" && target !== "tui/restore.ts" && !lazy,
        )
        .map(({ target }) => `${file} imports ${target}`),
    );
    assert.deepEqual(eager, []);
    for (const { file, room, imports } of modules)
      if (imports.some((i) => i.specifier === "ink" || i.specifier === "react")) assert.equal(room, "tui", file);
  });

  test("pure rooms have no clock, no chance and no I/O of their own", () => {
    const wrong = modules
      .filter(({ room, file }) => pure.includes(room) && file !== "src/metricsql/jsonl.ts") // that one is a command
      .flatMap(({ file, text }) =>
        text.split("\n").flatMap((line, i) => (IMPURE.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
      );
    assert.deepEqual(wrong, []);
  });

  test("no file of cli, config or state is in a cycle of imports", () => {
    const targets = new Map(modules.map((m) => [m.file, m.imports.flatMap((i) => (i.lazy ? [] : (i.target ?? [])))]));
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      (targets.get(from) ?? []).some((next) => {
        if (next === to) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, to, seen);
      });
    const rooms = ["cli", "config", "state"];
    const cycles = modules.filter((m) => rooms.includes(m.room) && reaches(m.file, m.file)).map((m) => m.file);
    assert.deepEqual(cycles, []);
  });

  test("no folder is a drawer for everything", () => {
    const drawers = modules.filter((m) => /\/(util|utils|common|helpers|core|types)\//.test(m.file)).map((m) => m.file);
    assert.deepEqual(drawers, []);
  });
});
