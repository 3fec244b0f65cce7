// Debian's victoria-metrics and prometheus on loopback, in folders of their own, for one test each: fill, read back, stop.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathOf } from "./found.ts";

export type Row = { labels: Record<string, string>; samples: [ts: number, value: number | "NaN" | "Inf" | "-Inf"][] };
/** By canonical labels: [timestamp in ms, value as text]. */
export type Contents = Map<string, [number, string][]>;

export const canonical = (labels: Record<string, string>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

export type Server = {
  url: string;
  writeUrl: string;
  /** All samples of the series that `selector` selects, of the last four hours. */
  read(selector: string): Promise<Contents>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** Starts again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends and removes the data. */
  remove(): Promise<void>;
};

export type VictoriaMetrics = Server & { import(rows: readonly Row[]): Promise<void> };

const all = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of all) child.kill("SIGKILL");
});

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export async function startVictoriaMetrics(...flags: string[]): Promise<VictoriaMetrics> {
  const dir = mkdtempSync(join(tmpdir(), "outflow-vm-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await service(dir, url, "/health", pathOf("victoria-metrics")!, [
    `-storageDataPath=${dir}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    "-retentionPeriod=1",
    "-search.disableCache",
    "-search.maxUniqueTimeseries=1000000",
    ...flags,
  ]);
  return {
    ...server,
    url,
    writeUrl: `${url}/api/v1/write`,
    async import(rows) {
      // Of the JSON lines VictoriaMetrics refuses, without a word, one that holds a value which is not a number: those go as text.
      const special = rows.filter(({ samples }) => samples.some(([, v]) => typeof v === "string"));
      const plain = rows.filter((r) => !special.includes(r));
      const json = plain.map(
        ({ labels, samples }) =>
          `{"metric":${JSON.stringify(labels)},"values":[${samples.map(([, v]) => numberText(v as number)).join(",")}],"timestamps":[${samples.map(([ts]) => ts).join(",")}]}`,
      );
      const text = special.flatMap(({ labels: { __name__, ...labels }, samples }) => {
        const inner = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
        return samples.map(([ts, v]) => `${__name__}{${inner.join(",")}} ${v === "Inf" ? "+Inf" : v} ${ts}`);
      });
      for (const [path, lines] of [
        ["import", json],
        ["import/prometheus", text],
      ] as const) {
        if (lines.length === 0) continue;
        const answer = await fetch(`${url}/api/v1/${path}`, { method: "POST", body: `${lines.join("\n")}\n` });
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      }
    },
    async read(selector) {
      const answer = await fetch(
        `${url}/api/v1/export?${new URLSearchParams({ "match[]": selector, start: String(Date.now() / 1000 - 14_400) })}`,
      );
      const contents: Contents = new Map();
      for (const line of (await answer.text()).split("\n").filter(Boolean)) {
        // Numbers are compared as the server prints them: JSON.parse would round them.
        // And an infinity is printed bare, which is not JSON.
        const head = line.slice(0, line.lastIndexOf(',"values":['));
        const { metric } = JSON.parse(`${head}}`) as { metric: Record<string, string> };
        const values = /"values":\[([^\]]*)\]/.exec(line.slice(line.lastIndexOf('"values":[')))![1]!.split(",");
        const timestamps = /"timestamps":\[([^\]]*)\]/
          .exec(line.slice(line.lastIndexOf('"timestamps":[')))![1]!
          .split(",");
        const rows = contents.get(canonical(metric)) ?? [];
        contents.set(
          canonical(metric),
          [...rows, ...timestamps.map((ts, i): [number, string] => [Number(ts), valueText(values[i]!)])].sort(
            (a, b) => a[0] - b[0],
          ),
        );
      }
      return contents;
    },
  };
}

/** `more`: further lines of its configuration (scrape_configs). */
export async function startPrometheus(outOfOrder?: string, more = "", ...flags: string[]): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), "outflow-prom-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(dir, "prometheus.yml"),
    outOfOrder === undefined
      ? `global: {}\n${more}\n`
      : `global: {}\nstorage:\n  tsdb:\n    out_of_order_time_window: ${outOfOrder}\n${more}\n`,
  );
  const server = await service(dir, url, "/-/ready", pathOf("prometheus")!, [
    `--config.file=${dir}/prometheus.yml`,
    `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--web.enable-remote-write-receiver",
    "--log.level=warn",
    ...flags,
  ]);
  return {
    ...server,
    url,
    writeUrl: `${url}/api/v1/write`,
    async read(selector) {
      const answer = await fetch(`${url}/api/v1/query`, {
        method: "POST",
        body: new URLSearchParams({ query: `${selector}[4h]`, time: String(Date.now() / 1000 + 60) }),
      });
      const { data } = (await answer.json()) as {
        data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
      };
      return new Map(
        data.result.map(({ metric, values }) => [
          canonical(metric),
          values.map(([ts, v]): [number, string] => [Math.round(ts * 1000), valueText(v)]),
        ]),
      );
    },
  };
}

/** One spelling for a value, exact: two servers print the same double differently. */
function valueText(text: string): string {
  if (text === "null") return "NaN";
  const plain = text
    .replaceAll('"', "")
    .replace("+Inf", "Infinity")
    .replace("-Inf", "-Infinity")
    .replace(/^-?Infinityinity$/, (t) => t.replace("inityinity", "inity"));
  return String(Number(plain));
}

/** As a decimal that reads back to the same double. */
const numberText = (v: number): string => (Object.is(v, -0) ? "-0" : String(v));

async function service(
  dir: string,
  url: string,
  health: string,
  program: string,
  args: string[],
): Promise<Pick<Server, "start" | "stop" | "remove">> {
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(program, args, { stdio: "ignore" });
    all.add(child);
    for (let i = 0; i < 200; i++) {
      if (
        await fetch(url + health).then(
          (r) => r.ok,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 50)); // a server that is not there yet cannot be waited for otherwise
    }
    throw new Error(`${program} did not become ready`);
  };
  const stop = async () => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill("SIGTERM");
    await ended;
    all.delete(ending);
  };
  await start();
  return {
    start,
    stop,
    async remove() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
