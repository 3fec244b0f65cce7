// What a sink's endpoint must be. Text in, what is wrong with it and what to do out; never the text itself: it may hold a secret.

const EXAMPLE = "write for example https://mimir.example.com/api/v1/push";

export function endpointProblem(value: string): string | undefined {
  if (value === "") return `endpoint must not be empty; ${EXAMPLE}`;
  if (/[\s\\]|\p{Cc}/u.test(value)) return "endpoint must not hold white space or a backslash; remove it";
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(value) ?? [];
  if (authority === undefined) return `endpoint must be an absolute http or https URL; ${EXAMPLE}`;
  if (authority.includes("@"))
    return "endpoint must not hold user info; put the credentials in a Secret and name it in authentication.basicAuth.secretRef";
  if (authority === "" || authority.startsWith(":")) return `endpoint has no host; ${EXAMPLE}`;
  if (!URL.canParse(value)) return `endpoint is no URL: its host or port is not right; ${EXAMPLE}`;
  if (value.includes("#")) return "endpoint must not hold a fragment; remove # and what follows";
  return undefined;
}

/** Query parameters that look like credentials: they show up in logs on the way. */
export const hasCredential = (url: URL): boolean =>
  [...url.searchParams.keys()].some((key) => /token|key|secret|passw|auth|credential|signature/i.test(key));

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || /^127\./.test(host) || host === "[::1]";
