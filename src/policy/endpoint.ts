// What a sink's endpoint must be. Text in, what is wrong with it and what to do out; never the text itself: it may hold a secret.

const EXAMPLE = "write for example https://mimir.example.com/api/v1/push";

export function endpointProblem(value: string): string | undefined {
  if (value === "") return `endpoint must not be empty; ${EXAMPLE}`;
  if (/[\s\\"<>^`|]|\p{Cc}/u.test(value))
    return "endpoint must not hold white space, quotes or a backslash; remove them";
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(value) ?? [];
  if (authority === undefined) return `endpoint must be an absolute http or https URL; ${EXAMPLE}`;
  if (authority.includes("@"))
    return "endpoint must not hold user info; put the credentials in a Secret and name it in authentication.basicAuth.secretRef";
  if (authority === "" || authority.startsWith(":")) return `endpoint has no host; ${EXAMPLE}`;
  if (!URL.canParse(value)) return `endpoint is not a valid URL: its host or port is wrong; ${EXAMPLE}`;
  if (value.includes("#")) return "endpoint must not hold a fragment; remove # and what follows";
  return undefined;
}

/** Query parameters that look like credentials: they show up in logs on the way. */
export const hasCredential = (url: URL): boolean =>
  [...url.searchParams.keys()].some((key) => /token|key|secret|passw|auth|credential|signature/i.test(key));

/** Paths of VictoriaMetrics, and of Prometheus, that are for something else. Some answer 2xx to whatever comes. */
const ELSEWHERE = new Set(
  [
    "/write /api/v2/write /influx/write /influx/api/v2/write",
    "/api/v1/import /api/v1/import/prometheus /api/v1/import/csv /api/v1/import/native",
    "/metrics /health /healthz /ready /-/healthy /-/ready /federate /vmui /graph",
    "/api/v1/query /api/v1/query_range /api/v1/series /api/v1/labels",
    "/v1/metrics /opentelemetry/v1/metrics /opentelemetry/api/v1/push /otlp/v1/metrics /api/v1/otlp/v1/metrics",
    "/datadog/api/v1/series /datadog/api/v2/series /api/put /opentsdb/api/put",
  ].flatMap((line) => line.split(" ")),
);

/** The endpoint's path, where it is a known one that does not take remote write. A tenant's prefix changes nothing. */
export function elsewhere({ pathname }: URL): string | undefined {
  const path = pathname.replace(/\/+$/, "");
  const plain = path.replace(/^\/insert\/[^/]+(?=\/)/, "").replace(/^\/prometheus(?=\/)/, "");
  return ELSEWHERE.has(plain) ? path : undefined;
}
