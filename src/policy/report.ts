// What `outflow check` prints: problems for people (with the line and a caret), for programs and for GitHub; a summary. Pure.
import stringWidth from "string-width";
import { problemLine } from "./load.ts";
import type { LoadResult, Problem } from "./policy.ts";

/** `file:line:column: path: message`; with `excerpts` the line it is about and a caret below. */
export function problemText(problem: Problem, excerpts: boolean): string {
  const { excerpt, place } = problem;
  if (!excerpts || excerpt === undefined) return problemLine(problem);
  const number = String(place.line);
  const before = stringWidth(excerpt.slice(0, place.column - 1));
  return `${problemLine(problem)}\n  ${number} | ${excerpt}\n  ${" ".repeat(number.length)} | ${" ".repeat(before)}^`;
}

/** GitHub's workflow command: shown at the line in a review. */
export function githubLine({ severity, place, path, message }: Problem): string {
  const kind = { problem: "error", warning: "warning", note: "notice" }[severity];
  const text = (s: string) => s.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (s: string) => text(s).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const at = `file=${property(place.file)}${place.line === 0 ? "" : `,line=${place.line},col=${place.column}`}`;
  return `::${kind} ${at}::${text(path === "" ? message : `${path}: ${message}`)}`;
}

export const jsonReport = ({ policies, problems, files }: LoadResult): object => ({
  policies: policies.map((p) => ({
    namespace: p.namespace,
    name: p.name,
    file: p.place.file,
    line: p.place.line,
    sources: p.sources.map(({ name, kind }) => ({ name, kind })),
    sinks: p.sinks.map(({ name }) => name),
  })),
  files,
  problems: problems.map(({ place, severity, path, message }) => ({ ...place, severity, path, message })),
});

export function summary(
  { policies, problems, files, secrets = 0, origin }: LoadResult,
  warningsCount: boolean,
): string {
  const of = (severity: Problem["severity"]) => problems.filter((p) => p.severity === severity).length;
  const sinks = policies.reduce((n, p) => n + p.sinks.length, 0);
  const found = `${count(of("problem"), "problem")}, ${count(of("warning"), "warning")}`;
  const well = of("problem") === 0 && !(warningsCount && of("warning") > 0);
  const understood = [
    ...(policies.length > 0 || secrets === 0
      ? [`${count(policies.length, "policy", "policies")} with ${count(sinks, "sink")}`]
      : []),
    ...(secrets > 0 ? [count(secrets, "Secret")] : []),
  ].join(" and ");
  return `${well ? "valid" : "not valid"}: ${understood} understood in ${count(files.length, origin === "cluster" ? "object" : "file")}; ${found}`;
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
