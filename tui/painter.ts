// Rows of text to the terminal: only those that have changed are written, each at its own place, in one write. Ink has the terminal
// (alternate screen, keys, suspending, the end of it) and lays out nothing: taking 10,000 characters through its layout for each frame
// was two thirds of what a screen of 200x50 cost.

export type Painter = {
  /** @param of the size of the terminal that the rows are made for: to one that has changed since they would wrap; nothing is drawn */
  draw(rows: readonly string[], of: string): void;
  /** What is on the terminal is not known any more: the next frame is drawn whole. */
  forget(): void;
};

/** A terminal that knows it shows the frame at once; to others it means nothing. */
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";
/** Where Ink left the cursor, and thinks that it is. */
const HOME = "\x1b[2;1H";

/** @param size of the terminal, as text: what is left of a frame for another size is not a base for the next one */
export function painter(write: (text: string) => void, size: () => string): Painter {
  let shown: readonly string[] | undefined;
  let drawnFor = "";
  return {
    draw(rows, of) {
      if (of !== size()) {
        shown = undefined;
        return;
      }
      if (of !== drawnFor) shown = undefined;
      drawnFor = of;
      let text = shown === undefined ? "\x1b[0m\x1b[2J" : "";
      const before = shown ?? [];
      const height = Math.max(rows.length, before.length);
      for (let i = 0; i < height; i++) {
        const row = rows[i] ?? "";
        // The row is erased first: behind a text that fills it the cursor stands on its last character.
        if (row !== (before[i] ?? "")) text += `\x1b[${i + 1};1H\x1b[2K${row}`;
      }
      shown = rows;
      if (text !== "") write(`${BEGIN}${text}${HOME}${END}`);
    },
    forget() {
      shown = undefined;
    },
  };
}
