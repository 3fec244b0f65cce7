// Child processes of a benchmark: none outlives it.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { programOf } from "./programs.ts";

const children = new Set<ChildProcess>();
const endAll = () => {
  for (const child of children) child.kill("SIGKILL");
};
process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

export function start(program: string, args: readonly string[]): ChildProcess & { pid: number } {
  const child = spawn(programOf(program), args, { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr!.resume();
  children.add(child);
  child.once("exit", () => children.delete(child));
  if (child.pid === undefined) throw new Error(`${program} did not start`);
  return child as ChildProcess & { pid: number };
}

/** A program that prints its port in its first line. */
export async function startWithPort(script: string, ...args: string[]): Promise<{ pid: number; url: string }> {
  const child = start(process.execPath, [script, ...args]);
  for await (const line of createInterface({ input: child.stdout! })) {
    child.stdout!.resume();
    return { pid: child.pid, url: `http://127.0.0.1:${line}` };
  }
  throw new Error(`${script} printed no port`);
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}
