// outflow licenses: the notices of third-party software in this binary (packaging/notices.ts writes them).
import { Command } from "commander";
import { example } from "./example.ts";
import notices from "./third-party-notices.txt" with { type: "text" };

export function licensesCommand(): Command {
  return new Command("licenses")
    .description("print the licences of third-party software in this binary")
    .addHelpText("after", example("outflow licenses | less"))
    .action(() => void process.stdout.write(notices));
}
