// What `outflow doctor` finds: one line for each check, for people and for programs. Pure.
import { printable, printableJson } from "../../platform/printable.ts";
import { counted } from "../../status/text/words.ts";

export type Level = "ok" | "warn" | "fail";

/** `subject`: `agent`, `source`, or a sink (`namespace/policy/sink`). A warning or failure has a remedy. */
export type Finding = { subject: string; check: string; message: string } & (
  | { level: "ok"; remedy?: undefined }
  | { level: "warn" | "fail"; remedy: string }
);

/** Findings of one subject. */
export type Noted = {
  readonly all: Finding[];
  ok(check: string, message: string): void;
  warn(check: string, message: string, remedy: string): void;
  fail(check: string, message: string, remedy: string): void;
};

export function notes(subject: string): Noted {
  const all: Finding[] = [];
  return {
    all,
    ok: (check, message) => void all.push({ subject, check, level: "ok", message }),
    warn: (check, message, remedy) => void all.push({ subject, check, level: "warn", message, remedy }),
    fail: (check, message, remedy) => void all.push({ subject, check, level: "fail", message, remedy }),
  };
}

const COLUMNS = 500;
const CHECK_COLUMNS = 12;

/** Lines under a heading for each subject; each problem with its remedy below; a summary. */
export function findingsText(findings: readonly Finding[]): string {
  const lines: string[] = [];
  let subject: string | undefined;
  for (const finding of findings) {
    if (finding.subject !== subject) lines.push(...(subject === undefined ? [] : [""]), printable(finding.subject));
    subject = finding.subject;
    lines.push(
      `  ${finding.level.padEnd(4)}  ${finding.check.padEnd(CHECK_COLUMNS)}  ${printable(finding.message, COLUMNS)}`,
    );
    if (finding.remedy !== undefined)
      lines.push(`${" ".repeat(2 + 4 + 2 + CHECK_COLUMNS + 2)}To do: ${printable(finding.remedy, COLUMNS)}`);
  }
  return `${lines.join("\n")}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const { ok, warn, fail } = countsOf(findings);
  return `${fail > 0 ? "not healthy" : "healthy"}: ${counted(findings.length, "check")}: ${ok} ok, ${counted(warn, "warning")}, ${fail} failed`;
}

const countsOf = (findings: readonly Finding[]): Record<Level, number> => {
  const counts = { ok: 0, warn: 0, fail: 0 };
  for (const { level } of findings) counts[level]++;
  return counts;
};

/** Version 1 of the document: fields may be added, none is renamed or removed. */
export const findingsJson = (findings: readonly Finding[]): string =>
  `${printableJson({ version: 1, summary: countsOf(findings), checks: findings })}\n`;
