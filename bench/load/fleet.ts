// A fleet of series for all benchmarks: 50 metrics on each host, ten labels, about 330 bytes of WriteRequest a sample; counters,
// gauges with decimals and values that rarely change, as an exporter on a host has them.
const METRICS_A_HOST = 50;

export function labelsOf(i: number, generation = 0): Record<string, string> {
  const host = Math.floor(i / METRICS_A_HOST);
  return {
    __name__: `node_metric_number_${i % METRICS_A_HOST}_total`,
    cluster: "prod-eu-west-1",
    container: "node-exporter",
    instance: `host-${host}.dc1.example.internal:9100`,
    job: "fleet",
    namespace: "monitoring",
    pod: `node-exporter-${((host * 7919) % 65536).toString(16)}-${generation}`,
    region: "eu-west-1",
    resource_kind: "Gateway",
    service_name: "networking.example.com",
  };
}

/** The value of series `i` in round `round`. */
export function sampleOf(i: number, round: number): number {
  switch (i % 5) {
    case 0:
      return i * 1000 + round * (i % 97); // a counter
    case 1:
      return Math.round(((i * 7919 + round * 104_729) % 1_000_003) / 10) / 100; // a gauge with decimals
    case 2:
      return (i % 7) + 0.5; // constant
    case 3:
      return (i * 31 + round) % 256; // a small number
    default:
      return ((i * 2_654_435_761 + round * 40_503) % 4_294_967_296) / 4096; // bytes, seconds: many digits
  }
}
