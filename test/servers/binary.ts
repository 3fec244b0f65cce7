// The compiled binary: what users run is what is tested.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./servers.ts";

const root = resolve(import.meta.dirname, "../..");
export const binary = join(root, "dist/outflow");

/** Builds dist/outflow if a source is newer. Test files run side by side: test/run.ts builds once for all of them and says so. */
export function buildBinary(): string {
  if (process.env.OUTFLOW_BUILT === "1") return binary;
  const sources = ["src", "tui", "policies"]
    .flatMap((dir) => readdirSync(join(root, dir), { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name));
  const newest = Math.max(...[...sources, join(root, "package.json")].map((file) => statSync(file).mtimeMs));
  if (!existsSync(binary) || statSync(binary).mtimeMs < newest)
    execFileSync("npm", ["run", "-s", "build"], { cwd: root, stdio: "inherit" });
  return binary;
}

/** A connection for each request: one that was idle may be closed by the agent in the moment in which it is used again. */
export const FRESH = { keepalive: false, headers: { connection: "close" } };

export type Running = {
  child: ChildProcess;
  log: string;
  stdout: string;
  adminUrl: string;
  metrics(): Promise<Map<string, number>>;
  /** The present condition of a sink: "Ready=True Delivering". */
  ready(sink: string): Promise<string>;
  /** Sends a signal and waits for the end; the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/** `outflow run` with an admin port of its own. Remove `stateDir()` folders by yourself. `outflow`: in place of the binary. */
export async function runAgent(
  args: string[],
  env: Record<string, string> = {},
  outflow: readonly string[] = [buildBinary()],
): Promise<Running> {
  const port = await freePort();
  const [program = "", ...before] = outflow;
  const child = spawn(program, [...before, "run", "--no-tui", "--listen", `127.0.0.1:${port}`, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const exited = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const adminUrl = `http://127.0.0.1:${port}`;
  const running: Running = {
    child,
    log: "",
    stdout: "",
    adminUrl,
    async metrics() {
      const text = await (await fetch(`${adminUrl}/metrics`, FRESH)).text();
      return new Map(
        text
          .split("\n")
          .filter((l) => l !== "" && !l.startsWith("#"))
          .map((l) => [l.slice(0, l.lastIndexOf(" ")), Number(l.slice(l.lastIndexOf(" ") + 1))]),
      );
    },
    async ready(sink) {
      const status = (await (await fetch(`${adminUrl}/api/v1/status`, FRESH)).json()) as {
        items: {
          status: { sinks: { name: string; conditions: { type: string; status: string; reason: string }[] }[] };
        }[];
      };
      const ready = status.items
        .flatMap((i) => i.status.sinks)
        .find((s) => s.name === sink)
        ?.conditions.find((c) => c.type === "Ready");
      return `${ready?.status} ${ready?.reason}`;
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
  child.stderr!.on("data", (d) => {
    running.log += String(d);
  });
  child.stdout!.on("data", (d) => {
    running.stdout += String(d);
  });
  process.once("exit", () => child.kill("SIGKILL"));
  return running;
}

export function tempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "outflow-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Waits for content, never for time: asks again until it holds, and says what it last saw when it gives up. It asks less often the longer
 * it waits: what is asked has work of its own to do.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  holds: (value: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const startedMs = performance.now();
  let last: T | undefined;
  let error: unknown;
  while (performance.now() - startedMs < timeoutMs) {
    try {
      last = await ask();
      if (holds(last)) return last;
    } catch (e) {
      error = e;
    }
    const pauseMs = Math.min(400, Math.max(100, (performance.now() - startedMs) / 20));
    await new Promise((done) => setTimeout(done, pauseMs));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms; last: ${JSON.stringify(last) ?? String(error)}`);
}
