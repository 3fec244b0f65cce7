// What all agents of a fleet have in common, as the register has it: the number of shards. Whoever comes first writes it.
import type { Clock } from "../platform/clock.ts";
import type { Call } from "./calls.ts";
import { firstEpoch } from "./picture.ts";
import { CONFIG_KEY, type Entry, type Register, shardKey } from "./register.ts";
import { parseConfig, type Shard } from "./values.ts";

/** This agent does not fit the fleet: the message says what to change. */
export class FleetError extends Error {}

/** Throws FleetError where the fleet has another number of shards. */
export function checkFit({ value }: Entry, shards: number): void {
  const config = parseConfig(value);
  if (config === undefined)
    throw new FleetError(`the register's entry ${CONFIG_KEY} is damaged; stop all agents of the fleet and remove it`);
  if (config.shards !== shards)
    throw new FleetError(
      `this fleet has ${config.shards} shards and --shards is ${shards}; start with --shards ${config.shards}`,
    );
}

type Agreeing = {
  clock: Clock;
  register: Register;
  call: Call;
  shards: number;
  /** Between two attempts. */
  pauseMs: number;
  /** The register does not respond: called at each attempt. */
  waiting(problem: string): void;
};

/** Waits until the register has the number of shards, and the free shards, or writes them. Throws FleetError where it has another one. */
export async function agree(ports: Agreeing, signal: AbortSignal): Promise<void> {
  const { clock, register, call, shards } = ports;
  while (!signal.aborted) {
    const read = await call((s) => register.get(CONFIG_KEY, s));
    if (read.ok && read.value !== undefined) return checkFit(read.value, shards);
    if (read.ok) {
      const made = await call((s) => register.create(CONFIG_KEY, JSON.stringify({ shards }), s));
      if (made.ok) await createShards(ports);
      if (made.ok || made.why === "conflict") continue;
      ports.waiting(made.message);
    } else ports.waiting(read.message);
    await clock.sleep(ports.pauseMs, signal);
  }
}

const AT_ONCE = 16;

/** One that cannot be created is taken when it has been missing for a TTL. */
async function createShards({ clock, register, call, shards }: Agreeing): Promise<void> {
  const free: Shard = {
    holder: "",
    epoch: firstEpoch(clock.now()),
    since: Math.round(clock.now()),
    cursors: {},
    sinks: {},
  };
  const create = (shard: number) => call((s) => register.create(shardKey(shard), JSON.stringify(free), s));
  for (let first = 0; first < shards; first += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, shards - first) }, (_, i) => create(first + i)));
}
