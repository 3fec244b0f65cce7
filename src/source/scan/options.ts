// What a scan is given, and what it returns.
import type { EpochMs } from "../../platform/clock.ts";
import type { FrameBuilder } from "../../series/frame-builder.ts";
import type { Collision, Keyspace } from "../../series/keyspace.ts";

export type ScanOptions = {
  keyspace: Keyspace;
  /** Collects the samples that pass. */
  builder: FrameBuilder;
  /** Only samples newer than this pass, by series id. */
  newerThan(id: number): EpochMs;
  /** newerThan() of the series from `first` on, as many as `into` takes; absent: one by one. */
  floors?(first: number, into: Float64Array): void;
  /** The window (from, to]. Later samples do not pass; what cannot be exported counts as dropped only inside of it. */
  from: EpochMs;
  to: EpochMs;
  /** VictoriaMetrics stores no NaN except stale markers; of another server a NaN stays a NaN. */
  nanIsStale: boolean;
  maxSamples: number;
  /** Where to look for late samples: those that became visible after newer ones of their series had been taken. */
  late?: LateOptions;
  /** Called for a series that has samples, all of them at or before its floor: the newest of them. */
  passedOver?(id: number, newest: EpochMs): void;
  /** Series that passedOver() need not be called for. */
  isKnown?(id: number): boolean;
};

export type LateOptions = {
  /** Collects what may be late: the samples up to newerThan() of series that have more of them than expected. */
  builder: FrameBuilder;
  /** Samples up to here are never late. */
  from: EpochMs;
  /** How many samples of a series of the response were taken before; undefined: not known, all are collected. */
  expected: ((id: number) => number) | undefined;
};

export type ResultType = "matrix" | "vector" | "scalar" | "string";

export type ScanResult =
  | {
      ok: true;
      resultType: ResultType;
      isPartial: boolean;
      /** The server's `warnings` and `infos`. */
      warnings: string[];
      /** Samples of the window that cannot be exported, by reason. */
      dropped: Record<string, number>;
      /** Which series are a name_collision. */
      collisions: Collision[];
      /** Series in the response, including those of which no sample passes. */
      series: number;
    }
  | { ok: false; kind: "malformed" | "error" | "too-large"; message: string };
