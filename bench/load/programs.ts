// The programs that a bench runs beside outflow: whatever is on OUTFLOW_BENCH_PATH, else on the PATH, and its version, so that a table
// names what it compares.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The file that runs for `name`; a path stays what it is. */
export function programOf(name: string): string {
  if (name.includes("/")) return name;
  const folders = [process.env.OUTFLOW_BENCH_PATH, process.env.PATH].flatMap((list) => list?.split(delimiter) ?? []);
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // the next one
    }
  }
  throw new Error(`${name} is neither on OUTFLOW_BENCH_PATH nor on the PATH`);
}

/** Its own first words about its version, and the module version of a Go program that was built without one. */
export function versionOf(name: string, args: readonly string[]): string {
  const file = programOf(name);
  let said = "";
  try {
    said = execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0] ?? "";
  } catch {
    said = "says no version";
  }
  const module = moduleOf(file);
  return `${name}: ${said.trim() || "version unknown"}${module === undefined ? "" : ` (${module})`}`;
}

function moduleOf(file: string): string | undefined {
  try {
    const info = execFileSync("go", ["version", "-m", file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const [, version] =
      /\t(?:mod|dep)\tgithub\.com\/(?:VictoriaMetrics\/VictoriaMetrics|prometheus\/prometheus)\t(\S+)/.exec(info) ?? [];
    return version;
  } catch {
    return undefined;
  }
}
