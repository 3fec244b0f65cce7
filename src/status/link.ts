// How an agent in another process is reached, as an attached screen shows it. Absolute times; the view subtracts.
import type { EpochMs } from "../platform/clock.ts";

export type Link = {
  url: string;
} & (
  | { state: "connecting"; since: EpochMs }
  | { state: "connected" }
  /** Not an agent: a recording of one, in a file. */
  | { state: "recorded"; from: EpochMs; to: EpochMs }
  /** What is on the screen is the last that was known. */
  | { state: "lost"; since: EpochMs; why: string; retryAt: EpochMs }
);
