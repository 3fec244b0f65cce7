// The pages of docs/getting-started, walked to the letter with the compiled binary: every ```yaml block is written to the file that its
// first line names, then all ```sh blocks run in order, in one shell that stops at the first failure. Only addresses are replaced.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../fakes/receiver.ts";
import { buildBinary, eventually, tempDir } from "../servers/binary.ts";
import { row } from "../servers/contents.ts";
import { needs } from "../servers/found.ts";
import { freePort, startVictoriaMetrics, type VictoriaMetrics } from "../servers/servers.ts";

const pages = resolve(import.meta.dirname, "../../docs/getting-started");

/** What a page's receiver asks for, and the address that the page gives it. */
const walks = [
  { page: "host.md", endpoint: "http://127.0.0.1:9090/api/v1/write", headers: {} },
  {
    page: "grafana-cloud.md",
    endpoint: "https://prometheus-prod-01-eu-west-0.grafana.net/api/prom/push",
    headers: { authorization: `Basic ${Buffer.from("123456:glc_token").toString("base64")}` },
  },
  {
    page: "mimir.md",
    endpoint: "https://mimir.example.com/api/v1/push",
    headers: { authorization: "Bearer s3cret-token", "x-scope-orgid": "team-a" },
  },
] as const;

describe("docs/getting-started, walked", needs("victoria-metrics"), () => {
  let vm: VictoriaMetrics;
  let feeding: NodeJS.Timeout;

  before(async () => {
    if (needs("victoria-metrics").skip) return;
    vm = await startVictoriaMetrics();
    const feed = () => vm.import([row("requests_total", { job: "gateway" }, [[Date.now(), 1]])]).catch(() => {});
    await feed();
    feeding = setInterval(feed, 500);
    // The first samples of a new series are visible some seconds later: a walk would end before, with a sink that is idle.
    await eventually(
      "the source shows the series",
      async () => (await fetch(`${vm.url}/api/v1/export?match[]=requests_total`)).text(),
      (rows) => rows !== "",
    );
  });
  after(async () => {
    clearInterval(feeding);
    await vm?.remove();
  });

  for (const { page, endpoint, headers } of walks)
    test(page, needs("victoria-metrics"), async () => {
      const receiver = await startReceiver();
      receiver.answer = (request) => {
        for (const [name, value] of Object.entries(headers))
          if (request.headers[name] !== value) return { status: 401, body: `wrong ${name}` };
        return { status: 204 };
      };
      const dir = tempDir();
      try {
        const text = readFileSync(join(pages, page), "utf8");
        assert.ok(text.includes(endpoint), `${page} has the endpoint that this test replaces`);
        const here = text.replaceAll(endpoint, receiver.writeUrl).replaceAll("http://127.0.0.1:8428", vm.url);
        const blocks = (language: string) =>
          [...here.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map((m) => m[1]!);
        for (const yaml of blocks("yaml"))
          writeFileSync(join(dir.path, /^# file: (\S+)\n/.exec(yaml)![1]!), yaml, { mode: 0o600 });
        const script = blocks("sh");
        assert.ok(script.length >= 3, `${page} has commands`);
        const { code, output } = await shell(script.join("\n"), dir.path);
        assert.equal(code, 0, output);
        assert.ok(samples(receiver) > 0, `nothing has arrived\n${output}`);
      } finally {
        dir.remove();
        await receiver.close();
      }
    });
});

const samples = (receiver: Receiver): number => [...receiver.stored.values()].reduce((n, s) => n + s.length, 0);

/** One bash with the binary on its PATH and an admin port of its own; agents that the page leaves running end with it. */
async function shell(script: string, cwd: string): Promise<{ code: number | null; output: string }> {
  const listen = `127.0.0.1:${await freePort()}`;
  const ended = "trap 'code=$?; kill $(jobs -p) 2>/dev/null; wait; exit $code' EXIT";
  const child = spawn("bash", ["-c", `set -e\n${ended}\n${script}`], {
    cwd,
    env: {
      ...process.env,
      PATH: `${dirname(buildBinary())}:${process.env.PATH}`,
      OUTFLOW_LISTEN: listen,
      OUTFLOW_STATUS_URL: `http://${listen}`,
      OUTFLOW_URL: `http://${listen}`,
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      output += String(text);
    });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output };
}
