// The programs that are compared, with the settings they are run with.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { versionOf } from "./programs.ts";

export type Job = {
  dir: string;
  sourceUrl: string;
  writeUrl: string;
  selector: string;
  intervalMs: number;
  /** Samples a request of outflow; the peers keep their own default unless `peerBatch` says otherwise. */
  batch: number;
  peerBatch: number | undefined;
  outflow: string[];
};

export type Sender = { name: string; command(job: Job): [program: string, args: string[]] };

const root = resolve(import.meta.dirname, "../..");
const binary = join(root, "dist/outflow");

function scrapeConfig(job: Job, more = ""): string {
  mkdirSync(job.dir, { recursive: true });
  const file = join(job.dir, "scrape.yml");
  const { host } = new URL(job.sourceUrl);
  writeFileSync(
    file,
    `global: { scrape_interval: ${job.intervalMs}ms, scrape_timeout: ${job.intervalMs}ms }
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: { "match[]": ['${job.selector}'] }
    static_configs: [ { targets: ["${host}"] } ]
${more}`,
  );
  return file;
}

const vmagent = (name: string, flags: string[]): Sender => ({
  name,
  command: (job) => [
    "vmagent",
    [
      `-promscrape.config=${scrapeConfig(job)}`,
      "-promscrape.maxScrapeSize=1GB",
      "-httpListenAddr=127.0.0.1:0",
      `-remoteWrite.tmpDataPath=${job.dir}/data`,
      `-remoteWrite.url=${job.writeUrl}`,
      ...(job.peerBatch === undefined ? [] : [`-remoteWrite.maxRowsPerBlock=${job.peerBatch}`]),
      ...flags,
    ],
  ],
});

export const senders: Record<string, Sender> = {
  outflow: {
    name: "outflow",
    command(job) {
      mkdirSync(job.dir, { recursive: true });
      writeFileSync(
        join(job.dir, "policy.yaml"),
        `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata: { name: bench }
spec:
  sources:
    - name: fleet
      metrics: { metricsql: '${job.selector}' }
  sinks:
    - name: receiver
      sources: [fleet]
      target:
        prometheusRemoteWrite:
          endpoint: ${job.writeUrl}
          batch: { maxSize: ${job.batch}, timeout: 1s }
`,
      );
      return [
        binary,
        [
          "run",
          "--no-tui",
          "--listen=off",
          `--policies=${job.dir}/policy.yaml`,
          `--source-url=${job.sourceUrl}`,
          `--state-dir=${job.dir}/state`,
          `--poll-interval=${job.intervalMs}ms`,
          ...job.outflow,
        ],
      ];
    },
  },
  /** From source, with a CPU profile in the working directory: for `--senders profiled`. */
  profiled: {
    name: "outflow from source",
    command: (job) => [
      process.execPath,
      [
        "--cpu-prof",
        "--cpu-prof-name=outflow.cpuprofile",
        join(root, "src/main.ts"),
        ...senders.outflow!.command(job)[1],
      ],
    ],
  },
  vmagent: vmagent("vmagent", []),
  /** To a receiver that does not take zstd. */
  snappy: vmagent("vmagent, snappy", []),
  lean: vmagent("vmagent lean", [
    "-promscrape.streamParse",
    "-promscrape.disableCompression",
    "-promscrape.noStaleMarkers",
  ]),
  prometheus: {
    name: "Prometheus agent",
    command(job) {
      const config = scrapeConfig(
        job,
        `remote_write:\n  - url: ${job.writeUrl}\n    queue_config: { max_samples_per_send: ${job.peerBatch ?? 500} }\n`,
      );
      return [
        "prometheus",
        [
          ...(/version 2\./.test(versionOf("prometheus", ["--version"])) ? ["--enable-feature=agent"] : ["--agent"]),
          `--config.file=${config}`,
          `--storage.agent.path=${job.dir}/data`,
          "--web.listen-address=127.0.0.1:0",
          "--log.level=error",
        ],
      ];
    },
  },
};
