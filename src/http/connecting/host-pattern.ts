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

/** Undefined: not a valid pattern. */
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

/** This host, by its name or an address; `host` with or without brackets. Not *.localhost: a resolver may know that otherwise. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** `host` without brackets. */
export function matchesName(pattern: HostPattern, host: string, port: number): boolean {
  const { name } = pattern;
  if (name === undefined || (pattern.port !== undefined && pattern.port !== port)) return false;
  const plain = host.toLowerCase().replace(/\.+$/, "");
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

/** Whatever it may lead to is in the list: for what is allowed. */
export const inList = (list: BlockList, address: string): boolean =>
  found(list, address, (inner, isIn) => inner.length > 0 && inner.every(isIn));

/** Something that it may lead to is in the list: for what is refused. */
export const mayBeIn = (list: BlockList, address: string): boolean =>
  found(list, address, (inner, isIn) => inner.some(isIn));

/** An IPv4 address written as IPv6 (mapped, 6to4, behind NAT64) is what it leads to. */
function found(
  list: BlockList,
  address: string,
  decide: (inner: readonly string[], isIn: (address: string) => boolean) => boolean,
): boolean {
  const plain = address.split("%")[0]!;
  const version = isIP(plain);
  if (version === 0) return false;
  if (list.check(plain, version === 6 ? "ipv6" : "ipv4")) return true;
  return version === 6 && decide(innerIpv4(plain), (inner) => list.check(inner, "ipv4"));
}

/** The prefix, in groups, and the bytes of the address that hold the IPv4 address: the ways in which one prefix may hold it. */
const WRAPPING: readonly (readonly [prefix: readonly number[], bytes: readonly (readonly number[])[]])[] = [
  [[0, 0, 0, 0, 0, 0xffff], [[12, 13, 14, 15]]],
  [[0x64, 0xff9b, 0, 0, 0, 0], [[12, 13, 14, 15]]],
  // NAT64 of one's own (RFC 8215): the network decides how long the prefix is (RFC 6052, section 2.2).
  [
    [0x64, 0xff9b, 1],
    [
      [6, 7, 9, 10],
      [7, 9, 10, 11],
      [9, 10, 11, 12],
      [12, 13, 14, 15],
    ],
  ],
  [[0x2002], [[2, 3, 4, 5]]], // 6to4
];

function innerIpv4(address: string): string[] {
  const groups = groupsOf(address);
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  const [, layouts = []] = WRAPPING.find(([prefix]) => prefix.every((group, i) => group === groups[i])) ?? [];
  return layouts.map((layout) => layout.map((at) => bytes[at]).join("."));
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
