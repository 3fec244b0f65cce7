// The fleet and the API server in the header: a few words beside the source while all is well, a line of its own for what is wrong. Pure.
import { unowned } from "../../src/status/fleet.ts";
import { age, counted } from "../../src/status/text/words.ts";
import { lineWidth, type Segment, seg } from "../drawing/line.ts";
import { type Scene, shownText } from "../screens/scene.ts";

/** As much as fits in `room` columns: whole words or none. */
export function shares(scene: Scene, room: number): Segment[] {
  const { cluster } = scene.snapshot;
  const kubernetes =
    cluster === undefined || cluster.failure !== undefined
      ? []
      : [[seg(`  ${scene.glyphs.ready}`, "good"), seg(" Kubernetes", "dim")]];
  const kept: Segment[] = [];
  for (const ways of [fleetWays(scene), kubernetes]) {
    const left = room - lineWidth({ segments: kept });
    kept.push(...(ways.find((segments) => lineWidth({ segments }) <= left) ?? []));
  }
  return kept;
}

/** `● fleet 3 members, 22 of 64 shards, 1 sink elsewhere not ready`, and shorter ways to say so. */
function fleetWays({ snapshot: { fleet }, glyphs }: Scene): Segment[][] {
  if (fleet === undefined) return [];
  const ill = fleet.elsewhere.filter((s) => s.status === "False").length;
  const mark = fleet.valid ? seg(`  ${glyphs.ready}`, "good") : seg(`  ${glyphs.notReady}`, "bad");
  const members = counted(fleet.members.length, "member");
  const way = (text: string, others: string): Segment[] =>
    [mark, seg(" fleet ", "dim"), seg(text), ...(ill === 0 || others === "" ? [] : [seg(others, "bad")])].map((s) => ({
      ...s,
      hit: { type: "screen", to: "fleet" },
    }));
  const shards = `${fleet.owned} of ${fleet.shards} shards`;
  return [
    way(`${members}, ${shards}`, `, ${counted(ill, "sink")} elsewhere not ready`),
    way(members, `, ${ill} elsewhere not ready`),
    way(members, ""),
    way(String(fleet.members.length), ""),
  ];
}

/** A line for each thing that is wrong, worst first. */
export function fleetTroubles(scene: Scene): Segment[][] {
  const { snapshot, glyphs, now } = scene;
  const { fleet } = snapshot;
  if (fleet === undefined) return [];
  const said: Segment[][] = [];
  const trouble = (mark: string, style: "bad" | "warn", what: string, text: string) =>
    said.push([seg(`${mark} ${what}`, style), seg(`  ${shownText(text, scene)}`), seg("  (6 shows all)", "dim")]);
  const why = fleet.problem === undefined ? "" : `: ${fleet.problem}`;
  if (!fleet.valid) trouble(glyphs.notReady, "bad", "fleet", `this agent may not export${why}`);
  else if (fleet.problem !== undefined) {
    const left =
      fleet.validUntil === undefined ? "" : `; exporting continues for ${age(Math.max(0, fleet.validUntil - now))}`;
    trouble(glyphs.unknown, "warn", "fleet", `${fleet.problem}${left}`);
  }
  const without = unowned(fleet);
  // For a moment that is so at each start; then somebody owns each of them.
  if (without > 0 && fleet.valid)
    trouble(glyphs.notReady, "bad", "fleet", `${counted(without, "shard")} without an owner`);
  if (fleet.differing.length > 0)
    trouble(glyphs.unknown, "warn", "fleet", `the policies of ${fleet.differing.join(", ")} differ from this agent's`);
  return said;
}
