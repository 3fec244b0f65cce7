// A real admin server over a real store: events are told to it as the rooms of the agent would.
import assert from "node:assert/strict";
import { type AdminOptions, createAdmin } from "../../src/admin/server.ts";
import type { Event } from "../../src/status/events.ts";
import { StatusStore } from "../../src/status/store.ts";
import { START, sinkInfo } from "../status/scenes.ts";

export const ID = "default/edge/cloud";

type Untimed<E = Event> = E extends Event ? Omit<E, "at"> : never;

class WatchedStore extends StatusStore {
  looks = 0;
  override get snapshot() {
    this.looks++;
    return super.snapshot;
  }
}

export class Served {
  readonly store = new WatchedStore();
  readonly acts: string[] = [];
  url = "";
  now = START;
  #close = async () => {};

  event(event: Untimed): this {
    this.store.dispatch({ ...event, at: this.now } as Event);
    return this;
  }

  load(sinks: readonly string[] = [ID]): this {
    this.event({ type: "agent-started", version: "0.1.0", sourceUrl: "http://vm:8428/", stateDir: "/s", listen: "x" });
    this.event({
      type: "policies-loaded",
      policies: [{ id: "default/edge", generation: 1, file: "edge.yaml", sinks: [...sinks] }],
      problems: [],
      files: 1,
      ok: true,
    });
    for (const id of sinks) this.event({ type: "sink-started", sink: sinkInfo(id) });
    return this.event({ type: "source-answered", kind: "victoriametrics", clockDifferenceMs: 300 });
  }

  async start(options: Partial<AdminOptions> = {}): Promise<this> {
    const admin = await createAdmin({
      listen: "127.0.0.1:0",
      store: this.store,
      host: "edge-7",
      allowActions: true,
      eventsFrom: 1_000,
      actions: {
        act: async (sink, action) => {
          this.acts.push(`${action} ${sink}`);
          return sink === ID
            ? { ok: true, message: `${sink} done.` }
            : { ok: false, message: `${sink}: no such sink runs.` };
        },
        reload: async () => ({ ok: true, message: "Loaded 1 policy." }),
      },
      ...options,
    });
    assert.ok(admin.ok, JSON.stringify(admin));
    this.url = `http://${admin.address}`;
    this.#close = admin.close;
    return this;
  }

  /** Waits until the state was looked at `times` more. */
  async looked(times: number): Promise<void> {
    const until = this.store.looks + times;
    const end = performance.now() + 30_000;
    while (this.store.looks < until) {
      assert.ok(performance.now() < end, "nobody looks");
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  stop(): Promise<void> {
    return this.#close();
  }
}
