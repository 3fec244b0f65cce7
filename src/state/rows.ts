// Rows of the state database are outside data: a disk, a hand or a bug may have changed them. Each is read here, or is refused with
// what is wrong about it. Pure.
import { Buffer } from "node:buffer";
import type { EpochMs } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Seed } from "../platform/random.ts";
import type { Condition } from "../status/condition.ts";
import type { Attempted } from "./attempted.ts";
import type { SavedBlob } from "./saved-memory.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Read<T> = { ok: true; value: T } | { ok: false; why: string };

/** The last time that a Date can hold. */
const LAST_MS = 8_640_000_000_000_000;
const LAST_GENERATION = 2 ** 31;
const MAX_CONDITIONS = 10;
const MAX_TEXT = 10_000;

/** `memory`: the number of its row, if it has one. */
export function readCursor(row: Row): Read<{ cursor: EpochMs; memory: number | undefined }> {
  const cursor = whole(row.cursor_ms, LAST_MS);
  if (cursor === undefined) return refused("cursor_ms", row.cursor_ms);
  const memory = row.memory === null ? undefined : whole(row.memory, Number.MAX_SAFE_INTEGER);
  if (row.memory !== null && memory === undefined) return refused("memory", row.memory);
  return { ok: true, value: { cursor, memory } };
}

/** JSON as Attempts makes it. No time: everything up to the source's now may have been sent. */
export function readAttempted(row: Row): Read<Attempted> {
  try {
    const { to, windows } = JSON.parse(String(row.attempted)) as Record<string, unknown>;
    const end = to === null ? Number.POSITIVE_INFINITY : whole(to, LAST_MS);
    const list = Array.isArray(windows) && windows.length <= MAX_WINDOWS ? windows.map(attemptedWindow) : [undefined];
    if (end !== undefined && list.every((w) => w !== undefined)) return { ok: true, value: { to: end, windows: list } };
  } catch {
    // not JSON
  }
  return refused("attempted", row.attempted);
}

const MAX_WINDOWS = 10_000;

function attemptedWindow(value: unknown): Attempted["windows"][number] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { from, to, samples, series, maxSize, together } = value as Record<string, unknown>;
  const numbers = [from, to, samples, series, maxSize].map((n) =>
    Number.isSafeInteger(n) ? (n as number) : undefined,
  );
  const [a, b, c, d, e] = numbers;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined) return undefined;
  return typeof together === "boolean" ? { from: a, to: b, samples: c, series: d, maxSize: e, together } : undefined;
}

export function readGeneration(row: Row): Read<{ specHash: string; generation: number }> {
  const generation = whole(row.generation, LAST_GENERATION);
  if (generation === undefined || generation === 0) return refused("generation", row.generation);
  if (typeof row.spec_hash !== "string") return refused("spec_hash", row.spec_hash);
  return { ok: true, value: { specHash: row.spec_hash, generation } };
}

export function readConditions(row: Row): Read<Condition[]> {
  if (typeof row.conditions !== "string") return refused("conditions", row.conditions);
  let list: unknown;
  try {
    list = JSON.parse(row.conditions);
  } catch {
    return refused("conditions", row.conditions);
  }
  if (!Array.isArray(list) || list.length > MAX_CONDITIONS) return refused("conditions", row.conditions);
  const conditions = list.map(conditionOf);
  return conditions.every((c) => c !== undefined)
    ? { ok: true, value: conditions }
    : refused("conditions", row.conditions);
}

export function readSeed(row: Row): Read<Seed> {
  try {
    const list: unknown = JSON.parse(String(row.value));
    const numbers = Array.isArray(list) && list.length === 2 ? list.map((n) => whole(n, 0xffffffff)) : [];
    const [a, b] = numbers;
    if (a !== undefined && b !== undefined) return { ok: true, value: [a, b] };
  } catch {
    // not JSON
  }
  // What is not a seed may be a part of one: it is not quoted.
  return { ok: false, why: "it is not two numbers of 32 bits" };
}

/** `policy default/edge` → file. */
export function readDefinitions(row: Row): Read<Map<string, string>> {
  let list: unknown;
  try {
    list = JSON.parse(String(row.value));
  } catch {
    return refused("value", row.value);
  }
  const isPair = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === "string");
  return Array.isArray(list) && list.every(isPair) ? { ok: true, value: new Map(list) } : refused("value", row.value);
}

function conditionOf(value: unknown): Condition | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, status, reason, message, lastTransitionTime, observedGeneration } = value as Record<string, unknown>;
  if (type !== "Accepted" && type !== "Ready") return undefined;
  if (status !== "True" && status !== "False" && status !== "Unknown") return undefined;
  if (typeof reason !== "string" || !/^[A-Za-z]{1,100}$/.test(reason)) return undefined;
  if (typeof message !== "string") return undefined;
  const since = whole(lastTransitionTime, LAST_MS);
  const generation = whole(observedGeneration, LAST_GENERATION);
  if (since === undefined || generation === undefined) return undefined;
  return {
    type,
    status,
    reason,
    message: printable(message, MAX_TEXT),
    lastTransitionTime: since,
    observedGeneration: generation,
  };
}

/** A memory as one: its pieces, then what lasts. */
export function concatenated({ pieces, lasting }: SavedBlob): Uint8Array {
  return joined([...Array.from(pieces, (piece) => piece.slice()), ...lasting.map((part) => part.bytes().slice())]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.concat(parts);
  return new Uint8Array(buffer, byteOffset, length);
}

/** Numbers of rows, as JSON. */
export function readNumbers(text: unknown): number[] | undefined {
  try {
    const list: unknown = JSON.parse(String(text));
    return Array.isArray(list) && list.every((n) => Number.isSafeInteger(n)) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** From 0 to `most`; SQLite gives integers as bigint where it is asked to, since they may be larger than a number can be. */
export function whole(value: unknown, most: number): number | undefined {
  if (typeof value !== "bigint" && typeof value !== "number") return undefined;
  const n = Number(value);
  return n >= 0 && n <= most ? Math.round(n) : undefined;
}

const refused = (column: string, value: unknown): { ok: false; why: string } => ({
  ok: false,
  why: `${column} is ${printable(typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? "missing"), 80)}`,
});
