// Disk as a port.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";

export type FileInfo = { kind: "file" | "directory" | "other"; size: number /** Permission bits. */; mode: number };

export type Files = {
  /** Follows links; undefined if there is nothing. */
  info(path: string): FileInfo | undefined;
  /** Names in a directory, sorted; empty if it cannot be read. */
  list(path: string): string[];
  /** Throws with a system error. */
  read(path: string): Uint8Array;
};

export const systemFiles: Files = {
  info(path) {
    const s = statSync(path, { throwIfNoEntry: false });
    if (s === undefined) return undefined;
    return { kind: s.isFile() ? "file" : s.isDirectory() ? "directory" : "other", size: s.size, mode: s.mode & 0o777 };
  },
  list(path) {
    try {
      return readdirSync(path).sort();
    } catch {
      return [];
    }
  },
  read: (path) => readFileSync(path),
};

export const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");
