// Preloaded beside an agent: the longest time that its event loop was held since the file was last removed, ms, written to $LOOP_PROBE.
import { existsSync, writeFileSync } from "node:fs";

const file = process.env.LOOP_PROBE;
const EVERY_MS = 5;
let last = performance.now();
let longest = 0;
if (file !== undefined)
  setInterval(() => {
    const now = performance.now();
    const held = now - last - EVERY_MS;
    last = now;
    if (!existsSync(file)) longest = 0;
    else if (held <= longest) return;
    longest = Math.max(longest, held);
    writeFileSync(file, longest.toFixed(1));
    last = performance.now();
  }, EVERY_MS).unref();
