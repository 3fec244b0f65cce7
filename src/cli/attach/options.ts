// What every command that talks to a running agent takes: its address and its token.
import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import { StartError } from "../agent/start-error.ts";

export const DEFAULT_URL = "http://127.0.0.1:9469";

export function address(text: string): string {
  const url = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new InvalidArgumentError(`"${text}" is not a valid address; write for example http://127.0.0.1:9469.`);
  return url.replace(/\/+$/, "");
}

/** One way to name an agent for every command. OUTFLOW_STATUS_URL is the variable's former name. */
export const urlOption = (env: Readonly<Record<string, string | undefined>> = process.env): Option =>
  new Option("--url <url>", "the agent's --listen address")
    .argParser(address)
    .default(DEFAULT_URL)
    .env(env.OUTFLOW_URL === undefined && env.OUTFLOW_STATUS_URL !== undefined ? "OUTFLOW_STATUS_URL" : "OUTFLOW_URL");

export const tokenOption = (): Option =>
  new Option("--token-file <file>", "bearer token for the agent").env("OUTFLOW_TOKEN_FILE");

export function tokenIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new StartError(
      `cannot read --token-file ${file} (${(error as { code?: string }).code ?? "unknown reason"}).`,
    );
  }
}
