// outflow run --check: everything that a start does, but running: settings, filters, credentials, files, the state directory, the admin
// port, policies and their secrets. Nothing is left behind. Returns for exit 0, throws StartError for exit 2.
import { existsSync, rmdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { parseAddress } from "../admin/address.ts";
import type { Settings } from "../config/settings.ts";
import type { LoadResult } from "../policy/policy.ts";
import { problemText } from "../policy/report.ts";
import { StatusStore } from "../status/store.ts";
import { counted } from "../status/text/words.ts";
import { policyFiles } from "./agent/policyfiles.ts";
import { prepare } from "./agent/prepare.ts";
import { StartError } from "./agent/start-error.ts";

export async function checkStart(settings: Settings & { sourceUrl: string }): Promise<void> {
  const store = new StatusStore();
  store.subscribe((event) => {
    if (event.type === "notice" || event.type === "state-store") process.stderr.write(`outflow: ${event.message}\n`);
  });
  const undo = newDirectories([settings.stateDir, ...(settings.deadLetterDir ? [settings.deadLetterDir] : [])]);
  try {
    const prepared = await prepare(settings, store.dispatch.bind(store));
    try {
      await tryPort(settings.listen);
      checkPolicies(
        settings.kubernetes
          ? await (await import("./agent/cluster.ts")).clusterPoliciesOf(settings, prepared.rules)
          : policyFiles(settings, prepared.rules.check).load(),
      );
    } finally {
      await prepared.close();
    }
  } finally {
    undo();
  }
}

/** Removes again what a trial makes: a directory made by another user than the agent's would keep the agent out. */
function newDirectories(dirs: readonly string[]): () => void {
  const missing = dirs.map((dir) => firstMissing(resolve(dir)));
  const database = join(dirs[0]!, "state.sqlite");
  const present = existsSync(database);
  return () => {
    if (!present) for (const tail of ["", "-wal", "-shm"]) rmSync(database + tail, { force: true });
    for (const [i, top] of missing.entries())
      for (let dir = resolve(dirs[i]!); top !== undefined && dir.startsWith(top); dir = dirname(dir)) {
        try {
          rmdirSync(dir);
        } catch {
          // it is not there, or somebody else has put something in it
        }
      }
  };
}

/** The topmost directory that would have to be made; undefined: all are there. */
function firstMissing(dir: string): string | undefined {
  if (existsSync(dir)) return undefined;
  return firstMissing(dirname(dir)) ?? dir;
}

function tryPort(listen: string): Promise<void> {
  const address = listen === "off" ? undefined : parseAddress(listen);
  if (address === undefined || !address.ok) return Promise.resolve(); // prepare() refuses the latter
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: Error & { code?: string }) =>
      reject(
        new StartError(
          `cannot listen on ${listen}: ${error.code === "EADDRINUSE" ? "the address is in use by another process" : error.code}. Choose another address with --listen, or --listen off.`,
        ),
      ),
    );
    server.listen(address.port, address.host, () => server.close(() => resolve()));
  });
}

function checkPolicies(loaded: LoadResult): void {
  process.stderr.write(loaded.problems.map((p) => `${problemText(p, false)}\n`).join(""));
  const refused = loaded.policies.flatMap((p) =>
    p.sinks.flatMap((s) =>
      s.refusal === undefined ? [] : [`${p.namespace}/${p.name}/${s.name}: ${s.refusal.message}`],
    ),
  );
  process.stderr.write(refused.map((line) => `outflow: ${line}\n`).join(""));
  const problems = loaded.problems.filter((p) => p.severity === "problem").length + refused.length;
  if (problems > 0) throw new StartError(`${counted(problems, "problem")} in the policies.`);
  const n = loaded.policies.length;
  const sinks = loaded.policies.reduce((sum, p) => sum + p.sinks.length, 0);
  process.stdout.write(
    `The start would succeed: ${n === 1 ? "1 policy" : `${n} policies`}, ${counted(sinks, "sink")}.\n`,
  );
}
