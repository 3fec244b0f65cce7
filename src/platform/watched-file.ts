// A file whose text is looked at again when it changed: certificates, keys, passwords, tokens. A file that cannot be read (it is
// being replaced) leaves what was read last, and says so once.
import type { Files } from "./files.ts";

const MAX_BYTES = 1 << 20;

export type WatchedFile = {
  /** The text now. */
  text(): string;
};

/** Throws with a system error if it cannot be read at first. */
export function watchedFile(path: string, files: Files, tell: (message: string) => void): WatchedFile {
  let version = files.info(path)?.version;
  let text = readText(path, files);
  let troubled = false;
  return {
    text() {
      const now = files.info(path)?.version;
      if (now === version && !troubled) return text;
      try {
        text = readText(path, files);
        version = now;
        troubled = false;
      } catch (error) {
        if (!troubled)
          tell(
            `cannot read ${path} (${(error as { code?: string }).code ?? (error as Error).message}): its last content stays in use.`,
          );
        troubled = true;
      }
      return text;
    },
  };
}

const readText = (path: string, files: Files): string =>
  new TextDecoder("utf-8", { fatal: true }).decode(files.read(path, MAX_BYTES));

/** A line feed at the end is the editor's, not the password's. */
export const firstLine = (text: string): string => text.replace(/\r?\n$/, "");
