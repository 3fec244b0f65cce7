// Every way in which a receiver, the source or the agent fails in a rehearsal: one table. A fault begins after the agent has run well for a
// while, and ends after `forMs`.
import { type Behavior, type Reply, type Request, TAKES } from "./receiver-model.ts";

/** What a receiver has seen before the fault began. */
export type Before = { largestBytes: number; bytesPerMs: number };

type Fault = (before: Before) => (request: Request, sinceMs: number) => Reply;

export type Scenario = {
  name: string;
  /** What happens, for people. `{for}`: how long. */
  title: string;
  forMs: number;
  /** The receiver, while the fault lasts; absent: it takes everything. `sinceMs`: since the fault began. */
  receiver?: Fault;
  /** The receiver after the fault, until the sink has caught up; absent: it takes everything. */
  after?: () => Behavior;
  /** The source is away. */
  sourceAway?: true;
  /** The agent ends when the fault begins, and starts again when it ends. `kill`: while a request is stored but not answered. */
  agent?: "stop" | "kill";
  /** It depends on how large batches are: modelled with all series. */
  exact?: true;
};

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Of the 5xx: how long it fails, and how long it is well in between. */
const FLAP_MS = 30_000;
const RETRY_AFTER_S = 30;
/** A receiver that works off what others have queued. */
const BUSY_MS = 2_000;
const ONE_OF = 5;
/** Of the largest request; not half, where it would be chance whether half a batch fits. */
const LARGEST = 0.4;

const status = (code: number, headers: Record<string, string> = {}): Reply => ({
  kind: "status",
  status: code,
  stores: false,
  headers,
});

const away: Fault = () => () => ({ kind: "refused" });
const always =
  (reply: Reply): Fault =>
  () =>
  () =>
    reply;

export const scenarios: readonly Scenario[] = [
  { name: "healthy", title: "nothing fails, {for}", forMs: 10 * MINUTE },
  { name: "outage-5m", title: "connection refused for {for}", forMs: 5 * MINUTE, receiver: away },
  { name: "outage-1h", title: "connection refused for {for}", forMs: HOUR, receiver: away },
  { name: "outage-24h", title: "connection refused for {for}", forMs: 24 * HOUR, receiver: away },
  {
    name: "flapping",
    title: "503 for 30s of each minute, {for}",
    forMs: 20 * MINUTE,
    receiver: () => (_, sinceMs) => (sinceMs % (2 * FLAP_MS) < FLAP_MS ? status(503) : TAKES),
  },
  {
    name: "lost-responses",
    title: "1 of 5 requests is stored, its response lost, {for}",
    forMs: 10 * MINUTE,
    receiver:
      () =>
      ({ number }) =>
        number % ONE_OF === 0 ? { kind: "silent", stores: true } : TAKES,
  },
  { name: "unauthorized", title: "401 for {for}, then fixed", forMs: 10 * MINUTE, receiver: always(status(401)) },
  { name: "not-found", title: "404 for {for}, then fixed", forMs: 10 * MINUTE, receiver: always(status(404)) },
  {
    name: "too-large",
    title: "413 above 40 % of the largest request, {for}",
    forMs: 10 * MINUTE,
    exact: true,
    receiver: ({ largestBytes }) => {
      const most = Math.max(1, Math.floor(largestBytes * LARGEST));
      return ({ bytes }) => (bytes > most ? status(413) : TAKES);
    },
  },
  {
    name: "rate-limited",
    title: "429 with Retry-After 30 s for {for}",
    forMs: 10 * MINUTE,
    receiver: always(status(429, { "retry-after": String(RETRY_AFTER_S) })),
  },
  {
    name: "refused-series",
    title: "400 for requests with one certain series, {for}",
    forMs: 10 * MINUTE,
    exact: true,
    receiver:
      () =>
      ({ hasRefused }) =>
        hasRefused ? status(400) : TAKES,
  },
  { name: "refused-all", title: "400 for every request for {for}", forMs: 10 * MINUTE, receiver: always(status(400)) },
  {
    name: "slow-link",
    title: "a link of half the bandwidth that is needed, {for}",
    forMs: 10 * MINUTE,
    receiver: ({ bytesPerMs }) => {
      let freeMs = 0;
      return ({ bytes, atMs }) => {
        freeMs = Math.max(freeMs, atMs) + (bytes * 2) / bytesPerMs;
        return { ...TAKES, afterMs: freeMs - atMs } as Reply;
      };
    },
  },
  { name: "source-away", title: "the source refuses connections for {for}", forMs: 10 * MINUTE, sourceAway: true },
  { name: "restart", title: "the agent is stopped and is away for {for}", forMs: MINUTE, agent: "stop" },
  { name: "kill", title: "the agent is killed in a request, away for {for}", forMs: MINUTE, agent: "kill" },
  {
    name: "slow-return",
    title: "refused for {for}, then back with 2 s a request",
    forMs: 30 * MINUTE,
    receiver: away,
    after: () => () => ({ ...TAKES, afterMs: BUSY_MS }) as Reply,
  },
];
