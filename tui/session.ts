// One person at one screen: keys, clicks and commands come in, the ui state changes, and what goes beyond the screen (an action that
// was said yes to, a moment of the recording, a file to save, the end) is done through ports. No terminal and no React here.
import type { Clock, EpochMs } from "../src/platform/clock.ts";
import type { Actions } from "../src/status/actions.ts";
import type { Event } from "../src/status/events.ts";
import type { Link } from "../src/status/link.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { clockTime, counted, instant } from "../src/status/text/words.ts";
import { parsed } from "./input/command.ts";
import { copied } from "./input/copied.ts";
import type { Intent } from "./input/intents.ts";
import { intentOf } from "./input/keys.ts";
import { ownCommand } from "./input/own-keys.ts";
import { uiReduce } from "./input/ui-reduce.ts";
import { initialUi, type UiState } from "./input/ui-state.ts";

export type Store = {
  readonly snapshot: Snapshot;
  /** `event`: what made the new snapshot; absent where it was replaced, or only time has passed. */
  subscribe(changed: (event?: Event) => void): () => void;
  /** How the agent is reached, where it is another process. */
  readonly link?: Link;
};

export type Moment = { snapshot: Snapshot; at: EpochMs; from: EpochMs; to: EpochMs };

/** What was recorded; times before it give its first moment. */
export type Past = {
  at(time: EpochMs): Promise<Moment | undefined>;
  /** Back in the present: what made the next step quick can go. */
  forget(): void;
};

export type SessionPorts = {
  store: Store;
  clock: Clock;
  past: Past;
  /** What may be done to the agent; else a sentence why not. Asked each time. */
  actions(): Actions | string;
  /** Writes the incident file; resolves to where. */
  save(name: string, privacy: boolean): Promise<string>;
  /** To the terminal's clipboard; whether it arrives nobody says. */
  copy(text: string): void;
  /** Keeps what was chosen for the next session. */
  keep(ui: UiState): Promise<void>;
  quit(leaveFrame: boolean): void;
};

/** A moment that takes longer than this to be found is said to be looked up. */
const SLOW_MS = 400;

export class Session {
  ui: UiState;
  readonly #ports: SessionPorts;
  readonly #changed = new Set<() => void>();
  /** The moment that is wanted while another is being looked up. */
  #wanted: EpochMs | undefined;
  #travelling = false;

  constructor(ports: SessionPorts, ui: UiState = initialUi) {
    this.#ports = ports;
    this.ui = ui;
  }

  subscribe(changed: () => void): () => void {
    this.#changed.add(changed);
    return () => this.#changed.delete(changed);
  }

  /** @param page lines that fit in the part that scrolls */
  press(key: string, page: number): void {
    const { ui } = this;
    const own = ownCommand(key, ui);
    if (own !== undefined) return this.#command(own, page);
    const intent = intentOf(key, ui);
    if (intent === undefined) return;
    this.do(intent, page);
    if (intent.type === "entered" && ui.typing === "command" && ui.command.trim() !== "")
      this.#command(ui.command, page);
  }

  #command(text: string, page: number): void {
    const { store, clock } = this.#ports;
    const command = parsed(text, this.ui.frozen?.snapshot ?? store.snapshot, clock.now());
    if (command.wrong === undefined) this.do(command.intent, page);
    else this.#told(`${command.wrong}.`, false, page);
  }

  do(intent: Intent, page: number): void {
    const { ui } = this;
    const { store, actions, quit, clock } = this.#ports;
    if (intent.type === "ask") {
      const allowed = actions();
      if (typeof allowed === "string") return this.#told(allowed, false, page);
    }
    const after = uiReduce(ui, intent, store.snapshot, clock.now(), page);
    this.#set(after.hint && intent.type !== "told" ? { ...after, hint: false } : after);
    if (intent.type === "travel") this.#travel(intent, page);
    if (intent.type === "yes" && ui.asking !== undefined) void this.#act(ui.asking, page);
    if (intent.type === "save") void this.#save(page);
    if (intent.type === "copy") this.#copy(page);
    if (isKept(ui, this.ui)) void this.#keep(page);
    if (intent.type === "quit" && ui.quitting === undefined) quit(intent.leaveFrame);
  }

  /** How it looks has changed, not what it shows. */
  redraw(): void {
    for (const changed of this.#changed) changed();
  }

  #set(ui: UiState): void {
    if (ui === this.ui) return;
    this.ui = ui;
    this.redraw();
  }

  #told(text: string, ok: boolean, page: number): void {
    const { store, clock } = this.#ports;
    this.#set(uiReduce(this.ui, { type: "told", text, ok }, store.snapshot, clock.now(), page));
  }

  async #act({ action, sinks }: NonNullable<UiState["asking"]>, page: number): Promise<void> {
    const actions = this.#ports.actions();
    if (typeof actions === "string") return this.#told(actions, false, page);
    try {
      if (action === "reload") {
        const { ok, message } = await actions.reload();
        return this.#told(message, ok, page);
      }
      const outcomes = [];
      for (const sink of sinks) outcomes.push(await actions.act(sink, action));
      const bad = outcomes.find((o) => !o.ok);
      const [first] = outcomes;
      if (outcomes.length === 1 && first !== undefined) return this.#told(first.message, first.ok, page);
      const verb = { pause: "paused", resume: "resumed", retry: "retried" }[action];
      const done = outcomes.filter((o) => o.ok).length;
      if (bad === undefined) this.#told(`${counted(done, "sink")} ${verb}.`, true, page);
      else this.#told(`${done} of ${counted(outcomes.length, "sink")} ${verb}. ${bad.message}`, false, page);
    } catch (error) {
      this.#told(`The action failed: ${(error as Error).message}`, false, page);
    }
  }

  /** Looked up one after the other; of several that are wanted meanwhile only the last one. */
  #travel({ byMs, toMs }: Extract<Intent, { type: "travel" }>, page: number): void {
    if (byMs === undefined && toMs === undefined) {
      this.#wanted = undefined;
      return this.#ports.past.forget();
    }
    const now = this.#ports.clock.now();
    const from = this.#wanted ?? this.ui.frozen?.at ?? now;
    this.#wanted = toMs ?? from + (byMs ?? 0);
    if (!this.#travelling) void this.#lookUp(page);
  }

  async #lookUp(page: number): Promise<void> {
    this.#travelling = true;
    try {
      while (this.#wanted !== undefined) {
        const wanted = this.#wanted;
        if (wanted >= this.#ports.clock.now()) {
          this.#wanted = undefined;
          this.do({ type: "travel" }, page);
          return;
        }
        const found = this.#ports.past.at(wanted);
        const slow = new AbortController();
        void this.#ports.clock.sleep(SLOW_MS, slow.signal).then((elapsed) => {
          if (elapsed) this.#told(`Looking up ${clockTime(wanted)}.`, true, page);
        });
        const moment = await found.finally(() => slow.abort());
        if (this.#wanted !== wanted) continue;
        this.#wanted = undefined;
        if (moment === undefined) return this.#told("Nothing has been recorded yet.", false, page);
        this.do({ type: "moment", ...moment }, page);
        if (moment.at > wanted + 1_000) this.#told(`The recording begins at ${clockTime(moment.at)}.`, true, page);
      }
    } catch (error) {
      this.#wanted = undefined;
      this.#told(`The recording cannot be read: ${(error as Error).message}`, false, page);
    } finally {
      this.#travelling = false;
    }
  }

  #copy(page: number): void {
    const { store, clock, copy } = this.#ports;
    const found = copied(this.ui, this.ui.frozen?.snapshot ?? store.snapshot, clock.now());
    if (found === undefined) return this.#told("There is nothing to copy here.", false, page);
    copy(found.text);
    this.#told(`Copied ${found.what}, if the terminal takes it (OSC 52).`, true, page);
  }

  async #save(page: number): Promise<void> {
    const { clock, save } = this.#ports;
    const name = `outflow-incident-${instant(clock.now()).replace(/[:]/g, "-")}.zip`;
    this.#told("Saving the incident file.", true, page);
    try {
      const path = await save(name, this.ui.privacy);
      this.#told(`Saved as ${path}; outflow top FILE opens it.`, true, page);
    } catch (error) {
      this.#told(`Not saved: ${(error as Error).message}`, false, page);
    }
  }

  async #keep(page: number): Promise<void> {
    try {
      await this.#ports.keep(this.ui);
    } catch (error) {
      this.#told(`Not kept for the next session: ${(error as Error).message}`, false, page);
    }
  }
}

const isKept = (a: UiState, b: UiState): boolean =>
  a.theme !== b.theme || a.columns !== b.columns || a.layout !== b.layout || a.paneSize !== b.paneSize;
