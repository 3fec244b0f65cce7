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
  metricsql: ["platform"],
  config: ["platform"],
  hotpath: [],
  series: ["platform", "hotpath"],
  batch: ["platform", "series"],
  source: ["platform", "http", "series", "hotpath"],
  remotewrite: ["platform", "http", "batch", "status"],
  status: ["platform"],
  policy: ["platform", "http", "config"],
  state: ["platform", "status"],
  reading: ["platform", "http", "series", "source", "status"],
  delivery: ["platform", "series", "batch", "remotewrite", "status"],
  exporter: ["platform", "series", "batch", "source", "reading", "delivery", "state", "policy", "status"],
  admin: ["platform", "http", "status"],
  fleet: ["platform", "http", "kubernetes", "state"],
  deadletter: ["platform", "series", "batch"],
  demo: ["platform", "status"],
  rehearse: ["platform", "http", "config", "series", "batch", "reading", "exporter", "state", "policy", "status"],
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

const everything: Module[] = globSync(["src/**/*.{ts,tsx}", "tui/**/*.{ts,tsx}"], { cwd: root }).map((file) => {
  const text = readFileSync(join(root, file), "utf8");
  const imports = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*(\()?\s*)"([^"]+)"/g)].map(([, lazy, specifier]) => ({
    specifier: specifier!,
    // AssemblyScript leaves the extension out.
    target: specifier!.startsWith(".")
      ? relative(root, resolve(root, dirname(file), specifier!)).replace(/^(src\/hotpath\/assembly\/[^.]+)$/, "$1.ts")
      : undefined,
    lazy: lazy !== undefined,
  }));
  return { file, room: roomOf(file), text, imports };
});

/** The WebAssembly module is AssemblyScript: what it imports is not of this program. */
const modules = everything.filter(({ file }) => !file.startsWith("src/hotpath/assembly/"));

const MOST_LINES_IN_A_FOLDER = 2_000;
const MOST_LINES_IN_A_FILE = 350;

const linesOf = ({ text }: Module): number => text.split("\n").length - 1;

/** The sets of two or more nodes that reach each other, each sorted. */
function cycles(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const reached = new Map(
    [...targets.keys()].map((from) => {
      const seen = new Set<string>();
      const open = [from];
      for (let node = open.pop(); node !== undefined; node = open.pop())
        for (const next of targets.get(node) ?? [])
          if (!seen.has(next)) {
            seen.add(next);
            open.push(next);
          }
      return [from, seen];
    }),
  );
  const found = new Map<string, string[]>();
  for (const [from, seen] of reached) {
    if (!seen.has(from)) continue;
    const together = [...seen].filter((other) => reached.get(other)?.has(from)).sort();
    found.set(together.join(), together);
  }
  return [...found.values()];
}

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

  test("no file is in a cycle of imports, of types either", () => {
    const targets = new Map(everything.map((m) => [m.file, m.imports.flatMap((i) => i.target ?? [])]));
    assert.deepEqual(cycles(targets), []);
    const drawn = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", ["a"]],
      ["d", []],
    ]);
    assert.deepEqual(cycles(drawn), [["a", "b", "c"]], "a cycle is seen");
  });

  test("rooms are one-way: none reaches itself through others", () => {
    const rooms = Map.groupBy(modules, (m) => m.room);
    const targets = new Map(
      [...rooms].map(([room, files]) => [
        room,
        [...new Set(files.flatMap((m) => m.imports.flatMap((i) => (i.target === undefined ? [] : roomOf(i.target)))))]
          .filter((other) => other !== room)
          .sort(),
      ]),
    );
    assert.deepEqual(cycles(targets), []);
  });

  test("every permission to import is used", () => {
    const used = new Set(
      modules.flatMap((m) => m.imports.flatMap((i) => (i.target ? `${m.room} imports ${roomOf(i.target)}` : []))),
    );
    const unused = Object.entries(mayImport).flatMap(([room, others]) =>
      others.map((other) => `${room} imports ${other}`).filter((pair) => !used.has(pair)),
    );
    assert.deepEqual(unused, []);
  });

  test("no room has over 2,000 lines: one that grows gets folders of its own", () => {
    const folders = Map.groupBy(everything, (m) => dirname(m.file));
    const large = [...folders]
      .map(([folder, files]) => ({ folder, lines: files.reduce((n, m) => n + linesOf(m), 0) }))
      .filter(({ lines }) => lines > MOST_LINES_IN_A_FOLDER);
    assert.deepEqual(large, []);
  });

  test("a file of over 350 lines says why in its first line", () => {
    const wrong = everything
      .filter((m) => linesOf(m) > MOST_LINES_IN_A_FILE && !/Over 350 lines:/.test(m.text.split("\n")[0]!))
      .map((m) => `${m.file}: ${linesOf(m)} lines`);
    assert.deepEqual(wrong, []);
  });

  test("no folder is a drawer for everything", () => {
    const drawers = modules.filter((m) => /\/(util|utils|common|helpers|core|types)\//.test(m.file)).map((m) => m.file);
    assert.deepEqual(drawers, []);
  });

  test("docs/design.md says the same", () => {
    const design = readFileSync(join(root, "docs/design.md"), "utf8");
    const [, now = ""] = /\nWho imports whom([\s\S]*?)\nBefore/.exec(design) ?? [];
    const said = [...now.matchAll(/([a-z]+) *← ([a-z]+(?: [a-z]+)*)/g)].map(([, room, others]) => [
      room,
      others!.split(" ").sort(),
    ]);
    const rules = Object.entries(mayImport)
      .map(([room, others]) => [room, others.filter((other) => other !== "platform").sort()] as const)
      .filter(([, others]) => others.length > 0);
    assert.deepEqual(Object.fromEntries(said), Object.fromEntries(rules));
    const rooms = Object.keys(mayImport).filter((room) => room !== "tui");
    assert.deepEqual(
      rooms.filter((room) => !design.includes(`    src/${room}/ `)),
      [],
    );
  });

  test("the walks of docs/design.md name files that exist, and no step goes back", () => {
    const design = readFileSync(join(root, "docs/design.md"), "utf8");
    const [, section = ""] = /\n## One walk\n([\s\S]*?)\n## /.exec(design) ?? [];
    const walks = section.split("\n**").slice(1);
    assert.equal(walks.length, 3);
    for (const walk of walks) {
      const steps = [...walk.matchAll(/`([a-z/-]+\.ts)`/g)].map(
        ([, file]) => (file!.startsWith("tui/") ? "" : "src/") + file,
      );
      assert.ok(steps.length > 10, walk);
      assert.deepEqual(
        steps.filter((file) => !modules.some((m) => m.file === file)),
        [],
      );
      assert.deepEqual(steps, [...new Set(steps)]);
    }
  });

  test("nobody joins signals but platform/signals.ts: AbortSignal.any() leaves a kilobyte at a signal that lives on", () => {
    assert.deepEqual(
      modules.filter(({ text }) => /AbortSignal\.any\((?!\))/.test(text)).map(({ file }) => file),
      [],
    );
  });
});
