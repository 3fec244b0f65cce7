// What a mouse report does: a click what the piece under it says, the wheel moves. Pure but for the session.
import { hitOf, type Line } from "./drawing/line.ts";
import type { Session } from "./session.ts";
import type { Mouse } from "./terminal-input.ts";

const WHEEL_UP = 64;
const WHEEL_DOWN = 65;
const WHEEL_LINES = 3;

export function clicked(
  { button, column, row, pressed }: Mouse,
  session: Session,
  frame: readonly Line[],
  page: number,
): void {
  if (!pressed) return;
  if (button === WHEEL_UP || button === WHEEL_DOWN)
    return session.do({ type: "move", by: button === WHEEL_UP ? -WHEEL_LINES : WHEEL_LINES }, page);
  const line = frame[row];
  const intent = button === 0 && line !== undefined ? hitOf(line, column) : undefined;
  if (intent !== undefined) session.do(intent, page);
}
