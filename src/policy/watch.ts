// When are the policies to be loaded again? Looks at names, links, sizes and times of everything at the paths: fs.watch dies after
// a rename and after the first swap of a ConfigMap. A change counts once it has stood still from one look to the next, so that a
// file that is being written is not read half. Pure but for the port.
import type { Files } from "../platform/files.ts";

/** Two looks and a load stay under the two seconds that an edit may take. */
export const LOOK_EVERY_MS = 500;
/** What never stands still is read all the same after this many looks. */
const MAX_UNSETTLED = 3;
const MAX_DEPTH = 32;

/**
 * What exists, as text: two equal listings mean that nothing has changed. `counts`: which names below a directory are read; others (a
 * state directory in it, an editor's copies) may change.
 */
export function listing(
  paths: readonly string[],
  files: Files,
  counts: (name: string) => boolean = () => true,
): string {
  const seen: string[] = [];
  const above = new Set<string>();
  const look = (path: string, depth: number): void => {
    const info = files.info(path);
    if (info?.kind !== "directory") {
      if (depth === 0 || counts(path)) seen.push(path, info?.version ?? "-");
      return;
    }
    const names = files.list(path);
    // A directory's own version changes with its names; alone it says nothing.
    if (depth === 0 || names === undefined) seen.push(path, names === undefined ? "closed" : "/");
    if (depth >= MAX_DEPTH || above.has(info.version)) return;
    above.add(info.version);
    for (const name of names ?? []) if (!name.startsWith(".")) look(`${path}/${name}`, depth + 1);
    above.delete(info.version);
  };
  for (const path of paths) if (path !== "-") look(path, 0);
  return seen.join("\n");
}

export class Watch {
  readonly #look: () => string;
  #loaded: string;
  #last: string;
  #unsettled = 0;

  /** `look`: the listing of now. */
  constructor(look: () => string) {
    this.#look = look;
    this.#loaded = look();
    this.#last = this.#loaded;
  }

  /** One look: true if the policies are to be loaded now. */
  look(): boolean {
    const now = this.#look();
    const settled = now === this.#last;
    this.#last = now;
    if (now === this.#loaded) {
      this.#unsettled = 0;
      return false;
    }
    if (!settled && ++this.#unsettled < MAX_UNSETTLED) return false;
    this.#unsettled = 0;
    return true;
  }

  /** Loads at a moment when nothing changes under it; what was there then is what counts as loaded. */
  load<T>(read: () => T): T {
    for (let attempt = 1; ; attempt++) {
      const before = this.#look();
      const result = read();
      if (attempt < MAX_UNSETTLED && this.#look() !== before) continue;
      this.#loaded = before;
      return result;
    }
  }
}
