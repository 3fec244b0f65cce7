// What a query is, as the policy room wants to know it. The metricsql library is wired to it by whoever loads.
import type { Filter } from "./policy.ts";

export type QueryVerdict =
  | {
      ok: true;
      kind: "raw" | "evaluated";
      /** Of a raw query: alternatives of filters that all apply; none for `{}`. */
      filters?: Filter[][];
      warnings: { message: string; offset: number }[];
    }
  | { ok: false; message: string; offset: number };

/** Whose query it is: what the operator enforces may depend on it. */
export type PolicyIdentity = Readonly<{
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Milo: of the control plane that it is from. */
  project?: string;
}>;

/** What a query is: wired to the metricsql room by whoever loads. */
export type CheckQuery = (query: string, policy: PolicyIdentity) => QueryVerdict;
