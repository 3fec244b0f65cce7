// Settings of the ways to the sinks and to the source: TLS, proxies, credentials of the source, where it may go.
import { Option } from "commander";
import { list, yesOrNo } from "./parsers.ts";

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
  sourceBearerFile?: string;
  /** Read by the agent itself: what commander refuses, it repeats, and this may hold a credential. */
  sourceHeader?: string[];
};

export function networkOptions(): Option[] {
  return [
    ...tlsOptions("sink", "sinks"),
    new Option(
      "--proxy <url|off>",
      "proxy to the sinks, http://user:password@host:port; off: none (default: HTTPS_PROXY, HTTP_PROXY; NO_PROXY counts for all)",
    ).env("OUTFLOW_PROXY"),
    new Option(
      "--allow-sink <pattern>",
      "where sinks may be: host, .suffix, address or CIDR, each with :port or without (repeatable; default: all but link-local and cloud metadata addresses)",
    )
      .argParser(list)
      .env("OUTFLOW_ALLOW_SINK"),
    ...tlsOptions("source", "the source"),
    new Option("--source-proxy <url|off>", "proxy to the source, as --proxy").env("OUTFLOW_SOURCE_PROXY"),
    new Option("--source-username <name>", "basic auth at the source, with --source-password-file").env(
      "OUTFLOW_SOURCE_USERNAME",
    ),
    new Option("--source-password-file <file>", "file that holds the password").env("OUTFLOW_SOURCE_PASSWORD_FILE"),
    new Option("--source-bearer-file <file>", "file that holds a bearer token for the source").env(
      "OUTFLOW_SOURCE_BEARER_FILE",
    ),
    new Option("--source-header <name=value>", "header of each request to the source (repeatable)")
      .argParser(list)
      .env("OUTFLOW_SOURCE_HEADER"),
  ];
}

function tlsOptions(who: "sink" | "source", whom: string): Option[] {
  const env = `OUTFLOW_${who.toUpperCase()}`;
  return [
    new Option(`--${who}-ca <file>`, `PEM file of authorities that sign for ${whom}, next to the system's`).env(
      `${env}_CA`,
    ),
    new Option(`--${who}-cert <file>`, `PEM file of the client certificate shown to ${whom}`).env(`${env}_CERT`),
    new Option(`--${who}-key <file>`, "PEM file of its key").env(`${env}_KEY`),
    new Option(
      `--${who}-server-name <name>`,
      `name that the certificate of ${whom} must have, in place of the host`,
    ).env(`${env}_SERVER_NAME`),
    new Option(
      `--${who}-insecure [yes|no]`,
      `do not check the certificate of ${whom}: whoever is in between can read and change everything`,
    )
      .preset("yes")
      .argParser(yesOrNo)
      .default(false, "no")
      .env(`${env}_INSECURE`),
  ];
}
