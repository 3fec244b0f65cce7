// This host's own metrics, from /proc where it is, else from the runtime. Names as node_exporter has them; job="host".
import { readFileSync } from "node:fs";
import { cpus, freemem, hostname, loadavg, totalmem } from "node:os";
import type { Reading } from "./series.ts";

export function hostReadings(): Reading[] {
  const base = { job: "host", instance: hostname() };
  const readings: Reading[] = [];
  const add = (name: string, value: number, labels: Record<string, string> = {}) =>
    void readings.push({ labels: { __name__: name, ...base, ...labels }, value });
  for (const [i, load] of loadavg().entries()) add(["node_load1", "node_load5", "node_load15"][i]!, load);
  add("node_memory_MemTotal_bytes", totalmem());
  add("node_memory_MemFree_bytes", freemem());
  cpus().forEach(({ times }, cpu) => {
    for (const [mode, ms] of Object.entries(times))
      add("node_cpu_seconds_total", ms / 1000, { cpu: String(cpu), mode: mode === "sys" ? "system" : mode });
  });
  for (const line of lines("/proc/net/dev").slice(2)) {
    const [device, received, , , , , , , , sent] = line.trim().split(/[\s:]+/);
    if (device === undefined) continue;
    add("node_network_receive_bytes_total", Number(received), { device });
    add("node_network_transmit_bytes_total", Number(sent), { device });
  }
  for (const line of lines("/proc/diskstats")) {
    const [, , device, reads, , sectorsRead, , writes, , sectorsWritten] = line.trim().split(/\s+/);
    if (device === undefined || /^(loop|ram)/.test(device)) continue;
    add("node_disk_reads_completed_total", Number(reads), { device });
    add("node_disk_writes_completed_total", Number(writes), { device });
    add("node_disk_read_bytes_total", Number(sectorsRead) * 512, { device });
    add("node_disk_written_bytes_total", Number(sectorsWritten) * 512, { device });
  }
  return readings.filter((r) => Number.isFinite(r.value));
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return []; // not on this system
  }
}
