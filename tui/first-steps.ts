// The home screen without a sink: what to do next. Pure.
import { counted } from "../src/status/words.ts";
import { blank, type Line, line, seg } from "./line.ts";
import type { Scene } from "./scene.ts";
import { wrap } from "./width.ts";

/** The smallest policy there is. */
const SAMPLE = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata:
  name: first
spec:
  sources:
    - name: metrics
      metrics:
        metricsql: '{job="node"}'
  sinks:
    - name: cloud
      sources: [metrics]
      target:
        prometheusRemoteWrite:
          endpoint: https://metrics.example.com/api/v1/write`;

export function firstSteps({ snapshot, columns, link }: Scene, height: number): Line[] {
  if (link?.state === "connecting") return [];
  const problems = snapshot.problems.filter((p) => p.severity === "problem").length;
  const text =
    problems > 0
      ? [
          `No sink runs: the policies have ${counted(problems, "problem")}.`,
          "4 shows each with its place and what to do. A corrected file is taken up by itself, nothing needs a restart.",
        ]
      : [
          "No sinks yet: no ExportPolicy was found.",
          "Write one into the policy directory (--policies); it is taken up by itself, nothing needs a restart.",
          "outflow check FILE tells whether it is right, and outflow demo shows a policy at work.",
        ];
  const lines = text.flatMap((t, i) => [
    ...(i === 0 ? [] : [blank]),
    ...wrap(t, Math.min(columns - 4, 90)).map((l) => line(seg(`  ${l}`, i === 0 ? "strong" : "plain"))),
  ]);
  const sample = SAMPLE.split("\n");
  if (problems > 0 || height < lines.length + sample.length + 2) return lines;
  return [
    ...lines,
    blank,
    line(seg("  A policy to begin with:", "dim")),
    ...sample.map((l) => line(seg(`    ${l}`, "accent"))),
  ];
}
