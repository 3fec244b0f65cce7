// Where a printer writes to. With a limit it stops taking text once there is more: a try at one line then costs one line.
import { utf8Length } from "./chars.ts";

export class Sink {
  private readonly parts: string[] = [];
  private room: number;

  /** In bytes of UTF-8. */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.room = limit;
  }

  /** True once more was written than there is room for; what follows is lost. */
  get full(): boolean {
    return this.room < 0;
  }

  write(text: string): void {
    if (this.full) return;
    this.room -= this.room === Number.POSITIVE_INFINITY ? 0 : text.length > this.room ? text.length : utf8Length(text);
    if (!this.full) this.parts.push(text);
  }

  toString(): string {
    return this.parts.join("");
  }
}
