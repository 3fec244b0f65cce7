// Disk as a port.
import { closeSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";

export type FileInfo = {
  kind: "file" | "directory" | "other";
  size: number;
  /** Permission bits. */
  mode: number;
  /** Another file, or the same one written to, has another version. */
  version: string;
};

export type Files = {
  /** Follows links; undefined if there is nothing. */
  info(path: string): FileInfo | undefined;
  /** Names in a directory, sorted; undefined if it cannot be read. */
  list(path: string): string[] | undefined;
  /** Where links lead to; the path itself if they lead nowhere. */
  real(path: string): string;
  /** The first `maxBytes` at most. Throws with a system error. */
  read(path: string, maxBytes?: number): Uint8Array;
};

export const systemFiles: Files = {
  info(path) {
    try {
      const s = statSync(path, { throwIfNoEntry: false });
      if (s === undefined) return undefined;
      const kind = s.isFile() ? "file" : s.isDirectory() ? "directory" : "other";
      const version = `${s.dev}:${s.ino}:${s.size}:${s.mtimeMs}:${s.ctimeMs}`;
      return { kind, size: s.size, mode: s.mode & 0o777, version };
    } catch {
      return undefined; // a loop of links, a folder on the way that is closed to us
    }
  },
  list(path) {
    try {
      return readdirSync(path).sort();
    } catch {
      return undefined;
    }
  },
  real(path) {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  },
  read(path, maxBytes) {
    const fd = openSync(path, "r");
    try {
      return readAll(fd, maxBytes);
    } finally {
      closeSync(fd);
    }
  },
};

const CHUNK = 65_536;

/** What a descriptor gives until its end, or its first `maxBytes`: a device may have no end. */
export function readAll(fd: number, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < maxBytes) {
    const chunk = new Uint8Array(Math.min(CHUNK, maxBytes - size));
    const n = readSync(fd, chunk, 0, chunk.length, null);
    if (n === 0) break;
    chunks.push(chunk.subarray(0, n));
    size += n;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
