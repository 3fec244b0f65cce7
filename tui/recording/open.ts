// An incident file as a recording again. It comes from elsewhere: its sizes are bounded, its texts pass the screen's last door
// (control characters are never drawn), and what it is not is said.
import { strFromU8, type UnzipFileInfo, unzipSync } from "fflate";
import type { Chunk } from "./chunk.ts";
import { FORMAT, type Manifest } from "./incident.ts";

/** Of one file in it, unpacked: a compressed bomb is refused before it is unpacked. */
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;
const MAX_CHUNKS = 20_000;

export type Opened = { ok: true; manifest: Manifest; chunks: readonly Chunk[] } | { ok: false; why: string };

export function openIncident(bytes: Uint8Array): Opened {
  let manifest: Manifest;
  try {
    const text = entry(bytes, "manifest.json");
    if (text === undefined) return { ok: false, why: "it has no manifest.json: it is not an incident file of outflow" };
    manifest = JSON.parse(text) as Manifest;
  } catch (error) {
    return {
      ok: false,
      why: `it cannot be unpacked (${(error as Error).message}): is it an incident file, and complete?`,
    };
  }
  const { format, chunks, from, to } = manifest;
  if (format !== FORMAT)
    return {
      ok: false,
      why: `its format is ${String(format)}, and this outflow reads ${FORMAT}: use the version that saved it`,
    };
  const times = (...values: unknown[]) => values.every((v) => Number.isFinite(v));
  if (
    !Array.isArray(chunks) ||
    chunks.length === 0 ||
    chunks.length > MAX_CHUNKS ||
    !times(from, to) ||
    chunks[0]?.keyframe !== true
  )
    return { ok: false, why: "its manifest.json is incomplete" };
  if (!chunks.every((c) => typeof c.file === "string" && times(c.from, c.to)))
    return { ok: false, why: "its manifest.json is incomplete" };
  return {
    ok: true,
    manifest,
    chunks: chunks.map(({ file, from: begins, to: ends, keyframe }) => ({
      from: begins,
      to: ends,
      keyframe,
      texts: () => [needed(bytes, file)],
    })),
  };
}

function needed(bytes: Uint8Array, name: string): string {
  const text = entry(bytes, name);
  if (text === undefined) throw new Error(`${name} is missing in the file`);
  return text;
}

function entry(bytes: Uint8Array, name: string): string | undefined {
  const filter = (file: UnzipFileInfo) => {
    if (file.name !== name) return false;
    if (file.originalSize > MAX_ENTRY_BYTES) throw new Error(`${name} is larger than ${MAX_ENTRY_BYTES} bytes`);
    return true;
  };
  const found = unzipSync(bytes, { filter })[name];
  return found === undefined ? undefined : strFromU8(found);
}
