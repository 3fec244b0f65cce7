// A real etcd on loopback, in memory where /dev/shm is, with or without a user.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./servers.ts";

export type Etcd = {
  url: string;
  start(): Promise<void>;
  /** SIGTERM, SIGKILL, SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** etcdctl against it. */
  ctl(...args: string[]): string;
  remove(): Promise<void>;
};

export async function startEtcd(): Promise<Etcd> {
  const dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "outflow-etcd-"));
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  let child: ChildProcess | undefined;
  const ended = (c: ChildProcess) =>
    c.exitCode !== null || c.signalCode !== null ? Promise.resolve() : new Promise((done) => c.once("exit", done));
  process.once("exit", () => child?.kill("SIGKILL"));
  const etcd: Etcd = {
    url,
    async start() {
      child = spawn(
        "etcd",
        [
          `--data-dir=${dir}/data`,
          `--listen-client-urls=${url}`,
          `--advertise-client-urls=${url}`,
          `--listen-peer-urls=http://127.0.0.1:${peer}`,
          `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
          `--initial-cluster=default=http://127.0.0.1:${peer}`,
          "--log-level=error",
        ],
        { stdio: "ignore" },
      );
      for (let i = 0; i < 600; i++) {
        const up = await fetch(`${url}/health`).then(
          async (r) => ((await r.json()) as { health?: string }).health === "true",
          () => false,
        );
        if (up) return;
        await new Promise((resolve) => setTimeout(resolve, 50)); // a server that is not there yet cannot be waited for otherwise
      }
      throw new Error("etcd did not become ready");
    },
    async signal(signal) {
      const c = child!;
      c.kill(signal);
      if (signal === "SIGTERM" || signal === "SIGKILL") await ended(c);
    },
    ctl: (...args) =>
      execFileSync("etcdctl", ["--endpoints", url, ...args], {
        encoding: "utf8",
        env: { ...process.env, ETCDCTL_API: "3" },
      }),
    async remove() {
      child?.kill("SIGKILL");
      if (child !== undefined) await ended(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await etcd.start();
  return etcd;
}
