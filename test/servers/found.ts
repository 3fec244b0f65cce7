// Which of the programs that tests use are here.
import { existsSync } from "node:fs";

const PROGRAMS = [
  "victoria-metrics",
  "prometheus",
  "promtool",
  "tmux",
  "nginx",
  "tinyproxy",
  "openssl",
  "etcd",
  "curl",
  "kubectl",
  "zsh",
  "fish",
  "mandoc",
  "man",
  "systemd-analyze",
  "etcdctl",
  "chromium",
] as const;
export type Program = (typeof PROGRAMS)[number];

export function pathOf(program: Program): string | undefined {
  return (process.env.PATH ?? "")
    .split(":")
    .concat("/usr/bin", "/usr/local/bin", "/usr/sbin")
    .map((dir) => `${dir}/${program}`)
    .find(existsSync);
}

export function findServers(): { found: Program[]; missing: Program[] } {
  return {
    found: PROGRAMS.filter((p) => pathOf(p) !== undefined),
    missing: PROGRAMS.filter((p) => pathOf(p) === undefined),
  };
}

/** For node:test: `test(name, needs("prometheus"), fn)` is skipped with a clear line where a program is missing. */
export function needs(...programs: Program[]): { skip: string | false } {
  const missing = programs.filter((p) => pathOf(p) === undefined);
  return { skip: missing.length === 0 ? false : `needs ${missing.join(" and ")}` };
}
