// The agent's own actions: what is asked becomes a call of the supervisor, what came of it a sentence. Screen and admin API use it.
import type { Actions, SinkAction } from "../../status/actions.ts";
import type { StatusStore } from "../../status/store.ts";
import { counted } from "../../status/text/words.ts";

const done: Readonly<Record<SinkAction, string>> = {
  pause: "is paused: it reads and sends nothing until it is resumed.",
  resume: "is resumed and continues where it stopped.",
  retry: "is retried now.",
};

export function agentActions(
  store: StatusStore,
  /** How many policies were loaded; undefined: they follow. */
  reload: () => number | undefined,
  act: (sink: string, action: SinkAction) => boolean,
): Actions {
  return {
    async act(sink, action) {
      if (!act(sink, action)) return { ok: false, message: `${sink}: no such sink runs.` };
      return { ok: true, message: `${sink} ${done[action]}` };
    },
    async reload() {
      const loaded = reload();
      const { policies, problems } = store.snapshot;
      const bad = problems.filter((p) => p.severity === "problem").length;
      if (bad > 0)
        return {
          ok: false,
          message: `${counted(bad, "problem")} in the policies; the last good version keeps running.`,
        };
      const n = loaded ?? policies.length;
      return { ok: true, message: `Loaded ${n === 1 ? "1 policy" : `${n} policies`}.` };
    },
  };
}
