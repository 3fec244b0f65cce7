// What each GET of the admin API answers, from the snapshot alone. Pure.
import type { Snapshot } from "../status/snapshot.ts";
import { statusList } from "./statuslist.ts";

export type Page = {
  status: number;
  type: string;
  body: string | Uint8Array;
  /** Ask for a token. */
  challenge?: boolean;
  /** The body is compressed; false: it could have been. */
  gzip?: boolean;
  /** Beside those that every response has. */
  headers?: Readonly<Record<string, string>>;
};

export const page = (status: number, text: string): Page => ({
  status,
  type: "text/plain; charset=utf-8",
  body: `${text}\n`,
});

const json = (value: unknown): Page => ({ status: 200, type: "application/json", body: `${JSON.stringify(value)}\n` });

export function pageOf(path: string, snapshot: Snapshot): Page {
  switch (path) {
    case "/api/v1/status":
      return json(statusList(snapshot));
    case "/api/v1/snapshot":
      return json(snapshot);
    default:
      return page(
        404,
        "not found; available: /, /healthz, /readyz, /metrics, /api/v1/status, /api/v1/snapshot, /api/v1/events, POST /-/reload and POST /api/v1/sinks/{namespace}/{policy}/{sink}/pause, resume and retry",
      );
  }
}
