// Every sample runs: the compiled binary reads the folder `policies/` with endpoints put to a receiver on this host, from a real
// VictoriaMetrics that has what the samples select. Each sink delivers.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { needs } from "../servers/found.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SAMPLES = new URL("../../policies/", import.meta.url).pathname;
const SERIES: Record<string, string>[] = [
  { __name__: "gateway_up", job: "gateway" },
  { __name__: "host_up", job: "host" },
  { __name__: "fleet_up", service_name: "networking.miloapis.com", resource_kind: "Gateway" },
  ...[
    "http_request_duration_seconds",
    "tcp_connections",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "up",
  ].map((name) => ({ __name__: name, job: "shop" })),
  { __name__: "http_requests_total", job: "shop", code: "200" },
  { __name__: "http_requests_total", job: "shop", code: "500" },
];

describe("the samples", needs("victoria-metrics"), () => {
  const dir = tempDir();
  let source: VictoriaMetrics;
  let receiver: Receiver;
  let agent: Running | undefined;
  let living = true;
  let life: Promise<void>;

  before(async () => {
    // By default it has no values of an expression for the last 30 s.
    [source, receiver] = await Promise.all([startVictoriaMetrics("-search.latencyOffset=1s"), startReceiver()]);
    for (const name of readdirSync(SAMPLES)) {
      const text = readFileSync(SAMPLES + name, "utf8");
      const local = text.replace(/endpoint: .*/g, `endpoint: ${receiver.writeUrl}`);
      writeFileSync(join(dir.path, name), local, { mode: 0o600 });
    }
    life = (async () => {
      for (let n = 0; living; n++) {
        const now = Date.now();
        await source.import(SERIES.map((labels) => ({ labels, samples: [[now, n]] })));
        await new Promise((done) => setTimeout(done, 500)); // the pace of the source
      }
    })();
  });

  after(async () => {
    living = false;
    await life;
    await agent?.stop("SIGKILL");
    await source.remove();
    await receiver.close();
    dir.remove();
  });

  test("each sink delivers; what only its sample has is seen", async () => {
    agent = await runAgent([
      ...["--policies", dir.path, "--source-url", source.url, "--state-dir", join(dir.path, ".state")],
      ...["--poll-interval", "1s", "--settle", "1s", "--eval-delay", "2s"],
    ]);
    type Sinks = {
      items: {
        metadata: { name: string };
        status: { sinks: { name: string; conditions: { type: string; reason: string }[] }[] };
      }[];
    };
    const reasons = async (): Promise<Record<string, string>> => {
      const { items } = (await (await fetch(`${agent!.adminUrl}/api/v1/status`)).json()) as Sinks;
      return Object.fromEntries(
        items.flatMap((item) =>
          item.status.sinks.map((sink) => [
            `${item.metadata.name}/${sink.name}`,
            sink.conditions.find((c) => c.type === "Ready")?.reason ?? "",
          ]),
        ),
      );
    };
    const sinks = await eventually(
      "all deliver",
      reasons,
      (all) => Object.values(all).every((r) => r === "Delivering"),
      90_000,
    );
    for (const sink of [
      ...["minimal/cloud", "two-sinks/long-term", "two-sinks/on-call", "basic-auth/cloud", "expression/dashboard"],
      ...["tuned/satellite", "many-sources/everything", "many-sources/health", "demo/steady"],
    ])
      assert.equal(sinks[sink], "Delivering");
    const password = `Basic ${Buffer.from("123456:change-me").toString("base64")}`;
    assert.ok(receiver.requests.some((r) => r.headers.authorization === password));
    const seen = [...receiver.stored.keys()].join("\n");
    assert.match(seen, /edge-7/, "the external label of tuned.yaml");
    assert.match(seen, /requests_by_code/, "the name of the expression");
    assert.match(seen, /availability/);
    assert.doesNotMatch(agent.log, /change-me/);
  });
});
