// What covering the secrets in one answer takes, for texts and secrets that are made to be hard: the most CPU time, in ms, that one call holds the
// event loop for. Exits 1 where one takes over 50 ms.   bun bench/redact.ts
import { redactor } from "../src/platform/redact.ts";

const MOST_MS = 50;
const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
const random = (n: number, alphabet: string, seed: number): string => {
  let x = seed;
  let text = "";
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    text += alphabet[x % alphabet.length];
  }
  return text;
};
const LENGTH = 4_096;
const filled = (piece: string): string => piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH);

const secrets: Record<string, string[]> = {
  "eight of sixty backslashes": Array.from({ length: 8 }, (_, i) => "\\".repeat(60 - i)),
  "one of 64 KiB, a single letter": ["a".repeat(65_536)],
  "a hundred of 4 KiB": Array.from({ length: 100 }, (_, i) => random(4_096, "ab\\%&", i + 1)),
  "a thousand short ones": Array.from({ length: 1_000 }, (_, i) => random(12, "abcdefgh", i + 1)),
  "a usual password": ["correct horse battery staple"],
};
const texts: Record<string, string> = {
  "4,096 backslashes": "\\".repeat(4_096),
  "a letter": filled("a"),
  "percent signs of percent signs": filled("%25"),
  "every escape inside every other": filled("%5c\\x26&#37;&amp;#92;\\u0025"),
  "escapes at random": random(LENGTH, "\\%&#;xu0123456789abcdef", 7),
  "three bytes a character": filled("漢\\字"),
};

let slow = false;
for (const [whose, values] of Object.entries(secrets)) {
  const began = cpuMs();
  const cover = redactor(values);
  const made = cpuMs() - began;
  if (made > MOST_MS) slow = true;
  console.log(`${whose}: made in ${made.toFixed(1)} ms`);
  for (const [what, text] of Object.entries(texts)) {
    let longest = 0;
    for (let round = 0; round < 20; round++) {
      const start = cpuMs();
      cover(text, true);
      longest = Math.max(longest, cpuMs() - start);
    }
    if (longest > MOST_MS) slow = true;
    console.log(`  ${what.padEnd(34)} ${longest.toFixed(1).padStart(6)} ms`);
  }
}
process.exit(slow ? 1 : 0);
