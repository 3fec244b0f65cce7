// outflow config: the settings in effect for `outflow run` with the same flags, variables and file, and where each came from. As YAML
// it is a file for --config. Exit 0, or 2 for what `run` would refuse as a setting.
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { applyConfigFile } from "../config/config-file.ts";
import { type Effective, effectiveSettings } from "../config/effective.ts";
import { runOptions, type Settings } from "../config/settings.ts";
import { printable, printableJson } from "../platform/printable.ts";
import { example } from "./example.ts";
import { hostDefaults } from "./run.ts";
import { warnOfVariables } from "./variables.ts";

type Output = "text" | "yaml" | "json";

export function configCommand(): Command {
  const command = new Command("config")
    .description("print the settings in effect, and where each came from; credentials are redacted")
    .addOption(
      new Option("-o, --output <format>", "yaml is a file for --config")
        .choices(["text", "yaml", "json"])
        .default("text"),
    );
  for (const option of runOptions()) command.addOption(option);
  return command
    .addHelpText("after", example("outflow config", "outflow config --config outflow.yaml -o yaml"))
    .action(() => {
      applyConfigFile(command);
      warnOfVariables();
      const options = command.opts<Settings & { output: Output }>();
      const values = { ...options, ...hostDefaults(options) };
      const settings = effectiveSettings(runOptions(), values, (name) => command.getOptionValueSource(name));
      process.stdout.write(write[options.output](settings));
    });
}

const shown = (value: Effective["value"]): string =>
  value === undefined || (Array.isArray(value) && value.length === 0) ? "-" : printable([value].flat().join(", "));

const write: Record<Output, (settings: readonly Effective[]) => string> = {
  text(settings) {
    const rows = [["SETTING", "VALUE", "FROM"], ...settings.map((s) => [s.key, shown(s.value), printable(s.from)])];
    const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
    return rows.map(([a, b, c]) => `${a!.padEnd(widths[0]!)}   ${b!.padEnd(widths[1]!)}   ${c}\n`).join("");
  },
  yaml: (settings) =>
    settings
      .map(({ key, value, from }) => {
        if (value === undefined) return `# ${key}: not set\n`;
        const line = stringify({ [key]: value }, { lineWidth: 0, collectionStyle: "flow" }).trimEnd();
        return `${line.replace(/^\{ (.*) \}$/s, "$1")} # ${printable(from)}\n`;
      })
      .join(""),
  json: (settings) =>
    `${printableJson(Object.fromEntries(settings.map(({ key, value, from }) => [key, { value: value ?? null, from }])))}\n`,
};
