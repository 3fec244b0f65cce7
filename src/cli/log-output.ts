// Where the log of `run` goes. A full disk, a reader that has ended or one that does not read must not end or hold up the agent: a
// line that cannot be written is lost and counted, and the status says so. No more than PENDING_BYTES wait to be written.

type Stream = { write(text: string, done: (error?: Error | null) => void): unknown };

export type LogState = { state: "ok" | "failing"; message: string };

export type LogOutput = {
  /** Never throws, never waits. */
  write(line: string): void;
  /** Called with each change of state, and at once if lines are being lost. */
  follow(changed: (state: LogState) => void): void;
  /** Everything is written: true. It is not after `wait`, or lines are being lost anyway: false. */
  end(wait: Promise<unknown>): Promise<boolean>;
};

const PENDING_BYTES = 1 << 20;

export function logOutput(stream: Stream): LogOutput {
  let pending = 0;
  let lost = 0;
  let changed: ((state: LogState) => void) | undefined;
  let state: LogState = { state: "ok", message: "" };
  let idle: (() => void) | undefined;
  const become = (next: LogState): void => {
    if (next.state === state.state) return;
    state = next;
    changed?.(next);
  };
  const lose = (why: string): void => {
    lost++;
    become({
      state: "failing",
      message: `The log cannot be written (${why}): its lines are lost until this is fixed. outflow runs on without them.`,
    });
  };
  return {
    write(line) {
      if (pending >= PENDING_BYTES) return lose("its reader does not read");
      pending += line.length;
      stream.write(line, (error) => {
        pending -= line.length;
        if (error) lose((error as { code?: string }).code ?? error.message);
        else if (state.state === "failing" && pending < PENDING_BYTES / 2) {
          const message = `The log is written again; ${lost} ${lost === 1 ? "line was" : "lines were"} lost.`;
          lost = 0;
          become({ state: "ok", message });
        }
        if (pending === 0) idle?.();
      });
    },
    follow(listener) {
      changed = listener;
      if (state.state === "failing") listener(state);
    },
    async end(wait) {
      if (pending === 0) return true;
      if (state.state === "failing") return false;
      const done = new Promise<true>((resolve) => {
        idle = () => resolve(true);
      });
      return Promise.race([done, wait.then(() => false)]);
    },
  };
}
