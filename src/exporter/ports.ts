// What a sink's exporter is made of, and what it needs of others.
import type { Drop } from "../delivery/batch-splitter.ts";
import type { DeliverySettings } from "../delivery/ports.ts";
import type { Clock, EpochMs } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Memory } from "../reading/memory/memory.ts";
import type { Query } from "../reading/reader.ts";
import type { StartAt, Subscriber, Subscription } from "../reading/subscription.ts";
import type { Attempted } from "../state/attempted.ts";
import type { Event, SinkId, SinkInfo } from "../status/events.ts";

export type ExporterSpec = {
  info: SinkInfo;
  /** In the policy's order; names as in info.sources. */
  sources: { name: string; query: Query }[];
  delivery: DeliverySettings;
};

export type ExporterPorts = {
  clock: Clock;
  random: Random;
  dispatch(event: Event): void;
  /** `unclean`: the process before this one was killed, or gave something back. */
  saved(source: string): { cursor: EpochMs; memory: Memory; unclean: boolean; attempted?: Attempted } | undefined;
  /** Saved when this returns. */
  saveAttempted(source: string, attempted: Attempted): void;
  save(source: string, cursor: EpochMs, memory: Memory | undefined): void;
  /** Keeps what the sink dropped (dead letters); false: it could not. */
  keep?(id: SinkId, drop: Drop): boolean;
  subscribe(query: Query, subscriber: Subscriber, startAt?: StartAt): Subscription;
  /** Something was thrown that nobody expected: the exporter is to be ended. */
  bug(error: unknown): void;
};
