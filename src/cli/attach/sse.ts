// Server-sent events (WHATWG HTML, 9.2): pieces of text in, whole messages out. Comments, retry and unknown fields are left out.

export type SseMessage = { event: string; data: string; id: string | undefined };

export class SseParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | undefined;

  /** The messages that are complete with `text`. */
  push(text: string): SseMessage[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((raw) => {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") return this.#dispatched();
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "event") this.#event = value;
      if (field === "data") this.#data.push(value);
      if (field === "id") this.#id = value;
      return [];
    });
  }

  #dispatched(): SseMessage[] {
    const message = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return empty ? [] : [message];
  }
}
