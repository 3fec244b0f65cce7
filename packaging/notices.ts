// Writes src/cli/third-party-notices.txt, which `outflow licenses` prints: name, version, licence and its text of each package that is
// part of the binary, from node_modules. `npm run build` calls it; --check only says whether the file is up to date.
import { globSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const file = join(root, "src/cli/third-party-notices.txt");

type LockedPackage = { version?: string; license?: string; dependencies?: Record<string, string> };
type Notice = { title: string; text: string };

const RUNTIME = `Compiled binaries contain the Bun runtime (MIT License, https://bun.com), which is linked with JavaScriptCore
and WebKit's WTF (LGPL-2.1, with parts under BSD licences), BoringSSL, zlib, SQLite (public domain) and others. Their licences
and how to relink are described at https://bun.com/docs/project/licensing.`;

/** What src/ and tui/ import, and what that needs in turn; hoisted packages only, as npm installs them here. */
function bundled(packages: Record<string, LockedPackage>): Set<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    const path = `node_modules/${name}`;
    if (found.has(path) || packages[path] === undefined) return;
    found.add(path);
    for (const needed of Object.keys(packages[path].dependencies ?? {})) add(needed);
  };
  for (const source of globSync(["src/**/*.{ts,tsx}", "tui/**/*.{ts,tsx}"], { cwd: root }))
    for (const [, name] of readFileSync(join(root, source), "utf8").matchAll(
      /^(?:import|export)(?! type).*?from "((?:@[^/"]+\/)?[^./"][^/":]*)/gms,
    ))
      add(name!);
  return found;
}

function notices(): Notice[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  return [...bundled(packages)].sort().map((path) => {
    const { version, license } = packages[path]!;
    return {
      title: `${path.replace(/^.*node_modules\//, "")} ${version} (${license ?? "licence not stated"})`,
      text: licenceText(join(root, path)),
    };
  });
}

function licenceText(dir: string): string {
  const names = readdirSync(dir)
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .sort();
  if (names.length > 0)
    return names.map((name) => readFileSync(join(dir, name), "utf8").replaceAll("\r\n", "\n").trim()).join("\n\n");
  const { author, homepage } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
    author?: string | { name?: string };
    homepage?: string;
  };
  const by = typeof author === "string" ? author : author?.name;
  return `The package has no licence file.${by === undefined ? "" : ` Author: ${by}.`}${homepage === undefined ? "" : ` ${homepage}`}`;
}

/** Packages with the same text share it. */
function page(): string {
  const byText = new Map<string, string[]>();
  for (const { title, text } of notices()) byText.set(text, [...(byText.get(text) ?? []), title]);
  const line = "-".repeat(78);
  const parts = [...byText].map(([text, titles]) => `${line}\n${titles.join("\n")}\n${line}\n\n${text}\n`);
  return `outflow contains the following third-party software.\n\n${RUNTIME}\n\n${parts.join("\n")}`;
}

const present = (() => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
})();
const wanted = page();
if (process.argv.includes("--check")) {
  if (present !== wanted) {
    console.error("src/cli/third-party-notices.txt is out of date: run bun packaging/notices.ts");
    process.exit(1);
  }
} else if (present !== wanted) writeFileSync(file, wanted);
