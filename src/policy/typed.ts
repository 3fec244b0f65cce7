// From a document that the schema has taken to the typed policy: defaults filled in, durations in ms. Pure.
import { parseDuration } from "../config/duration.ts";
import type { Policy, Sink, Source } from "./policy.ts";
import { DEFAULT_BATCH, DEFAULT_RETRY, type ExportPolicyDocument } from "./schema.ts";
import type { CheckQuery } from "./verdict.ts";
import type { PlacedDocument } from "./yaml/document.ts";

export function typedPolicy(
  document: PlacedDocument,
  { metadata, spec }: ExportPolicyDocument,
  checkQuery: CheckQuery,
  settings: Policy["settings"],
): Policy {
  const identity = {
    namespace: metadata.namespace ?? "default",
    name: metadata.name,
    labels: metadata.labels ?? {},
  };
  return {
    ...identity,
    ...(typeof metadata.generation === "number" ? { generation: metadata.generation } : {}),
    annotations: metadata.annotations ?? {},
    settings,
    sources: spec.sources.map((source, i): Source => {
      const verdict = checkQuery(source.metrics.metricsql, identity);
      return {
        name: source.name,
        query: source.metrics.metricsql,
        kind: verdict.ok ? verdict.kind : "raw",
        ...(verdict.ok && verdict.filters !== undefined ? { filters: verdict.filters } : {}),
        place: document.place(["spec", "sources", i]),
      };
    }),
    sinks: spec.sinks.map((sink, i) => typedSink(document, sink, i)),
    place: document.place([]),
    ...(settings.bearerSecret === undefined && settings.headersSecret === undefined
      ? {}
      : {
          annotationPlaces: {
            "bearer-secret": document.place(["metadata", "annotations", "outflow/bearer-secret"]),
            "headers-secret": document.place(["metadata", "annotations", "outflow/headers-secret"]),
          },
        }),
  };
}

function typedSink(document: PlacedDocument, sink: ExportPolicyDocument["spec"]["sinks"][number], i: number): Sink {
  const path = ["spec", "sinks", i];
  const write = sink.target.prometheusRemoteWrite;
  const batch = write.batch ?? DEFAULT_BATCH;
  const retry = write.retry ?? DEFAULT_RETRY;
  const secretName = write.authentication?.basicAuth?.secretRef.name;
  return {
    name: sink.name,
    sources: sink.sources,
    endpoint: write.endpoint,
    batch: { maxSize: batch.maxSize, timeoutMs: parseDuration(batch.timeout)! },
    retry: { maxAttempts: retry.maxAttempts, backoffMs: parseDuration(retry.backoffDuration)! },
    ...(secretName === undefined ? {} : { secretName }),
    place: document.place(path),
    secretPlace: document.place([
      ...path,
      "target",
      "prometheusRemoteWrite",
      "authentication",
      "basicAuth",
      "secretRef",
      "name",
    ]),
  };
}
