// A scrape target with native histograms beside floats: Prometheus takes those only in its protobuf format.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
  syntax = "proto3";
  package io.prometheus.client;
  message LabelPair { string name = 1; string value = 2; }
  message Gauge { double value = 1; }
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    uint64 sample_count = 1;
    double sample_sum = 2;
    sint32 schema = 5;
    double zero_threshold = 6;
    uint64 zero_count = 7;
    repeated BucketSpan positive_span = 12;
    repeated sint64 positive_delta = 13;
  }
  message Metric { repeated LabelPair label = 1; Gauge gauge = 2; Histogram histogram = 7; }
  message MetricFamily { string name = 1; string help = 2; int32 type = 3; repeated Metric metric = 4; }
`);
const Family = root.lookupType("io.prometheus.client.MetricFamily");

const GAUGE = 1;
const HISTOGRAM = 4;

/** Each scrape has the next value of `floats` gauges `steady` and one more observation in `histograms` native histograms `latency`. */
export async function startHistogramTarget(floats: number, histograms: number) {
  let scrapes = 0;
  const server = createServer((_request, response) => {
    scrapes++;
    const label = (i: number) => [{ name: "i", value: String(i) }];
    const families = [
      {
        name: "steady",
        help: "A gauge.",
        type: GAUGE,
        metric: Array.from({ length: floats }, (_, i) => ({ label: label(i), gauge: { value: scrapes + i / 8 } })),
      },
      {
        name: "latency",
        help: "A native histogram.",
        type: HISTOGRAM,
        metric: Array.from({ length: histograms }, (_, i) => ({
          label: label(i),
          histogram: {
            sampleCount: scrapes,
            sampleSum: scrapes / 2,
            schema: 0,
            zeroThreshold: 1e-128,
            positiveSpan: [{ offset: 0, length: 1 }],
            positiveDelta: [scrapes],
          },
        })),
      },
    ];
    response.setHeader(
      "content-type",
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
    );
    response.end(
      Buffer.concat(families.map((f) => Buffer.from(Family.encodeDelimited(Family.fromObject(f)).finish()))),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
