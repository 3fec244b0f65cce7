// Builds the WebAssembly module from assembly/ into generated/bytes.ts: `bun src/hotpath/build.ts`, which every script that needs it runs
// first. Does nothing while the sources are the same. The result is in git, since the demo runs without the compiler.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const sources = join(import.meta.dirname, "assembly");
const generated = join(import.meta.dirname, "generated");
const target = join(generated, "bytes.ts");

const hash = createHash("sha256");
for (const file of [
  ...readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted(),
  import.meta.filename,
])
  hash.update(readFileSync(file));
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
hash.update(devDependencies.assemblyscript);
const stamp = `// ${hash.digest("hex")}\n`;

if (!existsSync(target) || !readFileSync(target, "utf8").startsWith(stamp)) {
  mkdirSync(generated, { recursive: true });
  writeFileSync(join(generated, "powers.ts"), powersOfFive());
  const wasm = join(generated, `module-${process.pid}.wasm`);
  execFileSync(
    process.execPath,
    [join(root, "node_modules/assemblyscript/bin/asc.js"), join(sources, "index.ts")].concat(
      ["--outFile", wasm, "--runtime", "minimal", "-O3", "--noAssert"],
      ["--enable", "simd", "--enable", "bulk-memory"],
    ),
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  const base64 = readFileSync(wasm).toString("base64");
  // In one step: two scripts may build at a time.
  const fresh = `${target}.${process.pid}`;
  writeFileSync(fresh, `${stamp}export default "${base64}";\n`);
  renameSync(fresh, target);
  rmSync(wasm);
}

/** 5^-342 to 5^308 as 128 bits, the highest of them set: high half, low half (Eisel and Lemire). */
function powersOfFive(): string {
  const bits = (n: bigint): bigint => BigInt(n.toString(2).length);
  const words: string[] = [];
  for (let q = -342; q <= 308; q++) {
    const power = 5n ** BigInt(Math.abs(q));
    let c: bigint;
    if (q >= 0) {
      const shift = 128n - bits(power);
      c = shift >= 0n ? power << shift : power >> -shift;
    } else {
      // The least z with 2^z >= power.
      const z = bits(power - 1n);
      c = (1n << (q >= -27 ? z + 127n : 2n * z + 128n)) / power + 1n;
      while (c >= 1n << 128n) c >>= 1n;
    }
    words.push(`0x${(c >> 64n).toString(16)}`, `0x${(c & 0xffffffffffffffffn).toString(16)}`);
  }
  return `export const POWERS_OF_FIVE = memory.data<u64>([${words.join(", ")}]);\n`;
}
