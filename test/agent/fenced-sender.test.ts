// A sink of a fleet: nothing is sent that this agent does not own.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fencedSender } from "../../src/cli/agent/fenced-sender.ts";
import type { Sender } from "../../src/delivery/ports.ts";
import { settled } from "../fakes/clock.ts";

const BODY = Uint8Array.of(1);

function fenced(owned: boolean) {
  const posted: AbortSignal[] = [];
  const sender = {
    encode: () => BODY,
    post: (_, signal) => {
      posted.push(signal);
      return new Promise(() => {});
    },
    close: () => {},
  } satisfies Sender;
  const lost = new AbortController();
  const permit = { epoch: 1, signal: lost.signal, holds: () => owned && !lost.signal.aborted };
  return { posted, lost, sender: fencedSender(sender, permit), given: new AbortController() };
}

describe("the sender of a sink in a fleet", () => {
  test("what this agent owns is sent, and in flight until the permit ends", async () => {
    const { posted, lost, sender, given } = fenced(true);
    void sender.post(BODY, given.signal);
    await settled();
    assert.equal(posted.length, 1);
    assert.equal(posted[0]!.aborted, false);
    lost.abort();
    assert.equal(posted[0]!.aborted, true);
  });

  test("what is not owned any more is not sent: the request is broken off when the exporter ends", async () => {
    const { posted, sender, given } = fenced(false);
    void sender.post(BODY, given.signal);
    await settled();
    assert.equal(posted.length, 0);
    given.abort();
    await settled();
    assert.ok(
      posted.every((signal) => signal.aborted),
      "only with a signal that has ended",
    );
  });

  test("a sink without a permit sends nothing", async () => {
    const posted: AbortSignal[] = [];
    const sender = fencedSender(
      {
        encode: () => BODY,
        post: async (_, signal) => {
          posted.push(signal);
          throw new Error("ended");
        },
        close: () => {},
      },
      undefined,
    );
    sender.post(BODY, new AbortController().signal).catch(() => {});
    await settled();
    assert.equal(posted.length, 0);
  });

  test("requests leave no listener at the permit, which lives for days", async () => {
    let [added, removed] = [0, 0];
    const signal = new AbortController().signal;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      added++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      removed++;
      remove(...args);
    };
    const outcome = { kind: "delivered" } as never;
    const sender = fencedSender(
      { encode: () => BODY, post: async () => outcome, close: () => {} },
      { epoch: 1, signal, holds: () => true },
    );
    for (let i = 0; i < 10; i++) assert.equal(await sender.post(BODY, new AbortController().signal), outcome);
    assert.equal(added, 10);
    assert.equal(removed, 10);
  });
});
