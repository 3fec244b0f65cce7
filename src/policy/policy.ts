// The typed ExportPolicy: what the policy room hands to the exporter. Defaults are filled in, durations are ms.
// Source: the API reference, ExportPolicy telemetry.miloapis.com/v1alpha1.

import type { PolicySettings } from "./annotations.ts";

/** A place in a file: 1-based line and column; 0 for an object of the API server, whose `namespace/name` stands for the file. */
export type Place = { file: string; line: number; column: number };

/** The user's trouble: always with a place and a remedy. `severity` warning never stops anything. */
export type Problem = {
  severity: "problem" | "warning" | "note";
  place: Place;
  /** Field path such as `spec.sinks[0].target`, empty for the whole document. */
  path: string;
  /** `what is wrong; what to do` */
  message: string;
  /** The line it is about, where it may be shown. */
  excerpt?: string | undefined;
};

export type Filter = { label: string; op: "=" | "!=" | "=~" | "!~"; value: string };

export type Source = {
  name: string;
  query: string;
  kind: "raw" | "evaluated";
  /** Of a raw query: alternatives of filters that all apply; none for `{}`. */
  filters?: Filter[][];
  place: Place;
};

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
  /** From the Secrets that the policy's annotations name. */
  bearerToken?: string;
  secretHeaders?: [name: string, value: string][];
  /** Set: the sink is shown with its condition and sends nothing. */
  refusal?: Refusal;
  place: Place;
  /** Of the Secret's name, or the nearest there is. */
  secretPlace: Place;
};

export type Policy = {
  namespace: string;
  name: string;
  /** metadata.generation if given; else counted by the agent. */
  generation?: number;
  annotations: Record<string, string>;
  labels: Record<string, string>;
  /** Milo: the project that it is from; `namespace` is `project:namespace` then. */
  project?: string;
  /** metadata.uid of an object of the API server. */
  uid?: string;
  /** What its annotations set. */
  settings: PolicySettings;
  sources: Source[];
  sinks: Sink[];
  place: Place;
  /** Of annotations that name Secrets. */
  annotationPlaces?: Partial<Record<"bearer-secret" | "headers-secret", Place>>;
};

export type LoadResult = {
  /** What is to run: valid policies, and the last good version of those whose file has problems. */
  policies: Policy[];
  problems: Problem[];
  /** Files that were read, or objects. */
  files: string[];
  /** Where they are from; absent: files. */
  origin?: "cluster";
  /** One of several steps of a load; the last one is not. */
  partial?: true;
  /** How many Secrets they hold; absent: none. */
  secrets?: number;
};
