// What a server says of itself: its name, version, flags and configuration. Bounded, and every answer may be missing: a server need not
// say anything (a gateway in front of it, no permission).
import { parse } from "yaml";
import type { HttpClient } from "../../http/http.ts";

export type ServerFacts = {
  kind: "VictoriaMetrics" | "Prometheus" | "unknown";
  /** As the server calls itself, where it is neither: `Grafana Mimir`. */
  application?: string;
  version?: string;
  flags: ReadonlyMap<string, string>;
  /** Of Prometheus, where its configuration can be read: 0 where it takes no samples out of order. */
  outOfOrderMs?: number;
};

const TEXT_BYTES = 8 << 20;
const WAIT_MS = 5_000;

/** `base`: what stands before `/api/v1`. `headers`: credentials. */
export async function serverFacts(
  http: HttpClient,
  base: string,
  headers: Readonly<Record<string, string>>,
): Promise<ServerFacts> {
  const get = async (url: string) => {
    const asked = await http.request({
      method: "GET",
      url,
      headers: { ...headers, accept: "*/*" },
      timeouts: { firstByteMs: WAIT_MS, idleMs: WAIT_MS, totalMs: 2 * WAIT_MS },
    });
    if (!asked.ok) return undefined;
    const text = await asked.answer.text(TEXT_BYTES);
    return { status: asked.answer.status, headers: asked.answer.headers, text };
  };
  const info = await get(`${base}/api/v1/status/buildinfo`);
  if (info === undefined) return { kind: "unknown", flags: new Map() };
  if (info.headers["x-server-hostname"] !== undefined) {
    // The page of metrics is at the root, whatever the prefix of the API.
    const metrics = await get(`${new URL(base).origin}/metrics`);
    return {
      kind: "VictoriaMetrics",
      ...(metrics?.status === 200 ? factsOfMetrics(metrics.text) : { flags: new Map() }),
    };
  }
  const build = info.status === 200 ? dataOf(info.text) : {};
  const { version, application, goVersion } = build;
  if (typeof version !== "string") return { kind: "unknown", flags: new Map() };
  const name = typeof application === "string" && application !== "Prometheus" ? application : undefined;
  if (name !== undefined || typeof goVersion !== "string")
    return { kind: "unknown", ...(name === undefined ? {} : { application: name }), version, flags: new Map() };
  const [flags, config] = [await get(`${base}/api/v1/status/flags`), await get(`${base}/api/v1/status/config`)];
  return {
    kind: "Prometheus",
    version,
    flags: new Map(Object.entries(flags?.status === 200 ? dataOf(flags.text) : {}).map(([k, v]) => [k, String(v)])),
    ...outOfOrder(config?.status === 200 ? dataOf(config.text).yaml : undefined),
  };
}

/** VictoriaMetrics tells its version and its flags as metrics. */
function factsOfMetrics(text: string): Pick<ServerFacts, "version" | "flags"> {
  const [, long = "", short = ""] = /^vm_app_version\{version="([^"]*)", short_version="([^"]*)"/m.exec(text) ?? [];
  const flags = new Map(
    [...text.matchAll(/^flag\{name="([^"]*)", value="([^"]*)"/gm)].map(([, name, value]) => [name!, value!]),
  );
  const version = short || long;
  return { ...(version === "" ? {} : { version }), flags };
}

function dataOf(text: string): Record<string, unknown> {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function outOfOrder(yaml: unknown): { outOfOrderMs?: number } {
  if (typeof yaml !== "string") return {};
  try {
    const config = parse(yaml) as { storage?: { tsdb?: { out_of_order_time_window?: unknown } } } | null;
    const window = config?.storage?.tsdb?.out_of_order_time_window;
    return { outOfOrderMs: window === undefined ? 0 : (longDuration(String(window)) ?? 0) };
  } catch {
    return {};
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** `1h30m`, `15d`, `1y`: as servers write durations, ms; a plain number is months, as VictoriaMetrics' retention. */
export function longDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 31 * 86_400_000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit!]!, 0);
}
