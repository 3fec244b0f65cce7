// The agent's own actions: what is asked becomes a call of the supervisor, what came of it a sentence. Screen and admin API use it.
import type { LoadResult } from "../../policy/policy.ts";
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
  /** What was loaded; undefined: it follows. */
  reload: () => LoadResult | undefined,
  act: (sink: string, action: SinkAction) => boolean,
): Actions {
  return {
    async act(sink, action) {
      if (!act(sink, action)) return { ok: false, message: `${sink}: no such sink runs.` };
      return { ok: true, message: `${sink} ${done[action]}` };
    },
    async reload() {
      const { policies, problems } = reload() ?? store.snapshot;
      const bad = problems.filter((p) => p.severity === "problem").length;
      if (bad > 0)
        return {
          ok: false,
          message: `${counted(bad, "problem")} in the policies; the last good version keeps running.`,
        };
      return { ok: true, message: `Loaded ${policies.length === 1 ? "1 policy" : `${policies.length} policies`}.` };
    },
  };
}
