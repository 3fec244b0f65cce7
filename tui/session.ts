// One person at one screen: keys come in, the ui state changes, and what goes beyond the screen (an action that was said yes to, a
// file to save, the end) is done through ports. No terminal and no React here.
import type { Clock } from "../src/platform/clock.ts";
import type { Actions } from "../src/status/actions.ts";
import type { Link } from "../src/status/link.ts";
import type { Snapshot } from "../src/status/snapshot.ts";
import { instant } from "../src/status/words.ts";
import { intentOf } from "./keys.ts";
import { nameOf } from "./names.ts";
import { redacted } from "./privacy.ts";
import { initialUi, type UiState, uiReduce } from "./ui-state.ts";

export type Store = {
  readonly snapshot: Snapshot;
  subscribe(changed: () => void): () => void;
  /** How the agent is reached, where it is another process. */
  readonly link?: Link;
};

export type SessionPorts = {
  store: Store;
  clock: Clock;
  /** What may be done to the agent; else a sentence why not. Asked each time. */
  actions(): Actions | string;
  /** Writes a file; resolves to where. */
  save(name: string, text: string): Promise<string>;
  quit(leaveFrame: boolean): void;
};

export class Session {
  ui: UiState = initialUi;
  readonly #ports: SessionPorts;
  readonly #changed = new Set<() => void>();

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  subscribe(changed: () => void): () => void {
    this.#changed.add(changed);
    return () => this.#changed.delete(changed);
  }

  /** @param page lines that fit in the part that scrolls */
  press(key: string, page: number): void {
    const { ui } = this;
    const { store, actions, quit } = this.#ports;
    const intent = intentOf(key, ui);
    if (intent === undefined) return;
    if (intent.type === "ask") {
      const allowed = actions();
      if (typeof allowed === "string") return this.#told(allowed, false, page);
    }
    this.#set(uiReduce(ui, intent, store.snapshot, this.#ports.clock.now(), page));
    if (intent.type === "yes" && ui.asking !== undefined) void this.#act(ui.asking, page);
    if (intent.type === "save") void this.#save(page);
    if (intent.type === "quit" && ui.quitting === undefined) quit(intent.leaveFrame);
  }

  #set(ui: UiState): void {
    if (ui === this.ui) return;
    this.ui = ui;
    for (const changed of this.#changed) changed();
  }

  #told(text: string, ok: boolean, page: number): void {
    const { store, clock } = this.#ports;
    this.#set(uiReduce(this.ui, { type: "told", text, ok }, store.snapshot, clock.now(), page));
  }

  async #act({ action, sink }: NonNullable<UiState["asking"]>, page: number): Promise<void> {
    const actions = this.#ports.actions();
    if (typeof actions === "string") return this.#told(actions, false, page);
    try {
      const { ok, message } = action === "reload" ? await actions.reload() : await actions.act(sink, action);
      this.#told(nameOf(message), ok, page);
    } catch (error) {
      this.#told(`That did not work: ${(error as Error).message}`, false, page);
    }
  }

  /** What the screen shows: the frozen state while it is frozen, without addresses while privacy is on. */
  async #save(page: number): Promise<void> {
    const { store, clock, save } = this.#ports;
    const snapshot = this.ui.frozen?.snapshot ?? store.snapshot;
    const json = JSON.stringify(snapshot, (_, value: unknown) =>
      this.ui.privacy && typeof value === "string" ? redacted(value, snapshot) : value,
    );
    const name = `outflow-${instant(clock.now()).replace(/[:]/g, "-")}.json`;
    try {
      this.#told(`Saved as ${await save(name, `${json}\n`)}.`, true, page);
    } catch (error) {
      this.#told(`Not saved: ${(error as Error).message}`, false, page);
    }
  }
}
