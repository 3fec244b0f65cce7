// What a sink or a policy reports, as Kubernetes does.
import type { EpochMs } from "../platform/clock.ts";

/** A Kubernetes condition (metav1.Condition); lastTransitionTime moves only when status does. */
export type Condition = {
  type: "Accepted" | "Ready";
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: EpochMs;
  observedGeneration: number;
};
