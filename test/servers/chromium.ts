// A headless Chromium, driven over the DevTools protocol.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./binary.ts";
import { pathOf } from "./found.ts";

type Params = Record<string, unknown>;
type Message = { id?: number; method?: string; params?: Params; result?: unknown; error?: { message: string } };

export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #last = 0;
  #session = "";
  #context: string | undefined;
  /** What pages said that they should not: errors of scripts, refusals of the Content-Security-Policy. */
  readonly complaints: string[] = [];

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data)) as Message));
  }

  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), "outflow-chromium-"));
    const flags =
      "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0";
    const child = spawn(pathOf("chromium") ?? "chromium", [...flags.split(" "), `--user-data-dir=${profile}`], {
      stdio: "ignore",
      detached: true,
    });
    const address = await eventually(
      "Chromium listens",
      async () => {
        try {
          return readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n");
        } catch {
          return [];
        }
      },
      (lines) => lines.length > 1,
    );
    const socket = new WebSocket(`ws://127.0.0.1:${address[0]}${address[1]}`);
    await new Promise((opened, failed) => {
      socket.addEventListener("open", opened);
      socket.addEventListener("error", failed);
    });
    return new Chromium(child, profile, socket);
  }

  /** A new tab with its own storage instead of the one before. */
  async tab(): Promise<void> {
    this.#session = "";
    if (this.#context !== undefined)
      await this.send("Target.disposeBrowserContext", { browserContextId: this.#context });
    const { browserContextId } = await this.send<{ browserContextId: string }>("Target.createBrowserContext");
    this.#context = browserContextId;
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Accessibility"]) await this.send(`${domain}.enable`);
    this.complaints.length = 0;
  }

  async open(url: string): Promise<void> {
    const { errorText } = await this.send<{ errorText?: string }>("Page.navigate", { url });
    assert.equal(errorText, undefined);
    await this.until(`document.readyState === "complete" && location.href !== "about:blank"`);
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  until(expression: string): Promise<unknown> {
    return eventually(
      expression,
      // While a page is replaced there is nothing to ask.
      () => this.value<unknown>(expression).catch(() => undefined),
      Boolean,
    );
  }

  async key(key: string, code = key, text?: string): Promise<void> {
    const windowsVirtualKeyCode = { Tab: 9, Enter: 13, " ": 32 }[key] ?? key.toUpperCase().charCodeAt(0);
    const more = text === undefined ? {} : { text };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code, windowsVirtualKeyCode, ...more });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code, windowsVirtualKeyCode });
  }

  enter = () => this.key("Enter", "Enter", "\r");

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** What a screen reader is told: `role name`, without what it is not told and without plain text. */
  async spoken(): Promise<string[]> {
    type Node = { ignored: boolean; role?: { value: string }; name?: { value: string } };
    const { nodes } = await this.send<{ nodes: Node[] }>("Accessibility.getFullAXTree");
    return nodes
      .filter((node) => !node.ignored && !/^(StaticText|InlineTextBox|LineBreak)$/.test(node.role?.value ?? ""))
      .map((node) => `${node.role?.value} ${node.name?.value ?? ""}`.trim());
  }

  async picture(): Promise<Buffer> {
    const { data } = await this.send<{ data: string }>("Page.captureScreenshot", { format: "webp", quality: 60 });
    return Buffer.from(data, "base64");
  }

  send<T = unknown>(method: string, params: Params = {}): Promise<T> {
    const id = ++this.#last;
    const session = this.#session === "" ? {} : { sessionId: this.#session };
    return new Promise((done, failed) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) done(result as T);
        else failed(new Error(`${method}: ${error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    });
  }

  #take({ id, method, params, ...answer }: Message): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    }
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded")
      this.complaints.push(JSON.stringify(params));
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#process.once("exit", done));
    this.#session = "";
    void this.send("Browser.close").catch(() => {});
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
