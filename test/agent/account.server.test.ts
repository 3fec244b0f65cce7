// The account of docs/design.md at every scrape of the compiled binary: read = delivered + dropped + returned + pending, while a sink
// fails in every way, the policy is edited and the agent is restarted and killed.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Account, type Scrapes, scrape } from "../servers/account.ts";
import { eventually, type Running, runAgent, tempDir } from "../servers/binary.ts";
import { fleetPolicy, row } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const SELECTOR = '{job="fleet"}';

/** Writes 300 series twice a second until told to stop. */
async function produce(vm: VictoriaMetrics, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const now = Date.now();
    await vm.import(Array.from({ length: 300 }, (_, i) => row("m", { i: String(i) }, [[now, n]])));
    await new Promise((done) => setTimeout(done, 500 - (Date.now() - now)));
  }
}

describe("the account", needs("victoria-metrics"), () => {
  const dir = tempDir();
  const writing = new AbortController();
  let source: VictoriaMetrics;
  let sink: Server;
  let produced = Promise.resolve();
  let requests = 0;
  /** What the sink answers now; 0: nothing. */
  let status = 204;
  const hanging = new Set<ServerResponse>();
  let agent: Running | undefined;
  let scrapes: Scrapes | undefined;

  before(async () => {
    source = await startVictoriaMetrics();
    produced = produce(source, writing.signal);
    sink = createServer((request, response) => {
      request.resume();
      request.once("end", () => {
        requests++;
        if (status === 0) hanging.add(response);
        // An endpoint that takes nothing at all is held, not bisected: a write without samples is taken.
        else if (status === 400 && request.headers["content-length"] === "1") response.writeHead(204).end();
        else response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => sink.listen(0, "127.0.0.1", done));
  });

  after(async () => {
    await scrapes?.stop();
    await agent?.stop("SIGKILL");
    writing.abort();
    await produced;
    sink.closeAllConnections();
    sink.close();
    await source.remove();
    dir.remove();
  });

  test("balances at every scrape, whatever the sink answers, across edits, a restart and a kill", async () => {
    const file = join(dir.path, "p.yaml");
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/write`;
    const write = (maxSize: number) =>
      writeFileSync(
        file,
        fleetPolicy(
          SELECTOR,
          { good: source.writeUrl.replace(/$/, "?extra_label=copy=1"), bad: url },
          `{ maxSize: ${maxSize}, timeout: 300ms }`,
          "{ maxAttempts: 2, backoffDuration: 100ms }",
        ),
      );
    write(100);
    const start = () =>
      runAgent([
        ...["--policies", file, "--source-url", source.url, "--state-dir", join(dir.path, "state")],
        ...["--poll-interval", "1s", "--settle", "1s", "--send-timeout", "1s"],
      ]);
    agent = await start();
    scrapes = scrape(() => agent, 50);
    const most = (): Account =>
      scrapes!.most.get("default/p/bad") ?? { read: 0, delivered: 0, dropped: 0, returned: 0, pending: 0 };

    await eventually("it delivers", most, ({ delivered }) => delivered > 0);
    for (const [what, bad] of [
      ["server errors", 503],
      ["refusals", 400],
      ["silence", 0],
      ["wrong credentials", 401],
      ["too large", 413],
    ] as const) {
      status = bad;
      const [before, { dropped }] = [requests, most()];
      await eventually(
        `${what} are seen`,
        () => ({ requests: requests - before, dropped: most().dropped - dropped }),
        // An endpoint that calls every size too large is held: nothing is dropped for it.
        (now) => ([401, 0, 413].includes(bad) ? now.requests >= 2 : now.dropped > 0),
      );
      write(50 + (bad % 100)); // an edit in the middle of it
      const after = requests;
      await eventually(
        "it continues after the edit",
        () => requests,
        (now) => now > after,
      );
      status = 204;
      for (const response of hanging) response.writeHead(204).end();
      hanging.clear();
      const { delivered } = most();
      write(60 + (bad % 100)); // a held sink is probed at once
      await eventually(`it delivers after ${what}`, most, (now) => now.delivered > delivered);
    }
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      status = 503;
      await eventually("something waits", most, ({ pending }) => pending > 0);
      await agent.stop(signal);
      status = 204;
      agent = await start();
      await eventually(
        "it delivers again",
        () => agent!.metrics(),
        (m) => (m.get('outflow_sink_samples_delivered_total{policy="default/p",sink="bad"}') ?? 0) > 0,
      );
    }
    await eventually(
      "there were enough scrapes",
      () => scrapes!.count,
      (n) => n > 100,
    );
    await scrapes.stop();
    assert.deepEqual(scrapes.unbalanced, []);
    const { pending, dropped, delivered } = most();
    for (const [what, n] of Object.entries({ pending, dropped, delivered }))
      assert.ok(n > 0, `nothing was ever ${what}`);
    console.log(`${scrapes.count} scrapes; at most ${JSON.stringify(most())}`);
  });
});
