// Headers that a policy sends with each request to its sinks: which names are its to set, and what a value may be. Plain ones come
// from annotations, those that are credentials from a Secret only. Pure.

/** The protocol's four, and what the connection needs for itself. */
const OWN =
  /^(content-encoding|content-type|user-agent|x-prometheus-remote-write-version|host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*)$/;
const CREDENTIAL = /^(authorization|cookie)$|token|key|secret|passw|auth|credential|signature/;

/** What is wrong with a header's name (in lower case), as `… what to do`. */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return "is not a valid header name; use letters, digits and dashes";
  if (OWN.test(name)) return "sets a header that is the protocol's or the connection's own; remove it";
  return undefined;
}

/** Of a header that stands in the policy itself, where everybody can read it. */
export const plainHeaderProblem = (name: string): string | undefined =>
  CREDENTIAL.test(name)
    ? "looks like a credential, which a policy never holds; put it into a Secret and name that in outflow/headers-secret"
    : headerNameProblem(name);

export const isHeaderValue = (value: string): boolean => /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value);
export const isSecretName = (name: string): boolean =>
  name.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
