// CPU seconds and memory of a process, from /proc.
import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second: 100 on every Linux that Debian builds. */
const HZ = 100;

/** User + system seconds so far. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / HZ;
}

const statusMiB = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) /
  1024;

export const peakRss = (pid: number): number => statusMiB(pid, "VmHWM");
export const rss = (pid: number): number => statusMiB(pid, "VmRSS");

/** Resident MiB: all of it, what is the process' own, and pages of files (the program above all), which processes may share. */
export const memory = (pid: number) => ({
  rss: rss(pid),
  own: statusMiB(pid, "RssAnon"),
  files: statusMiB(pid, "RssFile"),
});

/** CPU seconds of each thread so far, by its number, to the nanosecond. */
export function threadSeconds(pid: number): Map<string, { name: string; seconds: number }> {
  const threads = new Map<string, { name: string; seconds: number }>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const of = (file: string) => readFileSync(`/proc/${pid}/task/${tid}/${file}`, "latin1");
      threads.set(tid, { name: of("comm").trim(), seconds: Number(of("schedstat").split(" ")[0]) / 1e9 });
    } catch {
      // it has just ended
    }
  }
  return threads;
}
