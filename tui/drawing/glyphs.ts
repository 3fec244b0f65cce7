// Characters with a meaning, once for UTF-8 and once for plain ASCII terminals. Each is one column wide.

export type Glyphs = {
  ready: string;
  idle: string;
  catchingUp: string;
  notReady: string;
  unknown: string;
  paused: string;
  /** The end of a cut text. */
  more: string;
  pointer: string;
  rule: string;
  /** Bar that empties: full and empty cell. */
  full: string;
  empty: string;
  /** Nothing, then levels from low to high. */
  levels: readonly string[];
  arrows: string;
  /** Charts are drawn in braille, else in blocks of `levels`. */
  braille: boolean;
  marked: string;
  /** A group whose rows are hidden, and one whose rows are shown. */
  folded: string;
  open: string;
  /** Scroll bar. */
  thumb: string;
  track: string;
  /** Between two panes. */
  wall: string;
  /** From to. */
  dash: string;
  /** Between counts. */
  dot: string;
  /** Where an axis meets a value. */
  tick: string;
  rewind: string;
  /** The order of a column: largest first, smallest first. */
  down: string;
  up: string;
};

const unicode: Glyphs = {
  ready: "●",
  idle: "○",
  catchingUp: "◐",
  notReady: "✗",
  unknown: "?",
  paused: "=",
  more: "…",
  pointer: "›",
  rule: "─",
  full: "━",
  empty: "╌",
  levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
  arrows: "↑↓",
  braille: true,
  marked: "◆",
  folded: "▸",
  open: "▾",
  thumb: "┃",
  track: "│",
  wall: "│",
  dash: "–",
  dot: "·",
  tick: "┤",
  rewind: "◀",
  down: "▼",
  up: "▲",
};

const ascii: Glyphs = {
  ready: "*",
  idle: "o",
  catchingUp: "+",
  notReady: "X",
  unknown: "?",
  paused: "=",
  more: "~",
  pointer: ">",
  rule: "-",
  full: "#",
  empty: ".",
  levels: [" ", ".", ".", ":", ":", "|", "|", "#", "#"],
  arrows: "j/k",
  braille: false,
  marked: "+",
  folded: ">",
  open: "v",
  thumb: "#",
  track: "|",
  wall: "|",
  dash: "-",
  dot: ",",
  tick: "|",
  rewind: "<",
  down: "v",
  up: "^",
};

/** By the locale, as C programs decide: LC_ALL, else LC_CTYPE, else LANG. The Linux console's fonts lack most of our characters. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale) && env.TERM !== "linux" ? unicode : ascii;
}
