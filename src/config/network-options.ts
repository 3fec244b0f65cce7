// Settings of the connections to the sinks and to the source: TLS, proxies, credentials of the source.
import { Option } from "commander";
import { booleanOption, list } from "./parsers.ts";

export type NetworkSettings = {
  sinkCa?: string;
  sinkCert?: string;
  sinkKey?: string;
  sinkServerName?: string;
  sinkInsecure: boolean;
  proxy?: string;
  allowSink?: string[];
  sourceCa?: string;
  sourceCert?: string;
  sourceKey?: string;
  sourceServerName?: string;
  sourceInsecure: boolean;
  sourceProxy?: string;
  sourceUsername?: string;
  sourcePasswordFile?: string;
  /** From a variable of the operator that outflow replaces; no flag, no key. */
  sourcePassword?: string;
  sourceBearerFile?: string;
  /** Parsed by the agent, not by commander, which repeats what it refuses: this may hold a credential. */
  sourceHeader?: string[];
};

export function sinkConnectionOptions(): Option[] {
  return [
    new Option(
      "--proxy <url|off>",
      "proxy to the sinks, http://user:password@host:port; off: none (default: HTTPS_PROXY, HTTP_PROXY; NO_PROXY applies to all)",
    ).env("OUTFLOW_PROXY"),
    ...tlsOptions("sink", "sinks"),
  ];
}

export function sourceConnectionOptions(): Option[] {
  return [
    new Option("--source-proxy <url|off>", "proxy to the source, as --proxy").env("OUTFLOW_SOURCE_PROXY"),
    new Option("--source-username <name>", "basic auth at the source, with --source-password-file").env(
      "OUTFLOW_SOURCE_USERNAME",
    ),
    new Option("--source-password-file <file>", "file with the password").env("OUTFLOW_SOURCE_PASSWORD_FILE"),
    new Option("--source-bearer-file <file>", "file with a bearer token for the source").env(
      "OUTFLOW_SOURCE_BEARER_FILE",
    ),
    new Option("--source-header <name=value>", "header of each request to the source (repeatable)")
      .argParser(list)
      .env("OUTFLOW_SOURCE_HEADER"),
    ...tlsOptions("source", "the source"),
  ];
}

export function allowSinkOption(): Option {
  return new Option(
    "--allow-sink <pattern>",
    "allowed addresses of sinks: host, .suffix, address or CIDR, each with or without :port (repeatable; default: everything but link-local and cloud metadata addresses)",
  )
    .argParser(list)
    .env("OUTFLOW_ALLOW_SINK");
}

function tlsOptions(who: "sink" | "source", whom: string): Option[] {
  const env = `OUTFLOW_${who.toUpperCase()}`;
  return [
    new Option(`--${who}-ca <file>`, `PEM file of CAs trusted for ${whom}, beside the system's`).env(`${env}_CA`),
    new Option(`--${who}-cert <file>`, `PEM file of the client certificate for ${whom}`).env(`${env}_CERT`),
    new Option(`--${who}-key <file>`, "PEM file of its key").env(`${env}_KEY`),
    new Option(
      `--${who}-server-name <name>`,
      `name that the certificate of ${whom} must have, instead of the host`,
    ).env(`${env}_SERVER_NAME`),
    booleanOption(
      `--${who}-insecure`,
      `do not verify the certificate of ${whom}: anyone on the network path can read and change everything`,
    ),
  ];
}
