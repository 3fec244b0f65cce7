// Patterns for hosts, as --allow-sink and NO_PROXY write them: `example.com`, `.example.com` (and `*.example.com`: what ends so), an
// address, a CIDR, each with a port or without. Text in, a matcher out. Pure.
import { BlockList, isIP } from "node:net";

export type HostPattern = {
  port: number | undefined;
  /** Set: an address or a range of them. */
  range?: { address: string; prefix: number; family: "ipv4" | "ipv6"; list: BlockList };
  /** Set: a name; `suffix`: all names below it too. */
  name?: { text: string; suffix: boolean };
};

/** Undefined: it is no pattern. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const [, six, rest, port] = /^(?:\[([^\]]+)\](\/\d+)?)?(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (six !== undefined) return isIP(six) === 6 ? ranged(six, rest?.slice(1), port) : undefined;
  if (text.split("/").length > 2) return undefined;
  if (text.split(":").length > 2) return ranged(text.split("/")[0]!, text.split("/")[1], undefined);
  const [host = "", portText] = text.split(":");
  if (portText !== undefined && !/^\d{1,5}$/.test(portText)) return undefined;
  const [address = "", prefix] = host.split("/");
  if (isIP(address) === 4 || prefix !== undefined) return ranged(address, prefix, portText);
  const suffix = /^\*?\./.test(host);
  const name = host
    .replace(/^\*?\./, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) return undefined;
  return withPort({ name: { text: name, suffix } }, portText);
}

function ranged(address: string, prefixText: string | undefined, port: string | undefined): HostPattern | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if ((prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) || prefix > bits) return undefined;
  const family = version === 4 ? "ipv4" : "ipv6";
  return withPort({ range: { address, prefix, family, list: listOf([[address, prefix]]) } }, port);
}

function withPort(pattern: Omit<HostPattern, "port">, port: string | undefined): HostPattern | undefined {
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  return { ...pattern, port: port === undefined ? undefined : Number(port) };
}

/** `host` without brackets. */
export function matchesName(pattern: HostPattern, host: string, port: number): boolean {
  const { name } = pattern;
  if (name === undefined || (pattern.port !== undefined && pattern.port !== port)) return false;
  const plain = host.toLowerCase().replace(/\.$/, "");
  return (!name.suffix && plain === name.text) || (name.suffix && plain.endsWith(`.${name.text}`));
}

export const matchesAddress = (pattern: HostPattern, address: string, port: number): boolean =>
  pattern.range !== undefined &&
  (pattern.port === undefined || pattern.port === port) &&
  inList(pattern.range.list, address);

export function listOf(ranges: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges)
    list.addSubnet(address.split("%")[0]!, prefix, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

/** Also an IPv4 address written as IPv6 (mapped, or behind NAT64) is what it leads to. */
export function inList(list: BlockList, address: string): boolean {
  const plain = address.split("%")[0]!;
  const version = isIP(plain);
  if (version === 0) return false;
  if (list.check(plain, version === 6 ? "ipv6" : "ipv4")) return true;
  const inner = version === 6 ? innerIpv4(plain) : undefined;
  return inner !== undefined && list.check(inner, "ipv4");
}

const WRAPPING = [
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
] as const;

function innerIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const wrapped = WRAPPING.some(([network]) => groupsOf(network).every((g, i) => i >= 6 || g === groups[i]));
  if (!wrapped) return undefined;
  return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((n) => n.toString(16)).join(":"),
  );
  const [head = "", tail] = text.split("::");
  const parse = (part: string) => (part === "" ? [] : part.split(":").map((g) => Number.parseInt(g, 16)));
  const before = parse(head);
  const after = tail === undefined ? [] : parse(tail);
  return [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}
