// The state of a running agent, once.
import type { Snapshot } from "../../status/snapshot.ts";
import { type Agent, ask, refusal } from "./address.ts";

/** Idle time of the body: a snapshot of many sinks is large, but comes at once. */
const SNAPSHOT_IDLE_MS = 10_000;
const MAX_SNAPSHOT = 256 * 1024 * 1024;

export async function snapshotOf(
  agent: Agent,
  signal?: AbortSignal,
): Promise<{ ok: true; snapshot: Snapshot } | { ok: false; why: string }> {
  const asked = await ask(agent, "GET", "/api/v1/snapshot", SNAPSHOT_IDLE_MS, signal);
  if (!asked.ok) return asked;
  if (asked.answer.status !== 200) return { ok: false, why: await refusal(asked.answer) };
  try {
    return { ok: true, snapshot: JSON.parse(await asked.answer.text(MAX_SNAPSHOT)) as Snapshot };
  } catch {
    return { ok: false, why: "the response is not a snapshot: is it outflow?" };
  }
}
