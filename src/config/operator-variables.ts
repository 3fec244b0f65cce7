// Variables of the operator that outflow replaces, as it reads them: where the metrics of the platform are, and basic auth there. The
// settings of outflow win.
type Environment = Readonly<Record<string, string | undefined>>;

export type OperatorSource = { sourceUrl?: string; sourceUsername?: string; sourcePassword?: string };

/** The endpoint of that operator is the federation of the source; outflow queries beside it. */
export function operatorSource(env: Environment): OperatorSource {
  const url = env.TELEMETRY_SERVICE_METRICS_ENDPOINT?.replace(/\/federate\/?$/, "");
  const username = env.TELEMETRY_SERVICE_METRICS_USERNAME;
  const password = env.TELEMETRY_SERVICE_METRICS_PASSWORD;
  return {
    ...(url ? { sourceUrl: url } : {}),
    ...(username && password ? { sourceUsername: username, sourcePassword: password } : {}),
  };
}
