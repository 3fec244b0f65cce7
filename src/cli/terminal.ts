// Whether there is a terminal for the TUI, and if not, why: one line on stderr says so. Pure.

export function wantsTui(t: {
  stdin: boolean;
  stdout: boolean;
  env: Record<string, string | undefined>;
  tui: boolean;
  /** Plain sentences need no more than lines: a dumb terminal will do. */
  screenReader?: boolean;
}): { tui: boolean; why?: string } {
  if (!t.tui) return { tui: false };
  if (!t.stdout || !t.stdin)
    return { tui: false, why: `${t.stdout ? "stdin" : "stdout"} is not a terminal (--no-tui avoids this line)` };
  if (t.screenReader === true) return { tui: true };
  if (t.env.TERM === "dumb") return { tui: false, why: "TERM is dumb" };
  if (t.env.CI === "true" || t.env.CI === "1") return { tui: false, why: "CI is set" };
  return { tui: true };
}
