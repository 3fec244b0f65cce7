// A sink as its policy and the agent's settings make it.
import type { DeliverySettings, Sender } from "../delivery/ports.ts";
import type { Refusal } from "../policy/policy.ts";
import type { Query } from "../reading/reader.ts";
import type { SinkInfo } from "../status/events.ts";

export type SinkPlan = {
  info: SinkInfo;
  refusal: Refusal | undefined;
  sources: { name: string; query: Query }[];
  delivery: DeliverySettings;
  /** Everything that the connection to the sink depends on, credentials too: equal keys keep connection and backoff. Never shown. */
  senderKey: string;
  makeSender(): Sender;
};

/** Nothing that runs has to change. */
export const samePlan = (a: SinkPlan, b: SinkPlan): boolean =>
  a.senderKey === b.senderKey &&
  JSON.stringify([a.sources, a.delivery, a.info.batch, a.info.retry]) ===
    JSON.stringify([b.sources, b.delivery, b.info.batch, b.info.retry]);
