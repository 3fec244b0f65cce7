// Settings on what becomes of labels on the way (src/series/labels.ts).
import { Option } from "commander";
import { count, label, regex } from "./parsers.ts";

export function labelOptions(): Option[] {
  return [
    new Option("--external-label <name=value>", "label added to each series that lacks it (repeatable)")
      .argParser(label)
      .default([], "none")
      .env("OUTFLOW_EXTERNAL_LABEL"),
    new Option("--force-label <name=value>", "label set on each series, whatever it has (repeatable)")
      .argParser(label)
      .default([], "none")
      .env("OUTFLOW_FORCE_LABEL"),
    new Option("--drop-label <regex>", "labels whose whole name matches (RE2) are not sent (repeatable)")
      .argParser(regex)
      .default([], "none")
      .env("OUTFLOW_DROP_LABEL"),
    new Option("--name-escaping <how>", "how to send metric and label names that remote write does not allow")
      .choices(["underscores", "values", "utf8", "drop"])
      .default("underscores")
      .env("OUTFLOW_NAME_ESCAPING"),
    new Option("--max-labels <n>", "a series with more labels is dropped and counted; 0: no limit")
      .argParser(count({ min: 0 }))
      .default(0)
      .env("OUTFLOW_MAX_LABELS"),
    new Option(
      "--max-label-name-length <bytes>",
      "a series with a longer label name is dropped and counted; 0: no limit",
    )
      .argParser(count({ min: 0 }))
      .default(0)
      .env("OUTFLOW_MAX_LABEL_NAME_LENGTH"),
    new Option(
      "--max-label-value-length <bytes>",
      "a series with a longer label value is dropped and counted; 0: no limit",
    )
      .argParser(count({ min: 0 }))
      .default(0)
      .env("OUTFLOW_MAX_LABEL_VALUE_LENGTH"),
  ];
}
