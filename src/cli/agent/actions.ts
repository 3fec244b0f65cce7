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
  reload: () => void,
  act: (sink: string, action: SinkAction) => boolean,
): Actions {
  return {
    async act(sink, action) {
      if (!act(sink, action)) return { ok: false, message: `${sink}: no such sink runs.` };
      return { ok: true, message: `${sink} ${done[action]}` };
    },
    async reload() {
      reload();
      const { reloads, policies, problems } = store.snapshot;
      if (reloads.lastOk)
        return { ok: true, message: `Loaded ${policies.length === 1 ? "1 policy" : `${policies.length} policies`}.` };
      const n = problems.filter((p) => p.severity === "problem").length;
      return { ok: false, message: `${counted(n, "problem")} in the policies; the last good version keeps running.` };
    },
  };
}
