// The recording: every moment of an agent's life can be made again as it was, within bounded memory; an incident file shows the same
// on another machine and holds no secret.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { strFromU8, unzipSync, zipSync } from "fflate";
import type { Event } from "../../src/status/events.ts";
import { initialSnapshot, reduce } from "../../src/status/reduce.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import type { Chunk } from "../../tui/recording/chunk.ts";
import { incidentFile } from "../../tui/recording/incident.ts";
import { openIncident } from "../../tui/recording/open.ts";
import { Playback } from "../../tui/recording/playback.ts";
import { Recorder } from "../../tui/recording/recorder.ts";
import { scrubbed } from "../../tui/recording/scrub.ts";
import { START, Story, sinkInfo } from "../status/scenes.ts";

const pause = async () => {};
const ports = { pause, monotonicMs: () => 0 };
const plain = (snapshot: Snapshot): unknown => JSON.parse(JSON.stringify(snapshot));

/** A life of an agent: each state with its time, and its recording. */
class Life {
  readonly states: Snapshot[] = [];
  readonly recorder: Recorder;
  #snapshot: Snapshot;

  constructor(story: Story, options: Partial<ConstructorParameters<typeof Recorder>[1]> = {}) {
    this.#snapshot = story.snapshot;
    this.recorder = new Recorder(story.snapshot, { pause, ...options });
    this.states.push(story.snapshot);
  }

  event(event: Event): void {
    this.#snapshot = reduce(this.#snapshot, event);
    this.states.push(this.#snapshot);
    this.recorder.note(event, this.#snapshot);
  }

  /** What was on the screen then. */
  at(time: number): Snapshot {
    return this.states.findLast((s) => s.at <= time) ?? this.states[0]!;
  }
}

const ids = ["default/edge/cloud", "default/edge/archive", "finance/billing/warehouse"];
const story = (n = ids.length) => new Story(ids.slice(0, n).map((id) => sinkInfo(id))).sourceAnswers();

/** What happens in a second to one sink. */
const happening = fc.record({
  sink: fc.constantFrom(...ids),
  what: fc.constantFrom("delivered", "failed", "dropped", "cursor", "paused", "resumed", "nothing"),
  n: fc.integer({ min: 1, max: 5_000 }),
});

function events(at: number, { sink: id, what, n }: { sink: string; what: string; n: number }): Event[] {
  const attempt = { id, attempt: 1, maxAttempts: 3, samples: n, bytes: n * 9, durationMs: 5 + (n % 90), inFlight: 0 };
  const failure = { reason: "ServerError" as const, status: 503, message: `The endpoint is unavailable (503): ${n}.` };
  switch (what) {
    case "delivered":
      return [
        {
          ...{ at, type: "window-read", id, source: "metrics", from: at - 15_000, to: at - 5_000, read: n },
          ...{ series: n, bytes: n, durationMs: 3, sourceNow: at, dropped: {} },
        },
        { at, type: "attempt-ended", ...attempt, result: { kind: "delivered", status: 204 } },
      ];
    case "failed":
      return [
        { at, type: "attempt-ended", ...attempt, result: { kind: "failed", ...failure } },
        {
          ...{ at, type: "backing-off", id, attempt: 1, maxAttempts: 3, since: at, retryAt: at + 5_000 },
          reason: failure.reason,
          message: failure.message,
        },
      ];
    case "dropped":
      return [
        { at, type: "dropped", id, reason: "rejected", samples: n, oldest: at - 9_000, newest: at, message: "refused" },
      ];
    case "cursor":
      return [{ at, type: "cursor-moved", id, source: "metrics", cursor: at - n, sourceNow: at }];
    case "paused":
      return [{ at, type: "sink-paused", id }];
    case "resumed":
      return [{ at, type: "sink-resumed", id }];
    default:
      return [];
  }
}

function live(life: Life, happenings: readonly { sink: string; what: string; n: number }[], from = START): number {
  let at = from;
  for (const h of happenings) {
    at += 1_000;
    for (const event of events(at, h)) life.event(event);
    life.event({ type: "tick", at });
  }
  return at;
}

describe("any moment", () => {
  test("is made again as it was, in whatever order one travels", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 250 }),
        fc.array(fc.nat(260), { minLength: 1, maxLength: 12 }),
        async (happenings, seconds) => {
          const life = new Life(story());
          live(life, happenings);
          const playback = new Playback(() => life.recorder.chunks, ports);
          for (const second of seconds) {
            const time = START + second * 1_000 + 500;
            const found = await playback.at(time);
            assert.deepEqual(plain(found!.snapshot), plain(life.at(time)), `second ${second}`);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a time before the beginning gives the beginning", async () => {
    const life = new Life(story());
    live(life, [{ sink: ids[0]!, what: "delivered", n: 10 }]);
    const playback = new Playback(() => life.recorder.chunks, ports);
    const found = await playback.at(START - 60_000);
    assert.deepEqual(plain(found!.snapshot), plain(life.states[0]!));
    assert.equal(found!.at, found!.from);
  });

  test("after a reconnection there is the new state, and before it the old one", async () => {
    const life = new Life(story());
    const at = live(
      life,
      Array.from({ length: 40 }, (_, n) => ({ sink: ids[n % 3]!, what: "delivered", n: 10 + n })),
    );
    const other = story(1).wait(at + 90_000 - START).snapshot;
    life.recorder.restart(other);
    life.recorder.note({ type: "tick", at: other.at + 1_000 }, reduce(other, { type: "tick", at: other.at + 1_000 }));
    const playback = new Playback(() => life.recorder.chunks, ports);
    assert.equal((await playback.at(other.at + 500))!.snapshot.sinks.length, 1);
    assert.deepEqual(plain((await playback.at(at + 5_000))!.snapshot), plain(life.at(at)));
  });
});

describe("before the agent has said anything", () => {
  test("there is no moment; the recording begins with the first state of an agent that is attached to", async () => {
    const recorder = new Recorder(initialSnapshot, { pause });
    assert.deepEqual(recorder.chunks, []);
    const playback = new Playback(() => recorder.chunks, ports);
    assert.equal(await playback.at(START), undefined);
    const { snapshot } = story().wait(60_000);
    recorder.restart(snapshot);
    const found = await playback.at(START);
    assert.deepEqual([found?.from, found?.at], [snapshot.at, snapshot.at]);
    assert.deepEqual(plain(found!.snapshot), plain(snapshot));
  });
  test("an agent of the same process: it begins with its first event", async () => {
    const recorder = new Recorder(initialSnapshot, { pause });
    const event: Event = {
      ...{ at: START, type: "agent-started", version: "1", sourceUrl: "http://s", stateDir: "/s", listen: "off" },
    };
    recorder.note(event, reduce(initialSnapshot, event));
    const found = await new Playback(() => recorder.chunks, ports).at(START - 60_000);
    assert.deepEqual([found?.from, found?.at], [START, START]);
  });
});

describe("memory", () => {
  const hour = (options: Partial<ConstructorParameters<typeof Recorder>[1]>) => {
    const life = new Life(story(), options);
    const sizes: number[] = [];
    let at = START;
    for (let minute = 0; minute < 150; minute++) {
      at = live(
        life,
        Array.from({ length: 60 }, (_, n) => ({
          sink: ids[n % 3]!,
          what: n % 7 === 0 ? "failed" : "delivered",
          n: 1 + ((n * 37) % 400),
        })),
        at,
      );
      life.states.length = 0;
      sizes.push(life.recorder.bytes);
    }
    return { life, sizes, at };
  };
  test("an hour is kept, and no more", () => {
    const { life, at } = hour({});
    const first = life.recorder.chunks[0]!;
    assert.ok(first.keyframe);
    assert.ok(first.from <= at - 3_600_000, "an hour is there");
    assert.ok(first.from > at - 3_600_000 - 20 * 60_000, "not much more");
  });
  test("it stays within its bound, whatever happens", () => {
    const { life, sizes } = hour({ memoryBytes: 60_000 });
    assert.ok(Math.max(...sizes) < 120_000, `${Math.max(...sizes)} bytes`);
    assert.ok(life.recorder.chunks[0]!.keyframe, "what is left can be played");
  });
});

const SECRETS = ["hunter2-Pa55word", "c2VjcmV0OnRva2VuLTEyMw==", "ey.JhbGciOi.JIUzI1NiJ9"];

/** An agent whose texts have credentials in them, which the agent itself would have covered. */
function leaky(): Life {
  const life = new Life(story());
  let at = START;
  const say = (message: string) => life.event({ type: "notice", at: (at += 1_000), level: "warn", message });
  say(`the receiver said: Authorization: Basic ${SECRETS[1]} is wrong`);
  say(`cannot reach https://user:${SECRETS[0]}@cloud.example.com/api/v1/write`);
  say(`{"error":"bad login","password":"${SECRETS[0]}","access_token":"${SECRETS[2]}"}`);
  say(`token=${SECRETS[2]} password: ${SECRETS[0]} rest`);
  say(`Bearer ${SECRETS[2]}`);
  return life;
}

const saved = async (life: Life, more: { privacy?: boolean } = {}): Promise<Uint8Array> => {
  const snapshot = life.states.at(-1)!;
  return incidentFile({
    ...{ chunks: life.recorder.chunks, snapshot, now: snapshot.at + 1_000, privacy: false, pause },
    ...{ saver: { outflow: "9.9.9" }, ...more },
  });
};

const everything = (file: Uint8Array): string =>
  Object.entries(unzipSync(file))
    .map(([name, bytes]) => `${name}\n${strFromU8(bytes)}`)
    .join("\n");

describe("an incident file", () => {
  test("opens, and shows every moment as it was", async () => {
    const life = new Life(story());
    const at = live(
      life,
      Array.from({ length: 200 }, (_, n) => ({
        sink: ids[n % 3]!,
        what: n % 5 === 0 ? "failed" : "delivered",
        n: 10 + n,
      })),
    );
    const opened = openIncident(await saved(life));
    assert.ok(opened.ok);
    const playback = new Playback(() => opened.chunks, ports);
    for (const time of [START + 500, START + 77_500, START + 12_500, at + 1_000, START + 150_500])
      assert.deepEqual(plain((await playback.at(time))!.snapshot), plain(life.at(time)));
    assert.equal(opened.manifest.agent, "0.1.0");
    const files = Object.keys(unzipSync(await saved(life)));
    for (const name of ["README.txt", "manifest.json", "events.txt", "status.json", "policies/default_edge.yaml"])
      assert.ok(files.includes(name), name);
  });

  test("holds no secret, however it came into a text; and stays JSON", async () => {
    const life = leaky();
    for (const secret of SECRETS) assert.ok(JSON.stringify(life.states.at(-1)).includes(secret), "it is there before");
    const file = await saved(life);
    const text = everything(file);
    for (const secret of SECRETS)
      assert.ok(!text.includes(secret), `${secret} in ${text.slice(text.indexOf(secret) - 80)}`);
    assert.match(text, /cloud\.example\.com/);
    const opened = openIncident(file);
    assert.ok(opened.ok);
    const found = await new Playback(() => opened.chunks, ports).at(START + 60_000);
    assert.equal(found!.snapshot.events.length, life.states.at(-1)!.events.length);
  });

  test("scrubbing keeps JSON what it is, whatever stands in it", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "password",
        "token: 123456",
        "basic authentication",
        'Secret "x" was not found',
        "api_key=abcdef",
        "Bearer A1b2C3d4",
      ),
    );
    const json = fc.dictionary(
      fc.oneof(text, fc.constantFrom("token", "secretRef", "password")),
      fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)),
    );
    fc.assert(
      fc.property(json, (value) => void JSON.parse(scrubbed(JSON.stringify(value)))),
      { numRuns: 500 },
    );
  });
  test("plain words about credentials stay readable", () => {
    for (const words of [
      "check username and password in the sink's Secret.",
      'Secret "cloud-credentials" was not found in namespace default: add it to --secrets-dir.',
      "basic authentication",
      "            name: cloud-credentials",
      '{"secretRef":{"name":"cloud-credentials"}}',
    ])
      assert.equal(scrubbed(words), words);
  });

  test("with privacy on it has no address and no label value", async () => {
    const life = new Life(story());
    live(life, [{ sink: ids[0]!, what: "failed", n: 3 }]);
    const text = everything(await saved(life, { privacy: true }));
    assert.doesNotMatch(text, /127\.0\.0\.1|example\.com|"node/);
    assert.match(text, /ServerError/);
  });

  const wrong: [name: string, file: () => Uint8Array, says: RegExp][] = [
    ["no zip", () => new TextEncoder().encode("hello"), /cannot be unpacked/],
    ["an empty file", () => new Uint8Array(0), /cannot be unpacked/],
    ["another zip", () => zipSync({ "a.txt": new Uint8Array(3) }), /no manifest\.json/],
    [
      "a newer format",
      () => zipSync({ "manifest.json": bytes({ format: 99 }) }),
      /its format is 99, and this outflow reads 1/,
    ],
    ["no chunks", () => zipSync({ "manifest.json": bytes({ format: 1, from: 1, to: 2, chunks: [] }) }), /incomplete/],
    [
      "times that are not valid",
      () => zipSync({ "manifest.json": bytes({ format: 1, from: "x", to: 2, chunks: [{ keyframe: true }] }) }),
      /incomplete/,
    ],
    ["a bomb", bomb, /larger than/],
  ];
  /** Says of itself that it is 80 MB unpacked. */
  function bomb(): Uint8Array {
    const file = zipSync({ "manifest.json": new Uint8Array(1000) });
    const view = new DataView(file.buffer, file.byteOffset);
    const entry = file.findIndex((_, at) => at + 4 <= file.length && view.getUint32(at, true) === 0x02014b50);
    view.setUint32(entry + 24, 80 * 1024 * 1024, true);
    return file;
  }
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  for (const [name, file, says] of wrong)
    test(`${name} is said to be none`, () => {
      const opened = openIncident(file());
      assert.match(opened.ok ? "opened" : opened.why, says);
    });
  test("cut off anywhere it is said, never thrown at opening", async () => {
    const file = await saved(leaky());
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const opened = openIncident(file.subarray(0, Math.floor(file.length * part)));
      assert.equal(opened.ok, false);
    }
  });
});

test("a chunk says from when to when it is", () => {
  const life = new Life(story());
  const at = live(
    life,
    Array.from({ length: 100 }, () => ({ sink: ids[0]!, what: "delivered", n: 9 })),
  );
  const chunks: readonly Chunk[] = life.recorder.chunks;
  assert.ok(chunks.length > 2);
  for (const [i, chunk] of chunks.slice(1).entries()) assert.ok(chunk.from >= chunks[i]!.from);
  assert.equal(chunks.at(-1)!.to, at);
});
