// Settings of a fleet: several agents that share the policies (docs/scaling.md).
import { InvalidArgumentError, Option } from "commander";
import { count, duration, list } from "./parsers.ts";

export type FleetSettings = {
  fleet: "off" | "etcd" | "kubernetes";
  fleetName: string;
  fleetNamespace?: string;
  agentName?: string;
  leaseTtl: number;
  shards: number;
  etcdUrl?: string[];
  etcdUsername?: string;
  etcdPasswordFile?: string;
  etcdCa?: string;
  etcdCert?: string;
  etcdKey?: string;
};

/** Names become part of keys and of the names of Kubernetes objects. */
const dnsLabel = (text: string): string => {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError(
      `"${text}" is not a valid name; use at most 40 lower-case letters, digits and hyphens, such as edge`,
    );
  return text;
};

const agentName = (text: string): string => {
  if (!/^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError(
      `"${text}" is not a valid name; use at most 63 lower-case letters, digits, dots and hyphens, such as edge-1`,
    );
  return text;
};

const etcdUrl = (text: string, before: string[] | undefined): string[] => {
  const valid = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!valid || new URL(text).username !== "" || new URL(text).password !== "" || new URL(text).pathname !== "/")
    throw new InvalidArgumentError(
      "not a valid http or https URL without credentials and path; write for example http://127.0.0.1:2379",
    );
  return list(text, before);
};

export function fleetOptions(): Option[] {
  return [
    new Option("--fleet <engine>", "share the policies with other agents, coordinated through etcd or Kubernetes")
      .choices(["off", "etcd", "kubernetes"])
      .default("off")
      .env("OUTFLOW_FLEET"),
    new Option("--fleet-name <name>", "agents with the same name share one set of policies")
      .argParser(dnsLabel)
      .default("default")
      .env("OUTFLOW_FLEET_NAME"),
    new Option(
      "--fleet-namespace <namespace>",
      "namespace of the fleet's Leases and ConfigMaps (default: the service account's, or default)",
    )
      .argParser(dnsLabel)
      .env("OUTFLOW_FLEET_NAMESPACE"),
    new Option("--agent-name <name>", "name of this agent in the fleet (default: the host's name)")
      .argParser(agentName)
      .env("OUTFLOW_AGENT_NAME"),
    new Option("--lease-ttl <duration>", "an agent without a heartbeat for this long loses what it owns")
      .argParser(duration({ min: 3_000, max: 600_000 }))
      .default(15_000, "15s")
      .env("OUTFLOW_LEASE_TTL"),
    new Option("--shards <n>", "number of parts that the policies are divided into; the same for all agents of a fleet")
      .argParser(count({ max: 4_096 }))
      .default(64)
      .env("OUTFLOW_SHARDS"),
    new Option("--etcd-url <url>", "etcd to keep the fleet's state in (repeatable: members of one cluster)")
      .argParser(etcdUrl)
      .env("OUTFLOW_ETCD_URL"),
    new Option("--etcd-username <name>", "etcd user, with --etcd-password-file").env("OUTFLOW_ETCD_USERNAME"),
    new Option("--etcd-password-file <file>", "file with the password").env("OUTFLOW_ETCD_PASSWORD_FILE"),
    new Option("--etcd-ca <file>", "authorities (PEM) that sign for etcd, next to the system's").env("OUTFLOW_ETCD_CA"),
    new Option("--etcd-cert <file>", "client certificate (PEM) for etcd").env("OUTFLOW_ETCD_CERT"),
    new Option("--etcd-key <file>", "key (PEM) of the client certificate").env("OUTFLOW_ETCD_KEY"),
  ];
}
