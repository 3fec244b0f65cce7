// The typed ExportPolicy: what the policy room hands to the exporter. Defaults are filled in, durations are ms.
// Source: the API reference, ExportPolicy telemetry.miloapis.com/v1alpha1.

import type { PolicySettings } from "./annotations.ts";

/** A place in a file: 1-based line and column. */
export type Place = { file: string; line: number; column: number };

/** The user's trouble: always with a place and a remedy. `severity` warning never stops anything. */
export type Problem = {
  severity: "problem" | "warning" | "note";
  place: Place;
  /** Field path such as `spec.sinks[0].target`, empty for the whole document. */
  path: string;
  /** `what is wrong; what to do` */
  message: string;
};

export type Source = { name: string; query: string; kind: "raw" | "evaluated"; place: Place };

export type Credentials = { username: string; password: string };

/** Why a sink may not send, in the words of design.md (Status, Accepted=False). */
export type Refusal = {
  reason: "InvalidAuthentication" | "SecretNotFound" | "InvalidEndpoint" | "UnknownSource" | "InvalidQuery";
  message: string;
};

export type Sink = {
  name: string;
  /** Names of sources, each defined in the policy. */
  sources: string[];
  endpoint: string;
  batch: { maxSize: number; timeoutMs: number };
  retry: { maxAttempts: number; backoffMs: number };
  /** Name of the Secret in the policy's namespace, if authentication.basicAuth is given. */
  secretName?: string;
  credentials?: Credentials;
  /** Set: the sink is shown with its condition and sends nothing. */
  refusal?: Refusal;
  place: Place;
};

export type Policy = {
  namespace: string;
  name: string;
  /** metadata.generation if given; else counted by the agent. */
  generation?: number;
  annotations: Record<string, string>;
  /** What its annotations set. */
  settings: PolicySettings;
  sources: Source[];
  sinks: Sink[];
  place: Place;
};

export type LoadResult = {
  /** Valid policies only; one that has a problem is not among them. */
  policies: Policy[];
  problems: Problem[];
  /** Files that were read, for the watcher and the Policies screen. */
  files: string[];
};
