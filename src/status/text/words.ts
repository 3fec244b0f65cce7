// Numbers and times as people read them, the same words in log, conditions, explanations and screens. Pure.
import type { EpochMs } from "../../platform/clock.ts";

/** 1,234,567 */
export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/** `1 sample`, `3,500 samples` */
export const counted = (n: number, noun: string): string => `${count(n)} ${n === 1 ? noun : `${noun}s`}`;

/** At most five characters: 0, 7.3, 123, 1.2k, 12.3k, 999k, 4.5M. */
export function short(n: number): string {
  if (n < 9.95)
    return n === 0 || Number.isInteger(n) ? String(n) : n < 0.05 ? "<0.1" : n.toFixed(1).replace(/\.0$/, "");
  if (n < 999.5) return n.toFixed(0);
  for (const [unit, of] of units) {
    const scaled = n / of;
    if (scaled < 99.95) return `${scaled.toFixed(1).replace(/\.0$/, "")}${unit}`;
    if (scaled < 999.5) return `${scaled.toFixed(0)}${unit}`;
  }
  return ">999T";
}
const units = [
  ["k", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
] as const;

/** 532 B, 12.3 kB, 4.5 MB */
export const bytes = (n: number): string => (n < 1000 ? `${Math.round(n)} B` : short(n).replace(/([kMGT])$/, " $1B"));

/** The two largest units: 800ms, 4s, 3m12s, 2h05m, 4d07h. Never longer than seven characters up to 1,000 days. */
export function age(ms: number): string {
  if (ms < 0) return "0s";
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${pad(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${pad(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86_400)}d${pad(Math.floor(s / 3600) % 24)}h`;
}

/** A measured duration: 7 ms, 1.2 s, 3m12s. */
export const took = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s` : age(ms);

const pad = (n: number): string => String(n).padStart(2, "0");

/** The text with a full stop, if it has no end of its own: receivers' words seldom do. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** A receiver's words without their numbers: what differs in a port, a count or a time only says the same. */
export const gist = (text: string): string => text.replace(/\d+/g, "#");

/** A series that is dropped since another one becomes the same, with the remedy. */
export const collisionText = (lost: string, kept: string): string =>
  `The series ${lost} is dropped (name_collision): another one becomes ${kept} already. Rename one, or keep both with --name-escaping utf8 or values.`;

/** 2026-11-23T14:02:11Z */
export const instant = (at: EpochMs): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** 14:02:11Z */
export const clockTime = (at: EpochMs): string => instant(at).slice(11);
