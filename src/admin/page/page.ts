// The web page of the admin port: which requests are for it, what they get, and the changes that keep it up to date. One view is shared
// by all who look, and is at most renewed once a second.

import type { ServerResponse } from "node:http";
import { breathe } from "../../platform/breathe.ts";
import { sinkOf } from "../../status/sinks.ts";
import type { Snapshot } from "../../status/snapshot.ts";
import { EventStream } from "../eventstream.ts";
import type { Page } from "../pages.ts";
import { type Change, changeOf } from "./change.ts";
import { detailPage, unknownSink } from "./detail.ts";
import { asset, htmlPage, tokenPage } from "./layout.ts";
import { listPage } from "./list.ts";
import script from "./page.browser.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import { type View, viewOf } from "./view.ts";

const CHANGES_MS = 2_000;
const RENEW_MS = 1_000;
/** Changes for those who come back; whoever needs older ones takes the page again. */
const CHANGES_KEPT = 16;

/** What is open to everybody who may ask at all: neither holds anything of the agent. */
const assets: Readonly<Record<string, Page>> = {
  "/page.css": asset("text/css", style),
  "/page.js": asset("text/javascript", script),
};

export class WebPage {
  readonly #snapshot: () => Snapshot;
  readonly #stream: EventStream<Change, object>;
  /** While somebody follows the changes. */
  #timer: ReturnType<typeof setInterval> | undefined;
  #view: View | undefined;
  #renewing: Promise<View> | undefined;
  #list: { of: View; page: Promise<Page> } | undefined;

  /** `before`: as the event stream's; ids of changes only grow, also across restarts. */
  constructor(snapshot: () => Snapshot, before: number) {
    this.#snapshot = snapshot;
    this.#stream = new EventStream(before, CHANGES_KEPT);
  }

  /** Undefined: the request is not for the page. `mayRead`: it has the token, or none is needed. */
  async answer(path: string, query: URLSearchParams, mayRead: boolean): Promise<Page | undefined> {
    if (path in assets) return assets[path];
    if (path !== "/") return undefined;
    if (!mayRead) return tokenPage();
    const view = await this.#renewed();
    const { seq } = this.#stream;
    const id = query.get("sink");
    if (id === null) {
      if (this.#list?.of !== view)
        this.#list = { of: view, page: listPage(view, seq, breathe).then((content) => htmlPage(200, content)) };
      return this.#list.page;
    }
    const snapshot = this.#snapshot();
    const sink = sinkOf(snapshot, id);
    return sink === undefined ? htmlPage(404, unknownSink(id, seq)) : htmlPage(200, detailPage(sink, snapshot, seq));
  }

  /** Changes from `lastEventId` on; whoever has missed some is told to take the page again. False: there are too many readers. */
  async follow(response: ServerResponse, lastEventId: string | undefined): Promise<boolean> {
    await this.#renewed();
    if (!this.#stream.add(response, lastEventId, AGAIN)) return false;
    this.#timer ??= setInterval(() => {
      if (this.#stream.readers > 0) return void this.#renewed();
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, CHANGES_MS);
    this.#timer.unref();
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream.close();
  }

  /** The view, not older than a second. Its number is the stream's: what follows are the changes since. */
  #renewed(): Promise<View> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<View> {
    const before = this.#view;
    const snapshot = this.#snapshot();
    if (before !== undefined && snapshot.at >= before.at && snapshot.at - before.at < RENEW_MS) return before;
    const after = await viewOf(snapshot, breathe);
    const change = before === undefined ? undefined : changeOf(before, after);
    if (change !== undefined) this.#stream.append(change);
    this.#view = after;
    return after;
  }
}

/** The snapshot of the stream: the page itself is. */
const AGAIN = {};
