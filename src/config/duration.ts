// Durations in Go's syntax, as policies and flags write them: 500ms, 1m30s, 1.5h, 300us.

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds, or undefined if `text` is not a valid duration. A sign is refused: no setting may be negative. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (text === "") return undefined;
  let ms = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (match === null) return undefined;
    ms += Number(match[1]) * UNIT_MS[match[2]!]!;
  }
  return ms;
}

/** The shortest plain form: 90000 is 1m30s. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${round(ms)}ms`;
  let text = "";
  let left = ms;
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const) {
    const n = Math.floor(left / size);
    if (n > 0) text += `${n}${unit}`;
    left -= n * size;
  }
  return left > 0 || text === "" ? `${text}${round(left / 1000)}s` : text;
}

const round = (n: number): number => Math.round(n * 1000) / 1000;
