// Kubernetes Events: what is one, what is not, and a series for what repeats.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Event as KubeEvent } from "kubernetes-types/events/v1";
import { createKubeApi } from "../../src/kubernetes/client/client.ts";
import { EventWriter, noticeOf } from "../../src/kubernetes/event-writer.ts";
import type { PolicyObject } from "../../src/kubernetes/policy-objects.ts";
import { systemFiles } from "../../src/platform/files.ts";
import type { Event, SinkInfo } from "../../src/status/events.ts";
import { initialSnapshot, reduce } from "../../src/status/reduce.ts";
import { FakeClock } from "../fakes/clock.ts";
import { type FakeKubeApi, startFakeKubeApi } from "../fakes/kube-api.ts";
import { eventually } from "../servers/binary.ts";
import { policyObject } from "./policies.ts";

const info: SinkInfo = {
  id: "default/edge/cloud",
  policy: "default/edge",
  sink: "cloud",
  generation: 1,
  endpoint: "http://h/",
  auth: "none",
  batch: { maxSize: 500, timeoutMs: 1000 },
  retry: { maxAttempts: 3, backoffMs: 1000 },
  sources: [{ name: "one", query: "up", kind: "raw" }],
};
const failed = (at: number): Event => ({
  type: "attempt-ended",
  at,
  id: info.id,
  attempt: 1,
  maxAttempts: 3,
  samples: 1,
  bytes: 1,
  durationMs: 1,
  inFlight: 0,
  result: { kind: "failed", reason: "AuthenticationRejected", status: 401, message: "401" },
});
const delivered = (at: number): Event => ({ ...failed(at), result: { kind: "delivered", status: 204 } }) as Event;

test("not ready, ready again and dropped data are notices; what stays the same is not", () => {
  let snapshot = initialSnapshot;
  const notices: string[] = [];
  const happen = (event: Event) => {
    const before = snapshot;
    snapshot = reduce(before, event);
    const notice = noticeOf(event, before, snapshot);
    if (notice !== undefined) notices.push(`${notice.type} ${notice.reason}: ${notice.note.slice(0, 60)}`);
  };
  happen({ type: "sink-started", at: 1, sink: info });
  happen(delivered(2));
  happen(delivered(3));
  for (let at = 4; at < 8; at++) happen(failed(at));
  happen({
    type: "dropped",
    at: 8,
    id: info.id,
    reason: "exhausted",
    samples: 5,
    oldest: 1,
    newest: 2,
    message: "gave up",
  });
  happen(delivered(9));
  assert.deepEqual(
    notices.map((n) => n.split(":")[0]),
    ["Normal Ready", "Warning NotReady", "Warning DataDropped", "Normal Ready"],
    notices.join("\n"),
  );
});

describe("the writer of Events", () => {
  let server: FakeKubeApi;
  let clock: FakeClock;
  let ended: AbortController;
  let running: Promise<void>;
  let writer: EventWriter;
  beforeEach(async () => {
    server = await startFakeKubeApi();
    clock = new FakeClock();
    ended = new AbortController();
    const api = createKubeApi({
      access: {
        server: server.url,
        origin: "a test",
        tls: {},
        files: systemFiles,
        authorization: async () => undefined,
        rejected: () => {},
      },
      proxy: () => undefined,
      userAgent: "test",
      tell: () => {},
    });
    const object = server.put("exportpolicies", policyObject("edge")) as PolicyObject;
    writer = new EventWriter({ clock, instance: "pod", target: () => ({ api, object }), onFailure: () => {} });
    running = writer.run(ended.signal);
  });
  afterEach(async () => {
    ended.abort();
    await running;
    await server.close();
  });
  const notice = {
    policy: "default/edge",
    type: "Warning",
    reason: "DataDropped",
    about: "cloud",
    note: "n".repeat(3_000),
  } as const;
  const asked = (what: string) => server.asked.filter((a) => a === what).length;

  test("what repeats is one Event with a count, written now and then", async () => {
    writer.add(notice);
    await eventually(
      "created",
      () => asked("create events"),
      (n) => n === 1,
    );
    for (let i = 0; i < 3; i++) writer.add(notice);
    await clock.advance(31_000);
    writer.add(notice);
    await eventually(
      "patched",
      () => asked("patch events"),
      (n) => n === 1,
    );
    assert.equal(asked("create events"), 1);
    await clock.advance(400_000);
    writer.add(notice);
    await eventually(
      "another series",
      () => asked("create events"),
      (n) => n === 2,
    );
  });

  test("has all that the API wants, within its limits", async () => {
    writer.add(notice);
    let event: (KubeEvent & { metadata: { name: string } }) | undefined;
    await eventually(
      "created",
      () => asked("create events"),
      (n) => n === 1,
    );
    event = server.all("events")[0] as typeof event;
    assert.ok(event);
    assert.equal(event.note?.length, 1_024);
    assert.match(String(event.eventTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual(
      [event.type, event.reason, event.action, event.reportingController, event.reportingInstance],
      ["Warning", "DataDropped", "Exporting", "outflow", "pod"],
    );
    assert.equal(event.regarding?.uid, server.object("exportpolicies", "default/edge")?.metadata.uid);
  });
});
