// A policy as YAML again, as it runs: defaults filled in, each Secret by its name only, an endpoint without user info and without
// the values of its query. For screens; each line has passed printable(). Pure.
import { stringify } from "yaml";
import { printable } from "../platform/printable.ts";
import type { Policy, Sink } from "./policy.ts";
import { API_VERSION } from "./schema.ts";

/** Longer documents are cut: nobody reads more on a screen. */
const MAX_LINES = 2_000;
const MAX_COLUMNS = 2_000;

export function policyYaml(policy: Policy): string {
  const { namespace, name, generation, annotations } = policy;
  const document = {
    apiVersion: API_VERSION,
    kind: "ExportPolicy",
    metadata: {
      name,
      namespace,
      ...(generation === undefined ? {} : { generation }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      sources: policy.sources.map((s) => ({ name: s.name, metrics: { metricsql: s.query } })),
      sinks: policy.sinks.map(sinkOf),
    },
  };
  const lines = stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split("\n");
  const kept = lines.slice(0, MAX_LINES).map((line) => printable(line, MAX_COLUMNS));
  return [...kept, ...(lines.length > MAX_LINES ? [`# ${lines.length - MAX_LINES} more lines`] : [])].join("\n");
}

function sinkOf({ name, sources, endpoint, batch, retry, secretName }: Sink): object {
  return {
    name,
    sources,
    target: {
      prometheusRemoteWrite: {
        endpoint: withoutSecrets(endpoint),
        ...(secretName === undefined ? {} : { authentication: { basicAuth: { secretRef: { name: secretName } } } }),
        batch: { maxSize: batch.maxSize, timeout: duration(batch.timeoutMs) },
        retry: { maxAttempts: retry.maxAttempts, backoffDuration: duration(retry.backoffMs) },
      },
    },
  };
}

function withoutSecrets(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "(no address)";
  const url = new URL(endpoint);
  url.username = "";
  url.password = "";
  for (const key of url.searchParams.keys()) url.searchParams.set(key, "hidden");
  return url.href;
}

const duration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
