// outflow version: which build this is.
import { Command, Option } from "commander";
import { build, version } from "../version.ts";
import { example } from "./example.ts";

export function versionCommand(): Command {
  return new Command("version")
    .description("print the version")
    .addOption(
      new Option("-o, --output <format>", "json adds commit, date, platform and runtime")
        .choices(["text", "json"])
        .default("text"),
    )
    .addHelpText("after", example("outflow version", "outflow version -o json"))
    .action(({ output }: { output: "text" | "json" }) => {
      const all = { version, ...build, platform: `${process.platform}/${process.arch}`, runtime: runtime() };
      process.stdout.write(output === "json" ? `${JSON.stringify(all)}\n` : `outflow ${version}\n`);
    });
}

function runtime(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `bun ${bun}`;
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}
