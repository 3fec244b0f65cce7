// Preloaded beside an agent: the longest time that its event loop was held between two ticks of a timer since the file was last removed,
// written to $LOOP_PROBE as "CPU ms, elapsed ms". The first is the processor time of the thread: what else runs on the machine does not count.
import { closeSync, existsSync, openSync, readSync, writeFileSync } from "node:fs";

const file = process.env.LOOP_PROBE;
const EVERY_MS = 5;
const bytes = Buffer.alloc(128);

/** Of the main thread, ms. */
function cpuMs(): number {
  const fd = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const length = readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  return Number.parseInt(bytes.toString("latin1", 0, length), 10) / 1e6;
}

if (file !== undefined) {
  let [lastCpu, last] = [cpuMs(), performance.now()];
  let [cpu, elapsed] = [0, 0];
  setInterval(() => {
    const [nowCpu, now] = [cpuMs(), performance.now()];
    const held = [nowCpu - lastCpu, now - last - EVERY_MS] as const;
    [lastCpu, last] = [nowCpu, now];
    if (!existsSync(file)) [cpu, elapsed] = [0, 0];
    else if (held[0] <= cpu && held[1] <= elapsed) return;
    [cpu, elapsed] = [Math.max(cpu, held[0]), Math.max(elapsed, held[1])];
    writeFileSync(file, `${cpu.toFixed(1)} ms of CPU (${elapsed.toFixed(1)} ms elapsed)`);
    [lastCpu, last] = [cpuMs(), performance.now()];
  }, EVERY_MS).unref();
}
