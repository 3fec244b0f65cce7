// The pages of docs/getting-started, walked to the letter with the compiled binary: every ```yaml block is written to the file that its
// first line names, then all ```sh blocks run in order, in one shell that stops at the first failure. Only addresses are replaced.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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

const root = resolve(import.meta.dirname, "../..");
const allowed = spawnSync("unshare", ["--mount", "true"]).status === 0;

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
        const { code, output } = await walk(
          page,
          { [endpoint]: receiver.writeUrl, "http://127.0.0.1:8428": vm.url },
          dir.path,
        );
        assert.equal(code, 0, output);
        assert.ok(samples(receiver) > 0, `nothing has arrived\n${output}`);
      } finally {
        dir.remove();
        await receiver.close();
      }
    });

  const skip = allowed ? needs("victoria-metrics", "curl", "openssl").skip : "no right to make a mount namespace";
  test("container.md: the image's files, user and environment, the mounts, the admin port from outside, the stop", {
    skip,
  }, async () => {
    const receiver = await startReceiver();
    const dir = tempDir();
    const docker = join(dir.path, "docker");
    try {
      for (const name of ["packaging", "dist"]) symlinkSync(join(root, name), join(dir.path, name));
      mkdirSync(docker);
      const wrapper = `#!/bin/sh\nFAKE_DOCKER_DIR=${docker} exec ${process.execPath} ${join(root, "test/fakes/docker.ts")} "$@"\n`;
      writeFileSync(join(docker, "docker"), wrapper, { mode: 0o755 });
      buildBinary();
      const port = String(await freePort());
      const { code, output } = await walk(
        "container.md",
        {
          "http://prometheus:9090/api/v1/write": receiver.writeUrl,
          "http://victoriametrics:8428": vm.url,
          "9469": port,
        },
        dir.path,
        docker,
      );
      const of = (file: string) => join(docker, "containers/outflow", file);
      const log = existsSync(of("log")) ? readFileSync(of("log"), "utf8") : "";
      assert.equal(code, 0, output + log);
      assert.ok(samples(receiver) > 0, `nothing has arrived\n${output}${log}`);
      assert.equal(readFileSync(of("exit"), "utf8").trim(), "0", log);
      assert.match(log, /outflow has stopped/);
      assert.equal(statSync(join(docker, "volumes/outflow-state/state.sqlite")).uid, 10001);
      // A user that the image does not know, and no HOME: it asks for what is missing.
      const image = join(docker, "images/outflow/root");
      const bare = `mount --rbind /proc ${image}/proc && exec env -i /usr/sbin/chroot --userspec=54321:54321 ${image} /usr/local/bin/outflow run --no-tui`;
      const { status, stderr } = spawnSync("unshare", ["--mount", "bash", "-c", bare], { encoding: "utf8" });
      assert.match(stderr, /^outflow: no source: /);
      assert.equal(status, 2);
    } finally {
      const pid = join(docker, "containers/outflow/pid");
      if (existsSync(pid)) spawnSync("kill", ["-9", readFileSync(pid, "utf8").trim()]);
      dir.remove();
      await receiver.close();
    }
  });
});

/** Writes the files of a page to `cwd` and runs its commands there; `replaced`: addresses of the page, and those of this test. */
async function walk(page: string, replaced: Record<string, string>, cwd: string, path = ""): ReturnType<typeof shell> {
  let text = readFileSync(join(pages, page), "utf8");
  for (const [from, to] of Object.entries(replaced)) {
    assert.ok(text.includes(from), `${page} has ${from}, which this test replaces`);
    text = text.replaceAll(from, to);
  }
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map((m) => m[1]!);
  for (const yaml of blocks("yaml")) {
    const file = join(cwd, /^# file: (\S+)\n/.exec(yaml)![1]!);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, yaml, { mode: 0o600 });
  }
  const script = blocks("sh");
  assert.ok(script.length >= 3, `${page} has commands`);
  return shell(script.join("\n"), cwd, path);
}

const samples = (receiver: Receiver): number => [...receiver.stored.values()].reduce((n, s) => n + s.length, 0);

/** One bash with the binary on its PATH and an admin port of its own; agents that the page leaves running end with it. */
async function shell(script: string, cwd: string, path: string): Promise<{ code: number | null; output: string }> {
  const listen = `127.0.0.1:${await freePort()}`;
  const ended = "trap 'code=$?; kill $(jobs -p) 2>/dev/null || true; wait; exit $code' EXIT";
  const child = spawn("bash", ["-c", `set -e\n${ended}\n${script}`], {
    cwd,
    env: {
      ...process.env,
      PATH: `${path}${path && ":"}${dirname(buildBinary())}:${process.env.PATH}`,
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
