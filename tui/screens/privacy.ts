// What must not be seen over a shoulder or in a screenshot: addresses and label values, wherever they stand in a text. Names of
// policies and sinks stay. Pure; the pattern of one set of sinks is made once.
import type { SinkId } from "../../src/status/events.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";

export const hidden = "(hidden)";

/** Addresses that need no list to be known: URLs, IP addresses, fully qualified host names; each with its port. */
const URLS = /\bhttps?:\/\/[^\s,;)"]+/g;
const IPS = /(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f]*:[0-9a-f:]*\])(?::\d{1,5})?(?![\w.]*\w)/gi;
const HOSTS = /(?<![\w./-])(?:[a-z0-9-]+\.){2,}[a-z]{2,6}(?::\d{1,5})?(?![\w/])/g;
/** `name="value"` in a query or a label set. */
const LABELS = /([a-zA-Z_][\w.]*\s*(?:!?=~?|!~)\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/g;

type Known = Pick<Snapshot, "sinks" | "order" | "listen"> & { source: Pick<Snapshot["source"], "url"> };

export function redacted(text: string, known: Known): string {
  const named = knownHosts(known);
  return [URLS, named, IPS, HOSTS]
    .reduce((t, pattern) => t.replace(pattern, hidden), text)
    .replace(LABELS, `$1${hidden}`);
}

const patterns = new WeakMap<readonly SinkId[], RegExp>();

/** Hosts of the source, the endpoints and the agent's own port. */
function knownHosts({ sinks, order, listen, source }: Known): RegExp {
  let pattern = patterns.get(order);
  if (pattern === undefined) {
    const hosts = new Set<string>();
    for (const address of [source.url, `http://${listen}`, ...sinks.map((s) => s.info.endpoint)]) {
      if (!URL.canParse(address)) continue;
      const { host, hostname } = new URL(address);
      for (const name of [host, hostname]) if (name.length > 2 && name !== "off") hosts.add(name);
    }
    const alternatives = [...hosts].sort((a, b) => b.length - a.length).map(escaped);
    pattern =
      alternatives.length === 0 ? /(?!)/g : new RegExp(`(?<![\\w.-])(?:${alternatives.join("|")})(?![\\w-])`, "g");
    patterns.set(order, pattern);
  }
  return pattern;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
