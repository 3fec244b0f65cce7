// A policy changes while the agent runs: generations, what restarts and what does not, corrections in the middle of a backoff, and
// what is said of a sink that is gone. The real agent over HTTP; the policies come from a text that the test changes.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Command } from "commander";
import { type Agent, startAgent } from "../../src/cli/agent/agent.ts";
import { queryRules } from "../../src/cli/querycheck.ts";
import { runOptions, type Settings } from "../../src/config/settings.ts";
import { loadText } from "../../src/policy/load.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { type FakeSource, startFakeSource } from "../fakes/source.ts";
import { eventually, tempDir } from "../servers/binary.ts";

const dir = tempDir();
let source: FakeSource;
let a: Receiver;
let b: Receiver;
let agent: Agent | undefined;
let text = "";
let states = 0;

before(async () => {
  const now = Math.floor(Date.now() / 100) * 100;
  const samples = Array.from({ length: 3000 }, (_, i): [number, string] => [now - 20_000 + 100 * i, String(i)]);
  source = await startFakeSource([{ labels: { __name__: "m", job: "one" }, samples }]);
});
after(async () => {
  await source.close();
  dir.remove();
});
beforeEach(async () => {
  [a, b] = await Promise.all([startReceiver(), startReceiver()]);
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await Promise.all([a.close(), b.close()]);
});

type Sink = { name?: string; endpoint: string; retry?: string; auth?: boolean };
const sinkText = ({ name = "cloud", endpoint, retry, auth }: Sink): string => `
    - name: ${name}
      sources: [one]
      target:
        prometheusRemoteWrite:
          endpoint: ${endpoint}
          batch: { maxSize: 500, timeout: 100ms }
          retry: ${retry ?? "{ maxAttempts: 3, backoffDuration: 20ms }"}${auth ? "\n          authentication: { basicAuth: { secretRef: { name: c } } }" : ""}`;
const policy = (sinks: Sink[], metadata = ""): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: edge${metadata} }
spec:
  sources: [{ name: one, metrics: { metricsql: m } }]
  sinks:${sinks.map(sinkText).join("")}
`;
const secret = (password: string) =>
  `---\napiVersion: v1\nkind: Secret\nmetadata: { name: c }\ntype: kubernetes.io/basic-auth\nstringData: { username: u, password: ${password} }\n`;

async function start(stateDir: string): Promise<Agent> {
  const command = new Command("run");
  for (const option of runOptions()) {
    option.envVar = undefined as unknown as string;
    command.addOption(option);
  }
  const settings: Settings & { sourceUrl: string } = {
    ...command.parse([], { from: "user" }).opts<Settings>(),
    ...{ policies: [], enforceFilter: [], forbidLabel: [], listen: "off", sourceUrl: source.url, stateDir },
    ...{ pollInterval: 1_000, settle: 0, lateWindow: 0, start: 3_000, drainTimeout: 1_000 },
  };
  const { check } = queryRules(settings);
  agent = await startAgent({
    settings,
    load: () => loadText("p.yaml", text, check),
    writeLog: undefined,
    logFormat: "text",
  });
  return agent;
}

/** Timestamps of samples that arrived; a sink that goes ends its series with a stale marker, which does not count. */
const samplesOf = (receiver: Receiver): number[] =>
  [...receiver.stored.values()].flat().flatMap(([ts, bits]) => (bits === STALE ? [] : [ts]));
const STALE = 0x7ff0000000000002n;
const newState = () => join(dir.path, `state-${++states}`);
const sinkOf = (one: Agent, name = "cloud") => one.store.snapshot.sinks.find((s) => s.info.sink === name);
const generation = (one: Agent) => one.store.snapshot.policies[0]!.generation;

describe("generations", () => {
  test("count up with each change of spec, and only then; also across a restart", async () => {
    const state = newState();
    const step = (next: string) => {
      text = next;
      agent!.reload();
      return generation(agent!);
    };
    text = policy([{ endpoint: a.writeUrl }]);
    assert.equal(generation(await start(state)), 1);
    assert.equal(step(`# a comment\n${text}`), 1);
    assert.equal(step(policy([{ endpoint: a.writeUrl }], ", labels: { x: z }")), 1);
    assert.equal(step(policy([{ endpoint: b.writeUrl }])), 2);
    assert.equal(step(policy([{ endpoint: a.writeUrl }])), 3);
    assert.equal(step(policy([{ endpoint: a.writeUrl, auth: true }]) + secret("one")), 4);
    assert.equal(step(policy([{ endpoint: a.writeUrl, auth: true }]) + secret("two")), 4);
    await agent!.stop();
    assert.equal(generation(await start(state)), 4);
    assert.ok(sinkOf(agent!)!.conditions.every((c) => c.observedGeneration === 4));
    assert.equal(step(policy([{ endpoint: a.writeUrl }], ", generation: 42")), 42);
  });
});

describe("only what changed restarts", () => {
  test("a sink whose settings did not change keeps its connection; what a sibling gets changes nothing", async () => {
    text = policy([{ name: "steady", endpoint: a.writeUrl }, { endpoint: b.writeUrl }]);
    await start(newState());
    await eventually(
      "both deliver",
      () => Math.min(a.requests.length, b.requests.length),
      (n) => n >= 1,
    );
    for (const retry of [4, 5, 6]) {
      const was = a.requests.length;
      text = policy([
        { name: "steady", endpoint: a.writeUrl },
        { endpoint: b.writeUrl, retry: `{ maxAttempts: ${retry}, backoffDuration: 20ms }` },
      ]);
      agent!.reload();
      assert.equal(sinkOf(agent!)!.info.retry.maxAttempts, retry);
      await eventually(
        "steady continues",
        () => a.requests.length,
        (n) => n > was,
      );
    }
    assert.equal(a.connections, 1);
    assert.equal(sinkOf(agent!, "steady")!.account.returned, 0);
  });

  test("a corrected endpoint is tried at once, in the middle of a long backoff, and nothing is lost", async () => {
    a.answer = () => ({ status: 503 });
    text = policy([{ endpoint: a.writeUrl, retry: "{ maxAttempts: 10, backoffDuration: 1h }" }]);
    await start(newState());
    await eventually(
      "it backs off",
      () => sinkOf(agent!)?.phase.name,
      (phase) => phase === "backing-off",
    );
    const [first] = a.requests;
    text = policy([{ endpoint: b.writeUrl, retry: "{ maxAttempts: 10, backoffDuration: 1h }" }]);
    agent!.reload();
    await eventually(
      "the other one has it",
      () => b.requests.length,
      (n) => n > 0,
      20_000,
    );
    assert.ok(b.requests[0]!.body.equals(first!.body), "the same batch, the same bytes");
  });

  test("a corrected endpoint does not wait for an attempt that hangs at the wrong one", async () => {
    a.answer = (_, n) => (n === 0 ? { status: 503 } : "hang");
    text = policy([{ endpoint: a.writeUrl, retry: "{ maxAttempts: 10, backoffDuration: 20ms }" }]);
    await start(newState());
    await eventually(
      "it hangs",
      () => a.requests.length,
      (n) => n === 2,
    );
    text = policy([{ endpoint: b.writeUrl, retry: "{ maxAttempts: 10, backoffDuration: 20ms }" }]);
    agent!.reload();
    // --send-timeout is 30s.
    await eventually(
      "the other one has it",
      () => b.requests.length,
      (n) => n > 0,
      20_000,
    );
    assert.ok(b.requests[0]!.body.equals(a.requests[0]!.body));
    await eventually(
      "the account is balanced",
      () => sinkOf(agent!)!,
      (sink) => sink.account.delivered > 0 && sink.inFlight === 0,
    );
  });

  test("a corrected Secret is tried at once, after a refusal", async () => {
    a.answer = ({ headers }) => ({ status: headers.authorization?.endsWith(btoa("u:two")) ? 204 : 401 });
    text = policy([{ endpoint: a.writeUrl, auth: true }]) + secret("one");
    await start(newState());
    await eventually(
      "it holds",
      () => sinkOf(agent!)?.phase.name,
      (phase) => phase === "holding",
    );
    text = policy([{ endpoint: a.writeUrl, auth: true }]) + secret("two");
    agent!.reload();
    await eventually(
      "it delivers",
      () => sinkOf(agent!)!.account.delivered,
      (n) => n > 0,
      20_000,
    );
    assert.deepEqual(
      Object.values(sinkOf(agent!)!.account.dropped).filter((n) => n > 0),
      [],
    );
  });

  test("a Secret that goes refuses the sink; when it comes back it continues without a gap", async () => {
    text = policy([{ endpoint: a.writeUrl, auth: true }]) + secret("one");
    await start(newState());
    await eventually(
      "it delivers",
      () => a.requests.length,
      (n) => n > 0,
    );
    text = policy([{ endpoint: a.writeUrl, auth: true }]);
    agent!.reload();
    assert.equal(sinkOf(agent!)!.phase.name, "refused");
    text = policy([{ endpoint: a.writeUrl, auth: true }]) + secret("one");
    agent!.reload();
    const was = a.requests.length;
    await eventually(
      "it delivers again",
      () => a.requests.length,
      (n) => n >= was + 2,
    );
    const times = samplesOf(a);
    const distinct = [...new Set(times)].sort((x, y) => x - y);
    for (let i = 1; i < distinct.length; i++) assert.equal(distinct[i]! - distinct[i - 1]!, 100);
  });
});

describe("a sink that is gone", () => {
  test("says where it stood; put back under its name it continues from there", async () => {
    text = policy([{ endpoint: a.writeUrl }, { name: "other", endpoint: b.writeUrl }]);
    await start(newState());
    await eventually(
      "it delivers",
      () => sinkOf(agent!)?.sources[0]?.cursor ?? 0,
      (cursor) => cursor > 0,
    );
    text = policy([{ name: "other", endpoint: b.writeUrl }]);
    agent!.reload();
    const said = () => agent!.store.snapshot.events.map((e) => e.text).filter((line) => line.includes("was removed"));
    const [line] = await eventually("the report", said, (lines) => lines.length > 0);
    assert.match(line!, /^default\/edge\/cloud was removed\. Its cursors: one at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\./);
    assert.doesNotMatch(line!, /looks like/);
    const others = b.requests.length;
    await eventually(
      "time goes by",
      () => b.requests.length,
      (n) => n >= others + 2,
    );
    text = policy([{ endpoint: a.writeUrl }, { name: "other", endpoint: b.writeUrl }]);
    const was = a.requests.length;
    agent!.reload();
    await eventually(
      "it delivers again",
      () => a.requests.length,
      (n) => n >= was + 2,
    );
    const times = samplesOf(a);
    assert.equal(new Set(times).size, times.length, "nothing twice");
    const sorted = times.toSorted((x, y) => x - y);
    for (let i = 1; i < sorted.length; i++) assert.equal(sorted[i]! - sorted[i - 1]!, 100, "no gap");
  });

  test("a rename is a removal and a new sink, and the report names it", async () => {
    text = policy([{ name: "old", endpoint: a.writeUrl }]);
    await start(newState());
    await eventually(
      "it delivers",
      () => sinkOf(agent!, "old")?.sources[0]?.cursor ?? 0,
      (cursor) => cursor > 0,
    );
    text = policy([{ name: "new", endpoint: a.writeUrl }]);
    agent!.reload();
    const said = () => agent!.store.snapshot.events.map((e) => e.text).filter((line) => line.includes("was removed"));
    const [line] = await eventually("the report", said, (lines) => lines.length > 0);
    assert.match(line!, /default\/edge\/new looks like the same sink under another name/);
    assert.equal(sinkOf(agent!, "old"), undefined);
  });
});
