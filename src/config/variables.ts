// OUTFLOW_… variables that no setting reads: a typing error there would go unnoticed. Pure.
import { didYouMean } from "../platform/nearest.ts";
import { runOptions } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Read by commands other than `run`, and by the tests. */
const OTHERS = ["OUTFLOW_URL", "OUTFLOW_STATUS_URL", "OUTFLOW_TOKEN_FILE", "OUTFLOW_BUILT", "OUTFLOW_REQUIRE_SERVERS"];

/** Kubernetes sets these in each pod where a Service is named outflow. */
const OF_A_SERVICE = /^OUTFLOW_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PORT|PROTO|ADDR))?)?)$/;

/** A sentence for each variable that no setting reads. */
export function unknownVariables(env: Environment): string[] {
  const known = [...runOptions().flatMap((o) => o.envVar ?? []), ...OTHERS];
  return Object.keys(env)
    .filter((name) => name.startsWith("OUTFLOW_") && !known.includes(name) && !OF_A_SERVICE.test(name))
    .sort()
    .map((name) => `the variable ${name} is not a setting and has no effect${didYouMean(name, known)}.`);
}

/** Variables without a value count as not set, as in most compose and env files. */
export const emptyVariables = (env: Environment): string[] =>
  Object.keys(env).filter((name) => name.startsWith("OUTFLOW_") && env[name] === "");
