// An agent in another process as a store: its snapshot once, then its events through the same reduce(). When the stream breaks off it
// says so, keeps what it knew and begins again with a new snapshot, until it is told to stop.

import { HttpBroken } from "../../http/http.ts";
import type { Clock, EpochMs } from "../../platform/clock.ts";
import type { Event } from "../../status/events.ts";
import type { Link } from "../../status/link.ts";
import { initialSnapshot, reduce } from "../../status/reduce.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { type Agent, ask, refusal, whyNot } from "./address.ts";
import { SseParser } from "./sse.ts";

/** A stream that says nothing for this long, not even a heartbeat, is dead. */
const SILENCE_MS = 45_000;
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 5_000];
/** Smaller differences of the two clocks are the time that a message takes. */
const SAME_CLOCK_MS = 2_000;

export class RemoteStore {
  snapshot: Snapshot = initialSnapshot;
  link: Link;
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event?: Event) => void>();
  #ahead = 0;
  #lastTick = 0;

  constructor(agent: Agent, clock: Clock) {
    this.#agent = agent;
    this.#clock = clock;
    this.link = { url: agent.url, state: "connecting", since: clock.now() };
  }

  /** `event`: what made the new snapshot; absent where it was replaced, or only time has passed. */
  subscribe(changed: (event?: Event) => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  /** The agent's now: ages and countdowns are counted by its clock. */
  now(): EpochMs {
    return this.#clock.now() + (Math.abs(this.#ahead) < SAME_CLOCK_MS ? 0 : this.#ahead);
  }

  /** Never rejects; ends with `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const ticking = this.#tick(signal);
    for (let failed = 0; !signal.aborted; ) {
      const why = await this.#follow(signal);
      if (signal.aborted) break;
      failed = this.link.state === "connected" ? 0 : failed + 1;
      const pause = PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)] ?? 0;
      const since = "since" in this.link ? this.link.since : this.now();
      this.#linked({ url: this.#agent.url, state: "lost", since, why, retryAt: this.now() + pause });
      await this.#clock.sleep(pause, signal);
    }
    await ticking;
  }

  /** Follows one stream to its end; returns why it ended. */
  async #follow(signal: AbortSignal): Promise<string> {
    const asked = await ask(this.#agent, "GET", "/api/v1/events", SILENCE_MS, signal);
    if (!asked.ok) return asked.why;
    const { answer } = asked;
    if (answer.status !== 200) return refusal(answer);
    if (!(answer.headers["content-type"] ?? "").startsWith("text/event-stream")) {
      await answer.discard();
      return "it did not answer with an event stream: is it outflow?";
    }
    const parser = new SseParser();
    const decoder = new TextDecoder();
    try {
      for await (const piece of answer.body)
        for (const { event, data } of parser.push(decoder.decode(piece, { stream: true }))) this.#take(event, data);
    } catch (error) {
      if (error instanceof HttpBroken) return whyNot(error.failure);
      return `it sent malformed data (${(error as Error).message})`;
    }
    return "the agent closed the connection";
  }

  #take(kind: string, data: string): void {
    if (kind === "snapshot") {
      this.snapshot = JSON.parse(data) as Snapshot;
      this.#ahead = this.snapshot.at - this.#clock.now();
      this.#linked({ url: this.#agent.url, state: "connected" });
      return;
    }
    if (kind !== "event" || this.link.state !== "connected") return;
    const event = JSON.parse(data) as Event;
    // A message can only be late: the largest difference of the last ones is nearest to the truth.
    this.#ahead = Math.max(event.at - this.#clock.now(), this.#ahead - 1);
    if (event.type === "tick") this.#lastTick = this.#clock.monotonicMs();
    this.snapshot = reduce(this.snapshot, event);
    this.#changed(event);
  }

  /** Ages and countdowns keep moving; an agent that sends no ticks is given some, so that idle and late show. */
  async #tick(signal: AbortSignal): Promise<void> {
    while (await this.#clock.sleep(1_000, signal)) {
      const silent = this.#clock.monotonicMs() - this.#lastTick > 3_000;
      if (!silent || this.link.state !== "connected") this.#changed();
      else {
        const tick: Event = { type: "tick", at: this.now() };
        this.snapshot = reduce(this.snapshot, tick);
        this.#changed(tick);
      }
    }
  }

  #linked(link: Link): void {
    this.link = link;
    this.#changed();
  }

  #changed(event?: Event): void {
    for (const changed of this.#listeners) changed(event);
  }
}
