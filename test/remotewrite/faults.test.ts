// The fault matrix of a sink: whatever stands at the endpoint, the reason is right, the number of requests is right, the account
// balances, and a sibling sink is not disturbed. Statuses are in answers.test.ts; certificates in test/platform.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SeriesTable } from "../../src/series/table.ts";
import { type FaultyServer, faults, startFaultyServer } from "../fakes/faults.ts";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { frame, type Line, line } from "../fakes/sender.ts";
import { eventually } from "../servers/binary.ts";

describe("the fault matrix of a sink", () => {
  let sibling: Receiver;
  let endpoint: FaultyServer;

  before(async () => {
    sibling = await startReceiver();
    endpoint = await startFaultyServer();
  });
  after(async () => {
    endpoint.close();
    await sibling.close();
  });

  for (const f of faults) {
    test(f.name, async () => {
      endpoint.set(f);
      const url = endpoint.url("/api/v1/write");
      const settings = { maxAttempts: 3, backoffDurationMs: 1 };
      // Where a timeout is what is tested it is short; elsewhere a busy machine must not make one.
      const ms = f.timeoutMs ?? (f.reason === "Timeout" ? 300 : 15_000);
      const out: Line = line(url, settings, {
        timeouts: { totalMs: ms, firstByteMs: ms, idleMs: ms },
      });
      const other = line(sibling.writeUrl, settings);
      const rss = process.memoryUsage.rss();
      out.send(frame(new SeriesTable(), 20, 1, Date.now()));
      other.send(frame(new SeriesTable(), 20, 1, Date.now()));
      const end = f.end ?? "exhausted";
      if (end === "held")
        await eventually(
          "it holds",
          () => out.sink().phase.name,
          (p) => p === "holding",
          60_000,
        );
      else
        await eventually(
          "it is over",
          () => out.sink().account.pending,
          (n) => n === 0,
          60_000,
        );
      await eventually(
        "the sibling has delivered",
        () => other.sink().account.delivered,
        (n) => n === 20,
        60_000,
      );

      const sink = out.sink();
      const reasons = out.events.flatMap((e) =>
        e.type === "attempt-ended" && e.result.kind === "failed" ? [e.result.reason] : [],
      );
      assert.deepEqual([...new Set(reasons)], [f.reason]);
      const attempts = end === "exhausted" ? 3 : 1;
      assert.equal(sink.attemptsTotal, attempts);
      assert.equal(endpoint.requests, f.requests ?? attempts, "requests that reached it");
      const said = out.events.flatMap((e) =>
        e.type === "attempt-ended" && e.result.kind === "failed" ? [e.result.message] : [],
      );
      for (const message of said) {
        assert.match(message, f.says);
        assert.ok(message.length < 700, `${message.length} characters`);
        assert.equal(/[\u0000-\u001f\u007f-\u009f]/.test(message), false, "no control characters");
      }
      const { read, delivered, dropped, returned, pending } = sink.account;
      assert.equal(read, delivered + Object.values(dropped).reduce((a, b) => a + b, 0) + returned + pending);
      assert.equal(end === "held" ? pending : dropped[end], 20);
      assert.equal(other.sink().retries, 0, "the sibling did not notice");
      assert.ok(process.memoryUsage.rss() - rss < 100 * 1024 * 1024, "memory is bounded");
      await out.close();
      await other.close();
    });
  }
});
