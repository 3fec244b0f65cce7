// This host: state directory, disk space, permissions, open files, memory, admin port. What is tried leaves nothing behind.
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { freemem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseAddress } from "../../admin/address.ts";
import type { Settings } from "../../config/settings.ts";
import { bytes, count, counted } from "../../status/text/words.ts";
import { type Finding, type Noted, notes } from "./finding.ts";

export async function checkHost(settings: Settings, sinks: number): Promise<Finding[]> {
  const note = notes("agent");
  noteDirectory(note, "state", settings.stateDir, "--state-dir");
  if (settings.deadLetterDir !== undefined)
    noteDirectory(note, "dead letters", settings.deadLetterDir, "--dead-letter-dir");
  notePermissions(note, settings);
  noteOpenFiles(note, readIf("/proc/self/limits"), settings, sinks);
  noteMemory(note, settings);
  await notePort(note, settings.listen);
  return note.all;
}

const TRIED_BYTES = 65_536;
const LOW_BYTES = 64 << 20;

/** Writes a file into the directory, or where it would be made, and removes it. */
function noteDirectory(note: Noted, check: string, given: string, flag: string): void {
  const dir = resolve(given);
  const place = nearest(dir);
  const file = join(place, `.outflow-doctor-${process.pid}`);
  const choose = `choose another with ${flag}`;
  try {
    if (!statSync(place).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    const fd = openSync(file, "wx", 0o600);
    try {
      const piece = new Uint8Array(TRIED_BYTES);
      if (writeSync(fd, piece) < piece.length) throw Object.assign(new Error(), { code: "ENOSPC" });
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(file, { force: true });
    }
  } catch (error) {
    const { code = "unknown reason" } = error as { code?: string };
    const where = place === dir ? dir : `${place}, where ${dir} would be created`;
    if (code === "ENOSPC" || code === "EDQUOT")
      note.fail(check, `the disk is full: cannot write in ${where} (${code})`, `Free space there, or ${choose}.`);
    else if (code === "ENOTDIR")
      note.fail(check, `${dir} cannot be created: ${place} is not a directory`, `Remove the file, or ${choose}.`);
    else if (code === "EROFS")
      note.fail(check, `cannot write in ${where}: the file system is read-only`, `Mount it writable, or ${choose}.`);
    else
      note.fail(
        check,
        `cannot write in ${where} (${code})`,
        `Make it writable for the user that runs outflow (chown, chmod u+rwx), or ${choose}.`,
      );
    return;
  }
  const free = freeBytes(place);
  if (free !== undefined && free < LOW_BYTES)
    return note.warn(check, `${dir}: only ${bytes(free)} are free on this disk`, `Free space there, or ${choose}.`);
  note.ok(
    check,
    `${dir} ${place === dir ? "is writable" : "can be created"}${free === undefined ? "" : `, ${bytes(free)} free`}`,
  );
}

const nearest = (dir: string): string => (existsSync(dir) || dirname(dir) === dir ? dir : nearest(dirname(dir)));

function freeBytes(dir: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Files with credentials that the settings name; those of policies are warned of by the policies' own checks. */
function notePermissions(note: Noted, settings: Settings): void {
  const files = [
    ["--admin-token-file", settings.adminTokenFile],
    ["--source-password-file", settings.sourcePasswordFile],
    ["--source-bearer-file", settings.sourceBearerFile],
    ["--sink-key", settings.sinkKey],
    ["--source-key", settings.sourceKey],
  ] as const;
  const modes = files.flatMap(([flag, path]) => {
    const mode = path === undefined ? undefined : modeOf(path);
    return mode === undefined ? [] : [{ flag, path, mode }];
  });
  for (const { flag, path } of modes.filter((f) => (f.mode & 0o044) !== 0))
    note.warn("permissions", `${flag} ${path} is readable for group or others`, `chmod 600 ${path}`);
  const state = modeOf(settings.stateDir);
  if (state !== undefined && (state & 0o002) !== 0 && (state & 0o1000) === 0)
    note.warn("permissions", `${settings.stateDir} is writable for everybody`, `chmod 700 ${settings.stateDir}`);
  if (!note.all.some(({ check }) => check === "permissions"))
    note.ok("permissions", "files with credentials and state are not open to others");
}

function modeOf(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined; // what is wrong with it is another check's finding
  }
}

/** Of the agent itself: database, log, admin port and its clients, policy files while they are read. */
const OWN_FILES = 300;

/** `limits`: /proc/self/limits; undefined where there is none. */
function noteOpenFiles(note: Noted, limits: string | undefined, settings: Settings, sinks: number): void {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? "")?.[1];
  if (soft === undefined || soft === "unlimited") return note.ok("open files", "no limit is known");
  const needed = OWN_FILES + settings.maxSourceQueries + sinks * settings.maxConcurrency;
  const text = `at most ${count(Number(soft))}, and ${counted(sinks, "sink")} with --max-concurrency ${settings.maxConcurrency} may need ${count(needed)}`;
  if (Number(soft) >= needed) return note.ok("open files", text);
  note.fail(
    "open files",
    text,
    `Raise the limit (LimitNOFILE=65536 in the systemd unit, ulimit -n ${needed}), or lower --max-concurrency.`,
  );
}

const SAMPLE_BYTES = 20;
const BASE_BYTES = 150 << 20;

function noteMemory(note: Noted, { maxBufferedSamples }: Settings): void {
  const limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    .map((file) => Number(readIf(file) ?? Number.NaN))
    .filter((n) => Number.isFinite(n) && n > 0 && n < 2 ** 60);
  const available = Math.min(...limits, availableBytes());
  const needed = BASE_BYTES + maxBufferedSamples * SAMPLE_BYTES;
  const text = `${bytes(available)} available, and --max-buffered-samples ${count(maxBufferedSamples)} may need ${bytes(needed)}`;
  if (available >= needed) return note.ok("memory", text);
  note.warn(
    "memory",
    text,
    available > BASE_BYTES
      ? `Give the agent more memory, or set --max-buffered-samples ${Math.max(1000, Math.floor((available - BASE_BYTES) / SAMPLE_BYTES))}.`
      : "Give the agent more memory: it needs about 150 MB in addition to the samples.",
  );
}

function availableBytes(): number {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readIf("/proc/meminfo") ?? "")?.[1];
  return kib === undefined ? freemem() : Number(kib) * 1024;
}

function readIf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function notePort(note: Noted, listen: string): Promise<void> {
  const address = listen === "off" ? undefined : parseAddress(listen);
  if (address === undefined) return Promise.resolve();
  if (!address.ok) {
    note.fail("admin port", address.message, "Write --listen as host:port, such as 127.0.0.1:9469, or off.");
    return Promise.resolve();
  }
  const server = createServer();
  return new Promise((done) => {
    server.once("error", ({ code }: Error & { code?: string }) => {
      const text = `cannot listen on ${listen}: ${code === "EADDRINUSE" ? "the address is in use" : code}`;
      note.warn("admin port", text, "If it is not an outflow that runs already: choose another address with --listen.");
      done();
    });
    server.listen(address.port, address.host, () => {
      note.ok("admin port", `${listen} is free`);
      server.close(() => done());
    });
  });
}
