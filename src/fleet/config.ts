// What all agents of a fleet have in common, as the register has it: the number of shards. Whoever comes first writes it.
import { CONFIG_KEY, type Entry } from "./register.ts";
import { parseConfig } from "./values.ts";

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
