// What the terminal UI costs: CPU and memory with many sinks in a real terminal (tmux), and of the same store without a screen.
//   bun bench/tui.ts [--for 60s] [--sinks 1000] [--changing 200] [--size 200x50]
// Prints figures; exits 1 if the screen takes 3 % of a core or more, or what is alive grows by 10 MB or more beyond the recording,
// which has a bound of its own (tui/recording/recorder.ts).
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/duration.ts";

const { values } = parseArgs({
  options: {
    for: { type: "string", default: "60s" },
    sinks: { type: "string", default: "1000" },
    changing: { type: "string", default: "200" },
    size: { type: "string", default: "200x50" },
  },
});
const forMs = parseDuration(values.for) ?? 60_000;
const [columns = "200", rows = "50"] = values.size.split("x");
/** Start, first frames and the first garbage do not count. */
const WARM_UP_MS = 15_000;
const REPORT_MS = 600_000;

const dir = mkdtempSync(join(tmpdir(), "outflow-bench-tui-"));
const binary = join(dir, "screen");
const BUILD =
  "build --compile --production --bytecode --format=esm --compile-exec-argv=--smol --no-compile-autoload-dotenv --no-compile-autoload-bunfig";
execFileSync(process.execPath, [...BUILD.split(" "), "bench/tui-screen.ts", "--outfile", binary], { stdio: "pipe" });

type Usage = { cpuMs: number; rssMb: number };
/** What is alive after a collection, without the recording, and the recording, which has a bound of its own. */
type Alive = { heapMb: number; recordedMb: number };

/** Asks the process to collect its garbage and to tell what is left. */
async function alive(name: string, pid: number): Promise<Alive> {
  const file = aliveFile(name);
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (;;) {
    await pause(200);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (!text.endsWith("}")) continue;
    const { heap, recording } = JSON.parse(text) as { heap: number; recording: number };
    return { heapMb: (heap - recording) / 1e6, recordedMb: recording / 1e6 };
  }
}

/** utime and stime of /proc/PID/stat, in ticks of 10 ms. */
function usage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMb: Number(rss) / 1024 };
}

type Measured = { cpuPercent: number; rss: number[]; heap: number[] };

async function measure(name: string, pid: number): Promise<Measured> {
  await pause(WARM_UP_MS);
  const left = [await alive(name, pid)];
  const began = performance.now();
  const before = usage(pid);
  const rss = [before.rssMb];
  const percentOf = ({ cpuMs }: Usage) => ((cpuMs - before.cpuMs) / (performance.now() - began)) * 100;
  let cpuPercent = 0;
  const report = () => {
    const { heapMb, recordedMb } = left.at(-1) as Alive;
    const elapsed = performance.now() - began;
    const percent = elapsed < 1_000 ? "" : `, ${cpuPercent.toFixed(2)} % of a core so far`;
    const kept = `${heapMb.toFixed(1)} MB alive + recording ${recordedMb.toFixed(1)} MB`;
    console.log(
      `${(elapsed / 60_000).toFixed(0).padStart(4)} min  ${name.padEnd(6)}  ${kept}, RSS ${rss.at(-1)?.toFixed(0)} MB${percent}`,
    );
  };
  report();
  for (let reported = 0; ; ) {
    await pause(Math.min(5_000, forMs));
    const elapsed = performance.now() - began;
    rss.push(usage(pid).rssMb);
    if (elapsed - reported < REPORT_MS && elapsed < forMs) continue;
    reported = elapsed;
    cpuPercent = percentOf(usage(pid)); // before the collection that is asked for here
    left.push(await alive(name, pid));
    report();
    if (elapsed >= forMs) break;
  }
  return { cpuPercent, rss, heap: left.map((l) => l.heapMb) };
}

/** MB more at the end than at the first report: the start fills the history of each sink, which is not growth. */
const growth = (mb: readonly number[]): number => (mb.at(-1) ?? 0) - (mb[mb.length > 2 ? 1 : 0] ?? 0);

const env = {
  ...{ ...process.env, SINKS: values.sinks, CHANGING: values.changing },
  ...{ LANG: "C.UTF-8" },
};
const aliveFile = (name: string) => join(dir, `alive-${name}`);
const socket = `outflow-bench-${process.pid}`;
const inTerminal = { ...env, ALIVE: aliveFile("screen") };
const tmux = (...args: string[]) =>
  execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8", env: inTerminal });

const headless = spawn(binary, { env: { ...env, HEADLESS: "1", ALIVE: aliveFile("store") }, stdio: "ignore" });
tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, binary);
const pid = Number(tmux("list-panes", "-F", "#{pane_pid}").trim());
try {
  const [screen, store] = await Promise.all([measure("screen", pid), measure("store", headless.pid ?? 0)]);
  const shown = tmux("capture-pane", "-p").split("\n").slice(0, 6).join("\n");
  const cost = screen.cpuPercent - store.cpuPercent;
  console.log(`${shown}\n`);
  console.log(
    `${values.sinks} sinks, ${values.changing} of them changing each second, ${values.size}, for ${values.for}`,
  );
  console.log(`on ${cpus()[0]?.model ?? "?"}, ${cpus().length} cores\n`);
  console.log(`screen and store  ${screen.cpuPercent.toFixed(2)} % of a core`);
  console.log(`store alone       ${store.cpuPercent.toFixed(2)} %`);
  console.log(`the screen        ${cost.toFixed(2)} %`);
  for (const [name, { rss, heap }] of Object.entries({ screen, store }))
    console.log(
      `memory, ${name.padEnd(9)} RSS ${Math.min(...rss).toFixed(0)} to ${Math.max(...rss).toFixed(0)} MB; alive without the recording ${growth(heap).toFixed(1)} MB more at the end than at the beginning`,
    );
  const wrong = [
    ...(cost >= 3 ? ["3 % of a core or more"] : []),
    ...(growth(screen.heap) >= 10 ? ["10 MB or more"] : []),
  ];
  console.log(wrong.length === 0 ? "within the limits" : `OVER the limit: ${wrong.join(", ")}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  headless.kill();
  tmux("kill-server");
  rmSync(dir, { recursive: true, force: true });
}
