// Each field of a policy has its effect: the real agent between a scripted source and a scripted receiver, over HTTP; two policies
// that differ in one field, and what differs with it. Times are lower bounds only.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Command } from "commander";
import { type Agent, startAgent } from "../../src/cli/agent/agent.ts";
import { planner } from "../../src/cli/agent/plan.ts";
import { queryRules } from "../../src/cli/querycheck.ts";
import { runOptions, type Settings } from "../../src/config/settings.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { annotationNames } from "../../src/policy/annotations.ts";
import { loadText } from "../../src/policy/load.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { behaviours, type FakeSource, startFakeSource } from "../fakes/source.ts";
import { eventually, tempDir } from "../servers/binary.ts";

const dir = tempDir();
after(() => dir.remove());

const SETTINGS: Settings & { sourceUrl: string } = {
  ...defaults(),
  sourceUrl: "",
  policies: [],
  listen: "off",
  pollInterval: 1_000,
  settle: 0,
  lateWindow: 0,
  evalDelay: 0,
  start: 4_000,
  drainTimeout: 0,
};

function defaults(): Settings {
  const command = new Command("run");
  for (const option of runOptions()) {
    option.envVar = undefined as unknown as string;
    command.addOption(option);
  }
  const set = command.parse([], { from: "user" }).opts<Settings>();
  return { ...set, enforceFilter: set.enforceFilter ?? [], forbidLabel: set.forbidLabel ?? [] };
}

type Fields = {
  name?: string;
  metadata?: string;
  sink?: string;
  source?: string;
  query?: string;
  sources?: string;
  endpoint?: string;
  batch?: string;
  retry?: string;
  authentication?: string;
};

const SECRET = `---
apiVersion: v1
kind: Secret
metadata: { name: c }
type: kubernetes.io/basic-auth
stringData: { username: somebody, password: "pa:ss ü" }
`;

const policy = (f: Fields, writeUrl: string): string => `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: ${f.name ?? "edge"}${f.metadata ? `, ${f.metadata}` : ""} }
spec:
  sources:
    - { name: ${f.source ?? "one"}, metrics: { metricsql: '${f.query ?? 'm{job="one"}'}' } }
    - { name: two, metrics: { metricsql: 'm{job="two"}' } }
  sinks:
    - name: ${f.sink ?? "cloud"}
      sources: ${f.sources ?? `[${f.source ?? "one"}]`}
      target:
        prometheusRemoteWrite:
          endpoint: ${f.endpoint ?? writeUrl}
          batch: ${f.batch ?? "{ maxSize: 500, timeout: 100ms }"}
          retry: ${f.retry ?? "{ maxAttempts: 3, backoffDuration: 20ms }"}
${f.authentication ? `          authentication: ${f.authentication}\n` : ""}${SECRET}`;

/** Samples every 100 ms, from a while ago to a while ahead, of two series. */
function rows(): FakeSource["rows"] {
  const now = Math.floor(Date.now() / 100) * 100;
  return ["one", "two"].map((job) => ({
    labels: { __name__: "m", job },
    samples: Array.from({ length: 1200 }, (_, i): [number, string] => [now - 20_000 + 100 * i, String(i)]),
  }));
}

let source: FakeSource;
before(async () => {
  source = await startFakeSource(rows());
});
after(() => source.close());

let states = 0;
/** Runs the agent with this policy until `until` holds; what it looked like then. */
async function run(
  fields: Fields,
  until: (receiver: Receiver, agent: Agent) => boolean,
  answer: Receiver["answer"] = () => ({ status: 204 }),
): Promise<{ receiver: Receiver; agent: Agent; asked: string[] }> {
  const receiver = await startReceiver();
  receiver.answer = answer;
  const from = source.asked.length;
  const text = policy(fields, receiver.writeUrl);
  const settings = { ...SETTINGS, sourceUrl: source.url, stateDir: join(dir.path, `state-${++states}`) };
  const { check } = queryRules(settings);
  const load = () => loadText("p.yaml", text, check);
  const agent = await startAgent({ settings, load, writeLog: undefined, logFormat: "text" });
  try {
    await eventually("the agent does it", () => until(receiver, agent), Boolean, 30_000);
  } finally {
    await agent.stop();
    await receiver.close();
  }
  return {
    receiver,
    agent,
    asked: source.asked.slice(from).flatMap(({ query }) => (query.includes("\n") ? [query] : [])),
  };
}

const some =
  (n = 1) =>
  (receiver: Receiver) =>
    receiver.requests.length >= n;
const sizes = ({ requests }: Receiver) => requests.map((r) => r.samples);

describe("fields of a policy", () => {
  test("endpoint: requests go there", async () => {
    const other = await startReceiver();
    const { receiver } = await run({ endpoint: other.writeUrl }, () => other.requests.length > 0);
    assert.equal(receiver.requests.length, 0);
    await other.close();
    assert.ok((await run({}, some())).receiver.requests.length > 0);
  });

  test("authentication.basicAuth.secretRef: the Authorization header", async () => {
    const { receiver } = await run({ authentication: "{ basicAuth: { secretRef: { name: c } } }" }, some());
    const value = Buffer.from("somebody:pa:ss ü", "utf8").toString("base64");
    for (const { headers } of receiver.requests) assert.equal(headers.authorization, `Basic ${value}`);
    const without = await run({}, some());
    for (const { headers } of without.receiver.requests) assert.equal(headers.authorization, undefined);
  });

  test("secretRef.name: another Secret, which is not there: the sink is refused and sends nothing", async () => {
    const { receiver, agent } = await run(
      { authentication: "{ basicAuth: { secretRef: { name: d } } }" },
      (_, { store }) => store.snapshot.sinks[0]?.phase.name === "refused",
    );
    assert.equal(receiver.requests.length, 0);
    assert.deepEqual(
      agent.store.snapshot.sinks[0]!.conditions.map((c) => [c.type, c.status, c.reason]),
      [
        ["Accepted", "False", "SecretNotFound"],
        ["Ready", "False", "SecretNotFound"],
      ],
    );
  });

  test("batch.maxSize: no request has more", async () => {
    const small = sizes((await run({ batch: "{ maxSize: 7, timeout: 100ms }" }, some(4))).receiver);
    assert.equal(Math.max(...small), 7);
    const large = sizes((await run({ batch: "{ maxSize: 500, timeout: 100ms }" }, some(1))).receiver);
    assert.ok(Math.max(...large) > 7, `${large}`);
  });

  test("batch.timeout: a batch that is not full goes with the last read that is due within that", async () => {
    const waited = async (timeout: string) => {
      let answeredAt: number | undefined;
      source.behave = (asked, response, own) => {
        if (/ms\]$/.test(asked.query)) answeredAt ??= performance.now(); // before any sample of it has arrived
        behaviours.answer(asked, response, own);
      };
      const { receiver } = await run({ batch: `{ maxSize: 5000, timeout: ${timeout} }` }, some());
      source.behave = behaviours.answer;
      return receiver.requests[0]!.at - answeredAt!;
    };
    assert.ok((await waited("3s")) >= 2_000); // polls of 1s
    await waited("1ms");
  });

  test("retry.maxAttempts: so many attempts, all of the same bytes, then the batch is dropped and counted", async () => {
    for (const maxAttempts of [1, 2, 4]) {
      const { receiver, agent } = await run(
        { retry: `{ maxAttempts: ${maxAttempts}, backoffDuration: 5ms }` },
        (_, { store }) => (store.snapshot.sinks[0]?.account.dropped.exhausted ?? 0) > 0,
        () => ({ status: 503 }),
      );
      const first = receiver.requests[0]!;
      assert.equal(receiver.requests.filter((r) => r.body.equals(first.body)).length, maxAttempts);
      assert.ok(agent.store.snapshot.sinks[0]!.account.dropped.exhausted >= first.samples);
    }
  });

  test("retry.backoffDuration: the second attempt is not before, the third not before twice that", async () => {
    const { receiver } = await run({ retry: "{ maxAttempts: 3, backoffDuration: 300ms }" }, some(3), () => ({
      status: 503,
    }));
    const [a, b, c] = receiver.requests.map((r) => r.at);
    assert.ok(b! - a! >= 300, `${b! - a!}`);
    assert.ok(c! - b! >= 600, `${c! - b!}`);
  });

  test("metrics.metricsql: this query is asked, and no other", async () => {
    const { asked } = await run({ query: 'other{a="b"}' }, some());
    const texts = new Set(asked.map((q) => q.split("\n")[0]));
    assert.deepEqual([...texts], ['other{a="b"}']);
  });

  test("sinks[].sources: these and no others are read", async () => {
    const of = async (sources: string) => {
      const { asked } = await run({ sources }, some(2));
      return [...new Set(asked.map((q) => q.split("\n")[0]!))].sort();
    };
    assert.deepEqual(await of("[two]"), ['m{job="two"}']);
    assert.deepEqual(await of("[one, two]"), ['m{job="one"}', 'm{job="two"}']);
  });

  test("metadata, sinks[].name, sources[].name: what things are called in the status", async () => {
    const { agent } = await run({ metadata: "namespace: shop, generation: 7", sink: "s-1", source: "src-1" }, some());
    const [sink] = agent.store.snapshot.sinks;
    assert.equal(sink!.id, "shop/edge/s-1");
    assert.deepEqual(
      sink!.sources.map((s) => s.name),
      ["src-1"],
    );
    assert.ok(sink!.conditions.every((c) => c.observedGeneration === 7));
    const plain = (await run({}, some())).agent.store.snapshot.sinks[0]!;
    assert.equal(plain.id, "default/edge/cloud");
    assert.ok(plain.conditions.every((c) => c.observedGeneration === 1));
  });

  test("metadata.namespace: Secrets are looked for there", async () => {
    const { agent } = await run(
      { metadata: "namespace: shop", authentication: "{ basicAuth: { secretRef: { name: c } } }" },
      (_, { store }) => store.snapshot.sinks[0]?.phase.name === "refused",
    );
    assert.match(agent.store.snapshot.sinks[0]!.conditions[0].message, /shop\/c was not found.*namespace default/);
  });

  test("annotation outflow/external-labels: each series has them", async () => {
    const { receiver } = await run({ metadata: 'annotations: { outflow/external-labels: "site=a1,job=x" }' }, some());
    for (const key of receiver.stored.keys()) {
      assert.match(key, /site[^a-z]+a1/);
      assert.match(key, /job[^a-z]+(one|two)/, "a label that the series has is not overridden");
    }
    assert.ok(receiver.stored.size > 0);
  });

  test("annotation outflow/on-exhausted: hold: nothing is dropped", async () => {
    const { agent } = await run(
      {
        metadata: "annotations: { outflow/on-exhausted: hold }",
        retry: "{ maxAttempts: 1, backoffDuration: 5ms }",
      },
      some(3),
      () => ({ status: 503 }),
    );
    assert.equal(agent.store.snapshot.sinks[0]!.account.dropped.exhausted, 0);
  });
});

describe("annotations in the plan", () => {
  const rules = queryRules({ enforceFilter: [], forbidLabel: [] });
  const plan = planner(SETTINGS, () => createHttpClient({ connectMs: 1, connections: 1 }), systemClock, rules);
  const planOf = (annotation: string, query: string) => {
    const metadata = annotation === "" ? "" : `annotations: { ${annotation} }`;
    const loaded = loadText("p.yaml", policy({ metadata, query }, "http://127.0.0.1:1/api/v1/write"), rules.check);
    const [one] = loaded.policies;
    const { sources, delivery } = plan(one!, one!.sinks[0]!, 1);
    return {
      ...delivery,
      ...sources[0]!.query,
      external: sources[0]!.query.labels.external,
      text: "",
      sent: "",
      labels: {},
    };
  };
  const cases: [annotation: string, query: string, changed: object][] = [
    ["outflow/poll-interval: 20s", "m", { intervalMs: 20_000 }],
    ["outflow/settle: 7s", "m", { delayMs: 7_000 }],
    ["outflow/late-window: 11s", "m", { lateWindowMs: 11_000 }],
    ["outflow/eval-delay: 13s", "sum(m)", { delayMs: 13_000 }],
    ["outflow/max-window: 40s", "m", { maxWindowMs: 40_000 }],
    ["outflow/max-backfill: 1h", "m", { maxBackfillMs: 3_600_000 }],
    ["outflow/start: 2h", "m", { startBackMs: 7_200_000 }],
    ["outflow/on-exhausted: hold", "m", { onExhausted: "hold" }],
    ['outflow/max-concurrency: "3"', "m", { maxConcurrency: 3 }],
    ["outflow/external-labels: a=b", "m", { external: [["a", "b"]] }],
  ];
  for (const [annotation, query, changed] of cases)
    test(`${annotation} changes only that`, () =>
      assert.deepEqual(planOf(annotation, query), { ...planOf("", query), ...changed }));

  test("each annotation is here", () => {
    for (const name of annotationNames.filter((n) => !/secret|header/.test(n)))
      assert.ok(
        cases.some(([annotation]) => annotation.startsWith(`${name}:`)),
        name,
      );
  });
});
