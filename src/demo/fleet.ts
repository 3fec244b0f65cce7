// A simulated fleet of gateways with the labels of the API reference's example. Pods come and go; the same seed gives the same fleet.
import type { Labels, Reading } from "./series.ts";

const REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "ap-south-1"];
const GATEWAYS = ["edge", "api", "checkout", "media", "partners", "internal"];
const CODES = ["200", "304", "404", "500", "503"];
const BUCKETS = ["0.01", "0.05", "0.1", "0.5", "1", "+Inf"];
/** Seconds that a pod lives. */
const POD_LIFE_S = 45;

/** Mulberry32: small, seeded. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Pod = { gateway: string; region: string; name: string; diesAt: number; counts: Map<string, number> };

export class Fleet {
  readonly #random: () => number;
  #pods: Pod[] = [];
  #born = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** One second of the fleet's life: what it reports, and which series ended. */
  step(second: number): { readings: Reading[]; ended: Labels[] } {
    const ended = this.#pods
      .filter((pod) => pod.diesAt <= second)
      .flatMap((pod) => [...this.#report(pod)].map((r) => r.labels));
    this.#pods = this.#pods.filter((pod) => pod.diesAt > second);
    while (this.#pods.length < GATEWAYS.length * REGIONS.length) this.#pods.push(this.#spawn(second));
    for (const pod of this.#pods) this.#serve(pod);
    return { readings: this.#pods.flatMap((pod) => [...this.#report(pod)]), ended };
  }

  #spawn(second: number): Pod {
    const n = this.#born++;
    const gateway = GATEWAYS[n % GATEWAYS.length]!;
    const region = REGIONS[Math.floor(n / GATEWAYS.length) % REGIONS.length]!;
    const name = `${gateway}-${Math.floor(this.#random() * 0x100000)
      .toString(16)
      .padStart(5, "0")}`;
    return { gateway, region, name, diesAt: second + POD_LIFE_S * (0.5 + this.#random() * 20), counts: new Map() };
  }

  #serve(pod: Pod): void {
    const requests = Math.floor(this.#random() * 120);
    for (const code of CODES) count(pod, `code:${code}`, code === "200" ? requests : Math.floor(this.#random() * 3));
    for (const [i, le] of BUCKETS.entries()) count(pod, `le:${le}`, Math.floor((requests * (i + 1)) / BUCKETS.length));
    count(pod, "sum", requests * 0.08 * this.#random());
    pod.counts.set("connections", Math.floor(20 + this.#random() * 80));
  }

  *#report(pod: Pod): Iterable<Reading> {
    const base = {
      service_name: "networking.miloapis.com",
      resource_kind: "Gateway",
      resource_name: pod.gateway,
      region: pod.region,
      pod: pod.name,
    };
    const value = (key: string) => pod.counts.get(key) ?? 0;
    for (const code of CODES)
      yield { labels: { __name__: "gateway_requests_total", ...base, code }, value: value(`code:${code}`) };
    for (const le of BUCKETS)
      yield { labels: { __name__: "gateway_request_duration_seconds_bucket", ...base, le }, value: value(`le:${le}`) };
    yield { labels: { __name__: "gateway_request_duration_seconds_count", ...base }, value: value("le:+Inf") };
    yield { labels: { __name__: "gateway_request_duration_seconds_sum", ...base }, value: value("sum") };
    yield { labels: { __name__: "gateway_connections_active", ...base }, value: value("connections") };
  }
}

const count = (pod: Pod, key: string, by: number): void => void pod.counts.set(key, (pod.counts.get(key) ?? 0) + by);
