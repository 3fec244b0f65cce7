// Actions on an agent in another process: POST requests to its admin server, where it allows them.

import { printable } from "../../platform/printable.ts";
import type { Actions, Outcome } from "../../status/actions.ts";
import { type Agent, ask } from "./address.ts";

export function remoteActions(agent: Agent): Actions {
  return {
    act: (sink, action) => post(agent, `/api/v1/sinks/${sink.split("/").map(encodeURIComponent).join("/")}/${action}`),
    reload: () => post(agent, "/-/reload"),
  };
}

async function post(agent: Agent, path: string): Promise<Outcome> {
  const asked = await ask(agent, "POST", path, 10_000);
  if (!asked.ok) return { ok: false, message: `Not done: ${asked.why}.` };
  const { status } = asked.answer;
  const said = messageOf(await asked.answer.text(10_000));
  return { ok: status >= 200 && status < 300, message: said === "" ? `The agent responded with ${status}.` : said };
}

/** The message of a JSON answer, or its text. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return printable(message, 500);
  } catch {
    // plain text
  }
  return printable(body.trim(), 500);
}
