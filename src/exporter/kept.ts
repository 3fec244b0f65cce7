// What an exporter keeps across restarts, in the state store: of each source the cursor, what was taken, and what was attempted.
import type { Memory } from "../reading/memory/memory.ts";
import type { Query } from "../reading/reader.ts";
import { LOOKBACK_MS } from "../source/stale-markers.ts";
import { LOOK_BACK } from "../source/window.ts";
import type { CursorKey, StateStore } from "../state/store.ts";
import type { ExporterPorts } from "./ports.ts";

export type KeptPorts = {
  store: StateStore;
  newMemory(query: Query, blob: Uint8Array | undefined, floor: number): Memory;
};

/** `queryOf`: of the plan of the moment, since sources come and go while a sink runs. `gaveBack`: its last exporter gave something back. */
export function kept(
  { store, newMemory }: KeptPorts,
  sink: { policy: string; sink: string },
  queryOf: (source: string) => Query | undefined,
  gaveBack: boolean,
): Pick<ExporterPorts, "saved" | "save" | "saveAttempted"> {
  const key = (source: string): CursorKey => ({ ...sink, source });
  const since = (source: string, cursor: number) => cursor - LOOK_BACK * (queryOf(source)?.lateWindowMs ?? 0);
  return {
    saved(source) {
      const saved = store.cursor(key(source));
      const query = queryOf(source);
      if (saved === undefined || query === undefined) return undefined;
      const attempted = store.attempted(key(source));
      const floor = saved.memory === undefined ? saved.cursor : since(source, saved.cursor);
      return {
        cursor: saved.cursor,
        memory: newMemory(query, saved.memory, floor),
        unclean: gaveBack || !store.closedCleanly || saved.unclean === true,
        ...(attempted === undefined ? {} : { attempted }),
      };
    },
    save(source, cursor, memory) {
      const blob = () => memory!.blob(Math.min(since(source, cursor), cursor - LOOKBACK_MS));
      store.saveCursor(key(source), cursor, memory && { of: memory, blob });
    },
    saveAttempted: (source, attempted) => store.saveAttempted(key(source), attempted),
  };
}
