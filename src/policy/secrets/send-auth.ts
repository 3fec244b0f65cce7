// What annotations name besides basic auth (outflow/bearer-secret, outflow/headers-secret): the Secrets' values for the sinks of the
// policy, or why there are none. Values are never in a message. Pure.
import type { Policy, Refusal } from "../policy.ts";
import type { FoundSecret, SecretValues } from "./secret-values.ts";
import { headerNameProblem, isHeaderValue } from "./send-headers.ts";

export type SendAuth = { bearerToken?: string; secretHeaders?: [name: string, value: string][] };
export type SendAuthResult = {
  auth: SendAuth;
  refusals: { annotation: "bearer-secret" | "headers-secret"; refusal: Refusal }[];
};

type Find = (name: string, keys: readonly string[] | "all") => FoundSecret;

export function sendAuth({ namespace, settings, sinks }: Policy, find: Find): SendAuthResult {
  const result: SendAuthResult = { auth: {}, refusals: [] };
  const take = (
    annotation: "bearer-secret" | "headers-secret",
    name: string | undefined,
    keys: readonly string[] | "all",
    use: (values: SecretValues) => string | undefined,
  ) => {
    if (name === undefined) return;
    const found = find(name, keys);
    const trouble = "values" in found ? use(found.values) : undefined;
    if ("refusal" in found) result.refusals.push({ annotation, refusal: found.refusal });
    else if (trouble !== undefined)
      result.refusals.push({
        annotation,
        refusal: { reason: "InvalidAuthentication", message: `Secret ${namespace}/${name}: ${trouble}` },
      });
  };
  take("bearer-secret", settings.bearerSecret, ["token"], ({ token = "" }) => {
    if (!/^[\x21-\x7e]+$/.test(token)) return "its token holds white space or more than ASCII: correct it.";
    result.auth.bearerToken = token;
    return undefined;
  });
  const basic = sinks.some((sink) => sink.secretName !== undefined);
  take("headers-secret", settings.headersSecret, "all", (values) => {
    const headers = Object.entries(values).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
    if (headers.length === 0) return "it has no keys: each key is the name of a header.";
    for (const [i, [name, value]] of headers.entries()) {
      const problem = headerNameProblem(name);
      if (problem !== undefined) return `its key ${name} ${problem.replace("; ", ": ")}.`;
      if (headers.findIndex(([other]) => other === name) !== i) return `it sets the header ${name} twice: remove one.`;
      if (!isHeaderValue(value)) return `its value of ${name} is empty, or cannot stand in a header: correct it.`;
      if (settings.headers?.some(([other]) => other === name))
        return `it sets the header ${name}, and so does outflow/header-${name}: remove one.`;
    }
    if (headers.some(([name]) => name === "authorization") && (basic || settings.bearerSecret !== undefined))
      return "it sets authorization, and so does basicAuth or outflow/bearer-secret: remove one.";
    result.auth.secretHeaders = headers;
    return undefined;
  });
  return result;
}
