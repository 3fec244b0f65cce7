// What a delivery needs around it, real but for the clock if the test wants its own: frames of plain series, a sender to a scripted
// receiver, and the snapshot of its one sink.
import assert from "node:assert/strict";
import { Batcher } from "../../src/batch/batcher.ts";
import type { Origin } from "../../src/delivery/batch-splitter.ts";
import { Delivery } from "../../src/delivery/delivery.ts";
import type { Sealed } from "../../src/delivery/jobs.ts";
import type { DeliverySettings, Sender } from "../../src/delivery/ports.ts";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpTimeouts } from "../../src/http/http.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { encodeBody } from "../../src/remotewrite/encode.ts";
import { post } from "../../src/remotewrite/post.ts";
import type { Frame } from "../../src/series/frame.ts";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import type { SeriesTable } from "../../src/series/table.ts";
import type { Event, SinkInfo } from "../../src/status/events.ts";
import type { SinkState } from "../../src/status/snapshot.ts";
import { StatusStore } from "../../src/status/store.ts";

export const SINK: SinkInfo = {
  id: "default/p/s",
  policy: "default/p",
  sink: "s",
  generation: 1,
  endpoint: "http://127.0.0.1/",
  auth: "none",
  batch: { maxSize: 500, timeoutMs: 5_000 },
  retry: { maxAttempts: 3, backoffMs: 20 },
  sources: [{ name: "m", query: "up", kind: "raw" }],
};

/** Series `m0`, `m1`, … with `each` samples a second apart, the last at `to`. */
export function frame(table: SeriesTable, series: number, each: number, to: number): Frame {
  const builder = new FrameBuilder();
  for (let s = 0; s < series; s++) {
    builder.startRun(table.intern([["__name__", `m${s}`]]));
    for (let i = each - 1; i >= 0; i--) builder.add(to - 1000 * i, s + i / 10, false);
  }
  return builder.build(table, to - 1000 * each, to).frame;
}

export type Line = {
  delivery: Delivery;
  /** From now on `answer` is the far end. */
  replaceSender(answer: (body: Uint8Array) => Awaited<ReturnType<Sender["post"]>>): void;
  /** As after a change of endpoint or credentials. */
  anotherSender(): void;
  settled: Sealed[];
  events: Event[];
  sink(): SinkState;
  /** Sends a window as batches of `maxSize`. */
  send(window: Frame, maxSize?: number, origin?: Origin): void;
  /** All that was sent is settled, given back or kept. */
  close(): Promise<void>;
};

const TIMEOUTS: HttpTimeouts = { firstByteMs: 30_000, idleMs: 30_000, totalMs: 30_000 };

export function line(
  url: string,
  settings: Partial<DeliverySettings> = {},
  o: {
    clock?: Clock;
    timeouts?: Partial<HttpTimeouts>;
    credentials?: { username: string; password: string };
    elsewhere?: string;
  } = {},
): Line {
  const clock = o.clock ?? systemClock;
  const http = createHttpClient({ connectMs: 30_000, connections: 8 });
  const store = new StatusStore();
  const events: Event[] = [];
  const settled: Sealed[] = [];
  const dispatch = (event: Event) => {
    events.push(event);
    store.dispatch(event);
  };
  dispatch({ type: "sink-started", at: clock.now(), sink: SINK });
  const target = {
    endpoint: url,
    credentials: o.credentials,
    version: "0.1.0",
    timeouts: { ...TIMEOUTS, ...o.timeouts },
  };
  const sender = (): Sender => ({
    encode: encodeBody,
    post: (body, signal) => post(http, clock, target, body, signal),
    close: () => {},
    ...(o.elsewhere === undefined ? {} : { elsewhere: o.elsewhere }),
  });
  const all = { maxAttempts: 3, backoffDurationMs: 20, maxConcurrency: 4, onExhausted: "drop" as const, ...settings };
  const delivery = new Delivery(SINK.id, sender(), all, {
    clock,
    random: () => 0,
    dispatch,
    settled: (batch) => settled.push(batch),
    changed: () => {},
    bug: assert.fail,
  });
  let number = 0;
  return {
    delivery,
    replaceSender: (answer) => delivery.update({ ...sender(), post: async (body) => answer(body) }, all),
    anotherSender: () => delivery.update(sender(), all),
    settled,
    events,
    sink: () => store.snapshot.sinks[0]!,
    send(window, maxSize = 500, origin = undefined) {
      const { from, to, samples: read } = window;
      const at = clock.now();
      dispatch({
        type: "window-read",
        at,
        id: SINK.id,
        source: "m",
        from,
        to,
        read,
        series: window.runs,
        bytes: 0,
        durationMs: 1,
        sourceNow: to,
        dropped: {},
      });
      const batcher = new Batcher(maxSize, number * 1_000_000);
      for (const batch of batcher.add(window, number, 0)) delivery.enqueue(batch, origin);
      const last = batcher.flush();
      if (last !== undefined) delivery.enqueue(last, origin);
      number++;
    },
    async close() {
      delivery.abort();
      await http.close();
    },
  };
}
