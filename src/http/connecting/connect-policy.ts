// Where a client may connect to: the operator's --allow-sink. Asked for the address that is connected to, so that no name that
// changes its mind gets past it; with a proxy in between for what is asked of the proxy. Pure.
import { isIP } from "node:net";
import { type HostPattern, inList, listOf, matchesAddress, matchesName, mayBeIn } from "./host-pattern.ts";

/** `address`: undefined if a proxy resolves the name. What it says is the reason for a refusal; undefined: it may. */
export type ConnectPolicy = (host: string, port: number, address: string | undefined) => string | undefined;

/** Link-local networks and the addresses at which clouds serve credentials to whoever asks. */
const REFUSED: readonly (readonly [address: string, prefix: number])[] = [
  ["169.254.0.0", 16],
  ["fe80::", 10],
  ["fd00:ec2::254", 128], // AWS
  ["fd20:ce::254", 128], // Google
  ["100.100.100.200", 32], // Alibaba
  ["192.0.0.192", 32], // Oracle
  ["168.63.129.16", 32], // Azure
];
/** Where a proxy does the resolving, the names are known too. */
const REFUSED_NAMES = /^(metadata|metadata\.google\.internal|instance-data(\.ec2\.internal)?)\.*$/i;

const refused = listOf(REFUSED);

export function connectPolicyOf(patterns: readonly HostPattern[]): ConnectPolicy {
  const ranges = patterns.filter((p) => p.range !== undefined && insideRefused(p.range));
  return (host, port, address) => {
    const literal = address ?? (isIP(host) === 0 ? undefined : host);
    const where = literal === undefined || literal === host ? `${host}:${port}` : `${host}:${port} (${literal})`;
    if (literal === undefined ? REFUSED_NAMES.test(host) : mayBeIn(refused, literal)) {
      const allowed =
        literal === undefined
          ? patterns.some((p) => matchesName(p, host, port))
          : ranges.some((p) => matchesAddress(p, literal, port));
      if (!allowed)
        return `outflow may not connect to ${where}: link-local and cloud metadata addresses are refused unless --allow-sink names the address.`;
      return undefined;
    }
    if (patterns.length === 0) return undefined;
    if (patterns.some((p) => matchesName(p, host, port))) return undefined;
    if (literal !== undefined && patterns.some((p) => matchesAddress(p, literal, port))) return undefined;
    return `outflow may not connect to ${where}: --allow-sink of this agent does not include it. Ask its operator, or correct endpoint.`;
  };
}

/** Only a range that lies within a refused one names it explicitly: 0.0.0.0/0 does not. */
const insideRefused = ({ address, prefix }: NonNullable<HostPattern["range"]>): boolean =>
  REFUSED.some(([network, length]) => prefix >= length && inList(listOf([[network, length]]), address));
