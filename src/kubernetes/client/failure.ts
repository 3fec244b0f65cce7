// From an HTTP status or a broken connection to a failure in the words of the API: the verb and the resource are always in it. Pure.
import type { HttpFailure } from "../../http/http.ts";
import type { ApiFailure, ApiFailureKind, Named, Resource } from "./api.ts";

export type Asked = {
  verb: string;
  resource: Resource;
  at: Partial<Named>;
  subresource?: string | undefined;
  server: string;
  /** `list exportpolicies.telemetry.miloapis.com`, for people. */
  what: string;
};

export function networkFailure({ server, what }: Asked, failure: HttpFailure): ApiFailure {
  if (failure.kind === "aborted") return { kind: "aborted", message: `${what}: stopped by outflow.` };
  const words: Partial<Record<HttpFailure["kind"], string>> = {
    refused: "connection refused",
    unreachable: "no route to the host",
    dns: "the host name does not resolve",
    timeout: `timed out (${failure.message})`,
    reset: "the connection was closed",
    protocol: "it did not answer with HTTP",
    tls: `TLS: ${failure.message.replace(/\.$/, "")}`,
  };
  return { kind: "network", message: `${what}: ${server}: ${words[failure.kind] ?? failure.message}.` };
}

const KINDS: Record<number, ApiFailureKind> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  410: "gone",
  429: "throttled",
};

export function statusFailure(
  asked: Asked,
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
  body: string,
): ApiFailure {
  const kind = KINDS[status] ?? (status >= 500 ? "server" : status >= 400 ? "invalid" : "malformed");
  const retryAfterMs = retryAfter(headers["retry-after"]);
  return {
    kind,
    message: `${asked.what}: ${sentence(asked, kind, status, messageOf(body))}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function sentence(asked: Asked, kind: ApiFailureKind, status: number, said: string): string {
  const { verb, resource, at, subresource } = asked;
  const also = said === "" ? "" : ` The API server says: ${said.replace(/\.$/, "")}.`;
  if (kind === "unauthorized") return `the API server did not accept the credentials (401).${also}`;
  if (kind === "forbidden") {
    const object = `${resource.plural}${subresource === undefined ? "" : `/${subresource}`}`;
    const group = resource.group === "" ? "the core API group" : `API group "${resource.group}"`;
    const where = at.namespace === undefined ? "in all namespaces" : `in namespace "${at.namespace}"`;
    return `forbidden: a role must allow verb "${verb}" on resource "${object}" in ${group}, ${where}.${also}`;
  }
  if (kind === "not-found" && at.name === undefined)
    return `the API server has no resource "${resource.plural}" in API group "${resource.group}": install its CustomResourceDefinition (kubectl apply -f packaging/kubernetes/base/crd.yaml).`;
  return `the API server answered ${status}.${also}`;
}

/** Of a metav1.Status; else the first line. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // a proxy, or a server that starts
  }
  return body.split("\n", 1)[0]!.slice(0, 200).trim();
}

/** Seconds only: the API server sends no dates. */
const retryAfter = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) * 1000 : undefined;
