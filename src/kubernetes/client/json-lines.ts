// A stream of JSON objects, one a line, cut anywhere: bytes in, values out. Pure but for what it keeps of the last line.
import { Buffer } from "node:buffer";

export class LineTooLong extends Error {}

const LF = 0x0a;

export class JsonLines {
  readonly #most: number;
  readonly #kept: Uint8Array[] = [];
  #length = 0;

  /** `most`: bytes of a line. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The values of the lines that end in `piece`. Throws SyntaxError or LineTooLong. */
  *push(piece: Uint8Array): Generator<unknown> {
    let from = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, from)) {
      const line = Buffer.concat([...this.#kept.splice(0), piece.subarray(from, end)]).toString("utf8");
      this.#length = 0;
      from = end + 1;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    if (from === piece.length) return;
    // A view would hold the whole piece.
    this.#kept.push(piece.slice(from));
    this.#length += piece.length - from;
    if (this.#length > this.#most) throw new LineTooLong();
  }
}
