// What the terminal UI costs: CPU and memory with many sinks in a real terminal (tmux), and of the same store without a screen.
//   bun bench/tui.ts [--for 60s] [--sinks 1000] [--changing 200] [--size 200x50]
// Prints figures; exits 1 if the screen takes 3 % of a core or more, or grows by 10 MB or more beyond what the recording takes, which has
// a bound of its own (tui/recording/recorder.ts).
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
  "build --compile --production --bytecode --format=esm --no-compile-autoload-dotenv --no-compile-autoload-bunfig";
execFileSync(process.execPath, [...BUILD.split(" "), "bench/tui-screen.ts", "--outfile", binary], { stdio: "pipe" });

/** `recordedMb`: of rssMb, what the recording takes; it has a bound of its own. */
type Usage = { cpuMs: number; rssMb: number; recordedMb: number };
const recordingFile = join(dir, "recording");

/** utime and stime of /proc/PID/stat, in ticks of 10 ms. */
function usage(pid: number, records: boolean): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const recordedMb =
    records && existsSync(recordingFile) ? Number(readFileSync(recordingFile, "utf8")) / 1024 / 1024 : 0;
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMb: Number(rss) / 1024, recordedMb };
}

/** `rest`: memory without what the recording takes. */
type Measured = { cpuPercent: number; rss: number[]; rest: number[] };

async function measure(name: string, pid: number): Promise<Measured> {
  await pause(WARM_UP_MS);
  const records = name === "screen";
  const began = performance.now();
  const before = usage(pid, records);
  const all = [before];
  const percentOf = ({ cpuMs }: Usage) => ((cpuMs - before.cpuMs) / (performance.now() - began)) * 100;
  for (let reported = -REPORT_MS; ; ) {
    const elapsed = performance.now() - began;
    const now = usage(pid, records);
    if (elapsed - reported >= REPORT_MS || elapsed >= forMs) {
      reported = elapsed;
      const percent = elapsed < 1_000 ? "" : `, ${percentOf(now).toFixed(2)} % of a core so far`;
      const recording = records ? `, ${now.recordedMb.toFixed(1)} of it the recording` : "";
      const minutes = (elapsed / 60_000).toFixed(0).padStart(4);
      console.log(`${minutes} min  ${name.padEnd(6)}  ${now.rssMb.toFixed(0)} MB${recording}${percent}`);
    }
    if (elapsed >= forMs) break;
    await pause(Math.min(5_000, forMs));
    all.push(usage(pid, records));
  }
  return {
    cpuPercent: percentOf(usage(pid, records)),
    rss: all.map((u) => u.rssMb),
    rest: all.map((u) => u.rssMb - u.recordedMb),
  };
}

/** MB more at the end than at the beginning, garbage left out: the least of the last third less the least of the first. */
function growth(mb: readonly number[]): number {
  const third = Math.max(1, Math.floor(mb.length / 3));
  return Math.min(...mb.slice(-third)) - Math.min(...mb.slice(0, third));
}

const env = {
  ...{ ...process.env, SINKS: values.sinks, CHANGING: values.changing },
  ...{ LANG: "C.UTF-8", RECORDING: recordingFile },
};
const socket = `outflow-bench-${process.pid}`;
const tmux = (...args: string[]) => execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8", env });

const headless = spawn(binary, { env: { ...env, HEADLESS: "1" }, stdio: "ignore" });
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
  for (const [name, { rss, rest }] of Object.entries({ screen, store }))
    console.log(
      `memory, ${name.padEnd(9)} ${Math.min(...rss).toFixed(0)} to ${Math.max(...rss).toFixed(0)} MB; ${growth(rss).toFixed(1)} MB more at the end than at the beginning, ${growth(rest).toFixed(1)} without the recording`,
    );
  const wrong = [
    ...(cost >= 3 ? ["3 % of a core or more"] : []),
    ...(growth(screen.rest) >= 10 ? ["10 MB or more"] : []),
  ];
  console.log(wrong.length === 0 ? "within the limits" : `OVER the limit: ${wrong.join(", ")}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  headless.kill();
  tmux("kill-server");
  rmSync(dir, { recursive: true, force: true });
}
