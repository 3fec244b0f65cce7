// screen.yaml on the disk: read at the start, written when something was chosen that is to be kept.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { UiState } from "./input/ui-state.ts";
import { defaultConfig, parseScreenConfig, withChoices } from "./screen-config.ts";

export async function configIn(file: string | undefined) {
  const none = { config: defaultConfig, problems: [] as readonly string[], isThere: false };
  if (file === undefined) return { ...none, isThere: true };
  try {
    return { ...parseScreenConfig(await readFile(file, "utf8"), basename(file)), isThere: true };
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "ENOENT" ? none : { ...none, problems: [`cannot read ${file} (${code})`] };
  }
}

export async function keep(file: string | undefined, ui: UiState): Promise<void> {
  if (file === undefined) return;
  const text = await readFile(file, "utf8").catch(() => "");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(resolve(file), withChoices(text, ui));
}
