// A sink whose Ready turns again and again is neither ready nor not: it flaps, and that is what it reports until it is calm, so that an
// alert that waits five minutes fires. Pure.
import type { EpochMs } from "../platform/clock.ts";
import type { Condition, Steadiness } from "./snapshot.ts";

/** So many turns within the window are flapping; it ends when nothing has turned for CALM_MS. */
const WINDOW_MS = 300_000;
const TURNS = 6;
export const CALM_MS = 120_000;
const TURNS_KEPT = 100;

type Told = Pick<Condition, "status" | "reason">;

/** `told`: what the sink would report. A pause is a person's doing and no turn. */
export function steadied(before: Steadiness, { status, reason }: Told, at: EpochMs): Steadiness {
  if (before.status === status) return before.reason === reason ? before : { ...before, reason };
  const isTurn = status !== "Unknown" && before.status !== "Unknown" && ![reason, before.reason].includes("Paused");
  const turns = isTurn ? [...before.turns.filter((t) => at - t < WINDOW_MS), at].slice(-TURNS_KEPT) : before.turns;
  return { status, reason, turns };
}

/** How many turns in how many ms, while it flaps. */
export function flapping({ turns }: Steadiness, now: EpochMs): { turns: number; overMs: number } | undefined {
  const recent = turns.filter((t) => now - t < WINDOW_MS);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || recent.length < TURNS || now - last > CALM_MS) return undefined;
  return { turns: recent.length, overMs: now - first };
}
