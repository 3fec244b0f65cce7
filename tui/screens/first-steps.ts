// The home screen without a sink: what to do next; without an agent: why, and what to check. Pure.
import type { Link } from "../../src/status/link.ts";
import { counted } from "../../src/status/text/words.ts";
import { blank, type Line, line, seg } from "../drawing/line.ts";
import { wrap } from "../drawing/width.ts";
import { type Scene, shownText } from "./scene.ts";

/** An agent that was never reached. */
function notThere({ url, why }: Extract<Link, { state: "lost" }>, scene: Scene): Line[] {
  const { columns } = scene;
  const text = [
    `No agent at ${url}: ${why}${/[.?!]$/.test(why) ? "" : "."}`,
    "This screen keeps trying, and shows the agent as soon as it responds.",
    "The address is that of --listen (127.0.0.1:9469 unless it was changed); outflow status says what runs on this host.",
    "For an agent on another host: it must listen on an address that this host can reach, with --admin-token-file; pass the token with --token-file.",
  ];
  return text.flatMap((t, i) => [
    ...(i === 0 ? [] : [blank]),
    ...wrap(shownText(t, scene), Math.min(columns - 4, 100)).map((l) =>
      line(seg(`  ${l}`, i === 0 ? "strong" : "plain")),
    ),
  ]);
}

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

export function firstSteps(scene: Scene, height: number): Line[] {
  const { snapshot, columns, link } = scene;
  if (link?.state === "connecting") return [];
  if (link?.state === "lost" && snapshot.startedAt === 0) return notThere(link, scene);
  const problems = snapshot.problems.filter((p) => p.severity === "problem").length;
  const text =
    problems > 0
      ? [
          `No sink runs: the policies have ${counted(problems, "problem")}.`,
          "4 shows each with its location and remedy. A corrected file is loaded automatically; no restart is needed.",
        ]
      : [
          "No sinks yet: no ExportPolicy was found.",
          "Write one into the policy directory (--policies); it is loaded automatically; no restart is needed.",
          "outflow check FILE verifies it, and outflow demo shows a policy at work.",
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
    line(seg("  A minimal policy:", "dim")),
    ...sample.map((l) => line(seg(`    ${l}`, "accent"))),
  ];
}
