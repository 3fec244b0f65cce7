// Policies and Secrets for the tests of Kubernetes mode.
import type { PolicyObject, SecretObject } from "../../src/kubernetes/policy-objects.ts";

export type PolicyParts = {
  endpoint?: string;
  query?: string;
  secret?: string;
  annotations?: Record<string, string>;
  generation?: number;
  uid?: string;
  retry?: { maxAttempts: number; backoffDuration: string };
};

export const policyObject = (name: string, parts: PolicyParts = {}, namespace = "default"): PolicyObject => ({
  apiVersion: "telemetry.miloapis.com/v1alpha1",
  kind: "ExportPolicy",
  metadata: {
    name,
    namespace,
    ...(parts.generation === undefined ? {} : { generation: parts.generation }),
    ...(parts.uid === undefined ? {} : { uid: parts.uid }),
    ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
  },
  spec: {
    sources: [{ name: "one", metrics: { metricsql: parts.query ?? '{job="x"}' } }],
    sinks: [
      {
        name: "cloud",
        sources: ["one"],
        target: {
          prometheusRemoteWrite: {
            endpoint: parts.endpoint ?? "http://127.0.0.1:9/api/v1/write",
            batch: { maxSize: 500, timeout: "500ms" },
            retry: parts.retry ?? { maxAttempts: 10, backoffDuration: "500ms" },
            ...(parts.secret === undefined
              ? {}
              : { authentication: { basicAuth: { secretRef: { name: parts.secret } } } }),
          },
        },
      },
    ],
  } as PolicyObject["spec"] & object,
});

export const secretObject = (
  name: string,
  values: Record<string, string>,
  type = "kubernetes.io/basic-auth",
  namespace = "default",
): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
  type,
  data: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
});
