// The scenes of the golden frames, and how a frame becomes text. Each scene is made of events.
import type { FleetStatus } from "../../src/status/fleet.ts";
import { glyphsFor } from "../../tui/drawing/glyphs.ts";
import { type Palette, paint, paletteOf } from "../../tui/drawing/theme.ts";
import { initialUi, type UiState } from "../../tui/input/ui-state.ts";
import { type Shown, view } from "../../tui/screens/view.ts";
import {
  type Failure,
  rateLimited,
  refused,
  rejected,
  Story,
  serverError,
  sinkInfo,
  unauthorized,
} from "../status/scenes.ts";

export const UTF8 = { LANG: "C.UTF-8" };

export const palettes = {
  dark: paletteOf("auto", "dark", "256"),
  light: paletteOf("auto", "light", "256"),
  contrast: paletteOf("contrast", "dark", "256"),
  none: paletteOf("auto", "dark", "none"),
};

export function frame(
  story: Story,
  columns: number,
  rows: number,
  ui: Partial<UiState> = {},
  env: Record<string, string> = UTF8,
  palette: Palette = palettes.none,
  more: Partial<Shown> = {},
): string {
  const lines = view({
    snapshot: story.snapshot,
    ui: { ...initialUi, ...ui },
    now: story.now,
    columns,
    rows,
    glyphs: glyphsFor(env),
    acts: true,
    ...more,
  });
  return lines.map((l) => paint(l, palette)).join("\n");
}

/** Without codes: what the eye reads. */
export const readable = (text: string): string => `${text.replace(/\x1b\[[0-9;]*m/g, "").replace(/[ ]+$/gm, "")}\n`;

export const empty = (): Story => new Story().wait(7_000);

export const EDGE = "default/edge/cloud";
export const ARCHIVE = "default/edge/archive";
export const BILLING = "finance/billing/warehouse";

const three = [
  sinkInfo(EDGE),
  sinkInfo(ARCHIVE, { auth: "none" }),
  sinkInfo(BILLING, {
    sources: [{ name: "metrics", query: "sum by (tenant) (rate(requests_total[5m]))", kind: "evaluated" }],
  }),
];
const flow = [
  { id: EDGE, samples: 3_500 },
  { id: ARCHIVE, samples: 420 },
  { id: BILLING, samples: 64 },
];

export const threeReady = (): Story => new Story(three).sourceAnswers().wait(2_000).flows(flow, 75_000).wait(1_000);

/** One of three fails for a while: two batches dropped, the third is tried again in 12 s. */
export function oneFails(failure: Failure = serverError): Story {
  const story = threeReady();
  story.read(EDGE, 3_500);
  for (const attempt of [1, 2, 3]) story.fails(EDGE, attempt, 20_000, failure).flows(flow.slice(1), 20_000);
  story.drops(EDGE, "exhausted", 1_000, `Gave up after 3 attempts: ${failure.message}`);
  return story.fails(EDGE, 1, 20_000, failure).fails(EDGE, 2, 20_000, failure).flows(flow.slice(1), 8_000);
}

/** An hour of one sink: bursts of different size, attempts that take longer and longer, an outage of some minutes. */
export function busy(): Story {
  const story = new Story([sinkInfo(EDGE)]).sourceAnswers().wait(1_000);
  for (let second = 0; second < 3_600; second += 15) {
    const samples = Math.round(2_000 + 1_500 * Math.sin(second / 400));
    const out = second > 1_500 && second < 1_900;
    if (!out) {
      story.read(EDGE, samples).attempt(EDGE, 1, samples);
      story
        .ended(EDGE, 1, samples, { kind: "delivered", status: 204 }, 20 + second / 40 + ((second * 7) % 90))
        .settled(EDGE);
    }
    story.wait(15_000);
  }
  return story;
}

export function phases(): Record<string, Story> {
  const one = () => new Story([sinkInfo(EDGE)]).sourceAnswers().wait(2_000);
  const flowing = () => one().flows(flow.slice(0, 1), 60_000);
  return {
    starting: one(),
    flowing: flowing(),
    idle: flowing().wait(20_000).read(EDGE, 0).settled(EDGE).wait(80_000).read(EDGE, 0).settled(EDGE),
    "backing-off": flowing()
      .read(EDGE, 1_000)
      .fails(EDGE, 1, 5_000, refused)
      .wait(5_000)
      .fails(EDGE, 2, 10_000, refused)
      .wait(3_000),
    holding: flowing().read(EDGE, 1_000).holds(EDGE, 60_000, unauthorized).wait(21_000),
    "catching-up": flowing().catchesUp(EDGE, 1_200_000, 12).wait(1_000),
    paused: flowing().event({ type: "sink-paused", id: EDGE }).wait(65_000),
    refused: one()
      .event({
        type: "sink-refused",
        sink: sinkInfo(EDGE),
        reason: "SecretNotFound",
        message: 'Secret "cloud-credentials" was not found in namespace default: add it to --secrets-dir.',
      })
      .wait(9_000),
    draining: flowing().read(EDGE, 1_000).event({ type: "sink-draining", id: EDGE, why: "shutdown" }),
    stopped: flowing()
      .event({ type: "sink-draining", id: EDGE, why: "removed" })
      .event({ type: "sink-stopped", id: EDGE }),
    "rate-limited": flowing()
      .read(EDGE, 1_000)
      .fails(EDGE, 1, 30_000, rateLimited)
      .wait(30_000)
      .fails(EDGE, 2, 30_000, rateLimited)
      .wait(4_000),
    "source-down": flowing()
      .event({
        type: "source-failed",
        reason: "SourceUnavailable",
        message: "Connection refused (ECONNREFUSED): is it up, and --source-url right?",
      })
      .event({
        type: "read-failed",
        id: EDGE,
        source: "metrics",
        reason: "SourceUnavailable",
        message: "Connection refused (ECONNREFUSED): is it up, and --source-url right?",
      })
      .wait(15_000)
      .event({
        type: "source-failed",
        reason: "SourceUnavailable",
        message: "Connection refused (ECONNREFUSED): is it up, and --source-url right?",
      })
      .event({
        type: "read-failed",
        id: EDGE,
        source: "metrics",
        reason: "SourceUnavailable",
        message: "Connection refused (ECONNREFUSED): is it up, and --source-url right?",
      })
      .wait(4_000),
    "query-failed": flowing()
      .event({
        type: "read-failed",
        id: EDGE,
        source: "metrics",
        reason: "QueryFailed",
        message: 'The source refused the query (422): unknown function "sume".',
      })
      .wait(2_000),
    "samples-rejected": flowing()
      .read(EDGE, 2_000)
      .attempt(EDGE, 1, 1_000)
      .ended(EDGE, 1, 1_000, { kind: "failed", ...rejected })
      .drops(EDGE, "rejected", 1_000, rejected.message)
      .wait(15_000)
      .attempt(EDGE, 1, 1_000)
      .ended(EDGE, 1, 1_000, { kind: "failed", ...rejected })
      .drops(EDGE, "rejected", 1_000, rejected.message)
      .wait(2_000),
  };
}

/** Many sinks in all states. */
export function crowd(n: number): Story {
  const sinks = Array.from({ length: n }, (_, i) =>
    sinkInfo(`default/region-${String(i % 8).padStart(2, "0")}/sink-${String(i).padStart(3, "0")}`),
  );
  const story = new Story(sinks).sourceAnswers(-4_000).wait(1_000);
  story.flows(
    sinks.map((s, i) => ({ id: s.id, samples: 100 + ((i * 37) % 900) })),
    45_000,
  );
  const failures = [serverError, refused, rateLimited];
  sinks.forEach(({ id }, i) => {
    if (i % 23 === 5)
      story
        .read(id, 900)
        .fails(id, 1, 5_000, failures[i % 3])
        .fails(id, 2, 12_000 + i * 100, failures[i % 3]);
    if (i % 61 === 7) story.read(id, 900).holds(id, 60_000);
    if (i % 97 === 11) story.event({ type: "sink-paused", id });
    if (i % 50 === 13) story.behind(id, 600_000);
  });
  return story.wait(5_000);
}

export function manyPolicies(): Story {
  const sinks = Array.from({ length: 9 }, (_, i) => sinkInfo(`default/team-${i % 4}/sink-${i}`));
  const story = new Story(sinks).sourceAnswers().wait(1_000);
  story.flows(
    sinks.slice(1).map(({ id }) => ({ id, samples: 100 })),
    30_000,
  );
  const first = sinks[0]?.id ?? "";
  story.read(first, 10).fails(first, 1, 5_000).fails(first, 2, 9_000);
  const place = { file: "policies/team-2.yaml", line: 14, column: 11 };
  return story
    .load(sinks, [
      {
        severity: "problem",
        ...place,
        path: "spec.sinks[0].sources[1]",
        message: 'names no source "metrcs" (did you mean "metrics"?)',
      },
      {
        severity: "warning",
        ...place,
        line: 3,
        path: "metadata.labels",
        message: "is not used by outflow; remove it, or keep it for others",
      },
    ])
    .wait(3_000);
}

/** Three members; what each owns, and a sink of another agent that is not ready. */
export function fleet(more: Partial<FleetStatus> = {}): Story {
  const story = oneFails();
  const { now } = story;
  const [mine, second, third] = ["edge-1-9f3a77b1", "edge-2-0c41d2e8", "edge-3-b7756a10"];
  const owners = Array.from({ length: 64 }, (_, shard) => ({
    shard,
    holder: [mine, second, third][(shard * 7 + (shard >> 3)) % 3] ?? "",
    epoch: shard % 9 === 0 ? 3 : 1,
    since: now - (shard % 9 === 0 ? 42_000 : 7_200_000),
    silent: false,
    policies: [],
  }));
  const shardsOf = (id: string) => owners.filter((o) => o.holder === id).length;
  const elsewhere = Array.from({ length: 9 }, (_, i) => ({
    sink: `default/region-${i}/warehouse`,
    status: i === 4 ? "False" : "True",
    reason: i === 4 ? "EndpointUnreachable" : "Delivering",
    since: now - (i + 1) * 70_000,
    holder: i % 2 === 0 ? second : third,
  }));
  return story
    .event({
      type: "fleet",
      fleet: {
        ...{
          engine: "etcd",
          name: "metrics",
          self: mine,
          valid: true,
          validUntil: now + 11_400,
          ttlMs: 15_000,
          shards: 64,
        },
        owned: shardsOf(mine),
        members: [mine, second, third].map((id, i) => ({
          ...{ id, name: id.slice(0, 6), since: now - 7_200_000 + i * 1_000_000, leaving: false },
          shards: shardsOf(id),
          heardAt: now - 1_000,
          validUntil: now + 11_400,
        })),
        ...{ owners, elsewhere, differing: [], takeovers: 4, fenced: 0 },
        ...more,
      },
    })
    .event({ type: "cluster", server: "https://10.96.0.1" });
}

/** The register does not respond, one member is silent, another leaves, shards have no owner, policies differ. */
export function fleetInTrouble(): Story {
  const { fleet: well } = fleet().snapshot;
  if (well === undefined) throw new Error("no fleet");
  return fleet({
    valid: false,
    problem: "etcd at 10.0.0.1:2379 does not respond: connection refused (ECONNREFUSED)",
    owned: 0,
    members: well.members.slice(0, 2).map((m, i) => ({ ...m, leaving: i === 1 })),
    owners: well.owners.slice(0, 60).map((o) => (o.holder === well.self ? { ...o, holder: "" } : o)),
    differing: ["edge-2"],
    fenced: 22,
  });
}

export function hardNames(): Story {
  const ids = [
    "default/観測ポリシー/東京データセンター",
    "default/🚀-launch/👩‍👩‍👧‍👦-family-sink",
    `default/${"very-long-policy-name-".repeat(4)}/${"and-a-sink-".repeat(6)}`,
    "ns/p/s",
  ];
  const story = new Story(ids.map((id) => sinkInfo(id))).sourceAnswers().wait(1_000);
  story.flows(
    ids.slice(1).map((id, i) => ({ id, samples: 10 ** (i + 2) })),
    30_000,
  );
  const long: Failure = {
    reason: "ServerError",
    status: 500,
    message: `The endpoint failed (500). It said: ${"何かが壊れました🔥 ".repeat(30)}`,
  };
  return story
    .read(ids[0] ?? "", 10)
    .fails(ids[0] ?? "", 1, 5_000, long)
    .fails(ids[0] ?? "", 2, 9_000, long)
    .wait(2_000);
}
