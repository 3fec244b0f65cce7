// What lies over a screen until esc: the explanation of one sink, the YAML of one policy. Pure.
import { readyOf } from "../../src/status/conditions.ts";
import { sinkOf } from "../../src/status/sinks.ts";
import { explain } from "../../src/status/text/explain.ts";
import { blank, cut, type Line, line, type Segment, type Style, seg } from "../drawing/line.ts";
import { paragraph } from "../drawing/text.ts";
import { shownPolicies } from "../input/order.ts";
import { readiness, type Scene, scrolled, shownText } from "./scene.ts";

export function whyView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, glyphs, columns, now } = scene;
  const sink = ui.selected === undefined ? undefined : sinkOf(snapshot, ui.selected);
  if (sink === undefined) return [line(seg("This sink no longer exists: it was removed from its policy.", "dim"))];
  const { mark, style } = readiness(sink, glyphs);
  const { headline, parts } = explain(sink, snapshot.source, now);
  const title = cut(
    [
      seg(`${mark} `, style),
      seg(`Why is ${sink.id} ${readyOf(sink).status === "False" ? "not ready" : "in this state"}?`, "strong"),
    ],
    columns,
    glyphs.more,
  );
  const lines = [
    line(seg(headline, style)),
    ...parts.flatMap(({ label, text }) => [blank, ...paragraph(label, shownText(text, scene), columns)]),
  ];
  return [{ segments: title }, blank, ...scrolled(lines, height - 2, scene)];
}

export function yamlView(scene: Scene, height: number): Line[] {
  const { snapshot, ui, columns, glyphs } = scene;
  const policy =
    ui.screen === "policies"
      ? selectedPolicy(scene)
      : snapshot.policies.find((p) => ui.selected !== undefined && p.sinks.includes(ui.selected));
  if (policy === undefined) return [line(seg("No policy is selected.", "dim"))];
  const title = [seg(policy.id, "strong"), seg(`  ${policy.file}, generation ${policy.generation}`, "dim")];
  const note = line(seg("As it runs: defaults filled in, secrets left out.", "dim"));
  const text = policy.yaml ?? "# not available: this agent does not report policies";
  const lines = text.split("\n").map((l) => ({ segments: cut(coloured(shownText(l, scene)), columns, glyphs.more) }));
  return [{ segments: cut(title, columns, glyphs.more) }, note, blank, ...scrolled(lines, height - 3, scene)];
}

export function selectedPolicy({ snapshot, ui }: Pick<Scene, "snapshot" | "ui">) {
  const list = shownPolicies(snapshot, ui.filters.policies ?? "");
  return list.find((p) => p.id === ui.selectedPolicy) ?? list[0];
}

/** Keys quiet, values plain, comments quiet. */
function coloured(text: string): Segment[] {
  const [, indent = "", name = "", rest = ""] =
    /^(\s*(?:- )*)((?:"[^"]*"|[^\s:#"'][^:#]*):(?=\s|$))?(.*)$/.exec(text) ?? [];
  const style: Style = rest.trimStart().startsWith("#") ? "dim" : "plain";
  return [seg(indent, "dim"), seg(name, "accent"), seg(rest, style)];
}
