// Agent settings: one typed object from flags, OUTFLOW_* variables and a file, in that order of precedence. This table of options is
// the documentation too: help, docs/settings.md, completions, the man page and `outflow config` are made from it.
import { Option } from "commander";
import { type FleetSettings, fleetOptions } from "./fleet-options.ts";
import { type KubernetesSettings, kubernetesOptions } from "./kubernetes-options.ts";
import { labelOptions } from "./label-options.ts";
import {
  allowSinkOption,
  type NetworkSettings,
  sinkConnectionOptions,
  sourceConnectionOptions,
} from "./network-options.ts";
import { booleanOption, count, duration, list, orAuto, startBack, url, zeroOr } from "./parsers.ts";

export type Settings = NetworkSettings &
  KubernetesSettings &
  FleetSettings & {
    policies: string[];
    sourceUrl?: string;
    noTui: boolean;
    readOnly: boolean;
    screenReader: boolean;
    theme?: Theme;
    pollInterval: number;
    settle: number | "auto";
    lateWindow: number;
    evalDelay: number;
    auditInterval: number;
    maxWindow: number;
    maxBackfill: number;
    start: number; // ms back from the source's now; 0 is now
    onExhausted: "drop" | "hold";
    sourceKind: "auto" | "victoriametrics" | "prometheus";
    maxSourceQueries: number;
    maxWindowSamples: number;
    allowPartial: boolean;
    maxBufferedSamples: number;
    maxConcurrency: number;
    readyLag?: number;
    sendTimeout: number;
    drainTimeout: number;
    stateDir: string;
    deadLetterDir?: string;
    deadLetterMaxSize: number;
    deadLetterMaxAge: number;
    secretsDir?: string;
    listen: string;
    adminTokenFile?: string;
    allowActions: boolean;
    enforceFilter: string[];
    forbidLabel: string[];
    nameEscaping: "underscores" | "values" | "utf8" | "drop";
    externalLabel: (readonly [name: string, value: string])[];
    forceLabel: (readonly [name: string, value: string])[];
    dropLabel: string[];
    maxLabels: number;
    maxLabelNameLength: number;
    maxLabelValueLength: number;
    maxPolicySize: number;
    logFormat: "auto" | "text" | "json";
    logLevel: "debug" | "info" | "warn" | "error";
  };

/** Settings of `outflow run`, in the groups of its help; each has a flag, a variable and a key. */
export function runOptions(): Option[] {
  return [
    ...group("What to run:", [
      new Option(
        "--policies <file|dir|namespace=dir>",
        "policy file or directory; team-a=DIR: only documents of namespace team-a (repeatable)",
      )
        .argParser(list)
        .env("OUTFLOW_POLICIES"),
      new Option("--config <file>", "YAML file with any of these settings (poll-interval: 30s)").env("OUTFLOW_CONFIG"),
    ]),
    ...group("Kubernetes:", kubernetesOptions()),
    ...group("Source:", [...source(), ...reading(), ...sourceConnectionOptions()]),
    ...group("Sinks:", [...sinkConnectionOptions(), ...labelOptions()]),
    ...group("Delivery:", delivery()),
    ...group("State:", state()),
    ...group("Fleet:", fleetOptions()),
    ...group("Screen, log and admin port:", [...screen(), ...logging(), listen()]),
    ...group("Security:", [...security()]),
  ];
}

const group = (heading: string, options: Option[]): Option[] => options.map((option) => option.helpGroup(heading));

/** The operator's, for `check` too: what they refuse is a problem there. */
export function enforcementOptions(): Option[] {
  return [
    new Option(
      "--enforce-filter <selector>",
      "filter added to every selector of every query; {namespace}, {name}, {label:KEY} are the policy's (repeatable)",
    )
      .argParser(list)
      .env("OUTFLOW_ENFORCE_FILTER"),
    new Option("--forbid-label <name>", "refuse policies that filter on this label (repeatable)")
      .argParser(list)
      .env("OUTFLOW_FORBID_LABEL"),
  ];
}

function source(): Option[] {
  return [
    new Option("--source-url <url>", "VictoriaMetrics or Prometheus to read from")
      .argParser(url)
      .env("OUTFLOW_SOURCE_URL"),
    new Option("--source-kind <kind>", "type of the source")
      .choices(["auto", "victoriametrics", "prometheus"])
      .default("auto")
      .env("OUTFLOW_SOURCE_KIND"),
  ];
}

function reading(): Option[] {
  return [
    new Option("--poll-interval <duration>", "how often a window of every source is read")
      .argParser(duration({ min: 1000, max: 3_600_000 }))
      .default(15_000, "15s")
      .env("OUTFLOW_POLL_INTERVAL"),
    new Option(
      "--settle <auto|duration>",
      "how old data must be before it is first read; auto: from 1s to 10s, learned so that less than 0.1 % comes late",
    )
      .argParser(orAuto(duration({ max: 3_600_000 })))
      .default("auto")
      .env("OUTFLOW_SETTLE"),
    new Option("--late-window <duration>", "how far back each read looks for late samples")
      .argParser(duration({ max: 3_600_000 }))
      .default(30_000, "30s")
      .env("OUTFLOW_LATE_WINDOW"),
    new Option(
      "--eval-delay <duration>",
      "how old a grid time must be before an expression is evaluated there; not below -search.latencyOffset of the source (30s)",
    )
      .argParser(duration({ max: 3_600_000 }))
      .default(35_000, "35s")
      .env("OUTFLOW_EVAL_DELAY"),
    new Option("--audit-interval <duration>", "length of the time ranges that are checked for late samples; 0: off")
      .argParser(zeroOr(duration({ min: 1000, max: 3_600_000 })))
      .default(300_000, "5m")
      .env("OUTFLOW_AUDIT_INTERVAL"),
    new Option("--start <now|duration>", "where a new sink starts: now, or this long ago")
      .argParser(startBack)
      .default(0, "now")
      .env("OUTFLOW_START"),
    new Option("--max-window <duration>", "longest window while catching up")
      .argParser(duration({ min: 1000, max: 86_400_000 }))
      .default(300_000, "5m")
      .env("OUTFLOW_MAX_WINDOW"),
    new Option("--max-backfill <duration>", "unread time older than this is skipped and counted")
      .argParser(duration({ min: 1000 }))
      .default(86_400_000, "24h")
      .env("OUTFLOW_MAX_BACKFILL"),
    new Option("--max-source-queries <n>", "queries to the source at once")
      .argParser(count({ max: 64 }))
      .default(2)
      .env("OUTFLOW_MAX_SOURCE_QUERIES"),
    new Option("--max-window-samples <n>", "samples in one window; a larger window is halved")
      .argParser(count({ min: 1000 }))
      .default(2_000_000)
      .env("OUTFLOW_MAX_WINDOW_SAMPLES"),
    booleanOption(
      "--allow-partial",
      "export partial responses, which lack the data of a storage node (VictoriaMetrics cluster)",
    ),
  ];
}

function delivery(): Option[] {
  return [
    new Option("--on-exhausted <what>", "after maxAttempts: drop the batch, or hold it")
      .choices(["drop", "hold"])
      .default("drop")
      .env("OUTFLOW_ON_EXHAUSTED"),
    new Option("--max-buffered-samples <n>", "samples in memory, all sinks together")
      .argParser(count({ min: 1000 }))
      .default(4_000_000)
      .env("OUTFLOW_MAX_BUFFERED_SAMPLES"),
    new Option("--max-concurrency <n>", "requests in flight to one sink")
      .argParser(count({ max: 64 }))
      .default(8)
      .env("OUTFLOW_MAX_CONCURRENCY"),
    new Option("--send-timeout <duration>", "one attempt, from connect to response")
      .argParser(duration({ min: 100 }))
      .default(30_000, "30s")
      .env("OUTFLOW_SEND_TIMEOUT"),
    new Option("--drain-timeout <duration>", "time for last attempts at shutdown")
      .argParser(duration())
      .default(5_000, "5s")
      .env("OUTFLOW_DRAIN_TIMEOUT"),
    new Option(
      "--ready-lag <duration>",
      "data older than this makes a sink not ready (default: 2 polls, settle or eval delay, batch.timeout and 30s)",
    )
      .argParser(duration({ min: 1000 }))
      .env("OUTFLOW_READY_LAG"),
  ];
}

function state(): Option[] {
  return [
    new Option("--state-dir <dir>", "where cursors are kept (default: $XDG_STATE_HOME/outflow)").env(
      "OUTFLOW_STATE_DIR",
    ),
    new Option(
      "--dead-letter-dir <dir>",
      "keep dropped samples here, as files that outflow replay and others can import",
    ).env("OUTFLOW_DEAD_LETTER_DIR"),
    new Option("--dead-letter-max-size <bytes>", "dead letters kept for each sink; the oldest are removed")
      .argParser(count({ min: 65_536 }))
      .default(268_435_456)
      .env("OUTFLOW_DEAD_LETTER_MAX_SIZE"),
    new Option("--dead-letter-max-age <duration>", "dead letters older than this are removed")
      .argParser(duration({ min: 60_000 }))
      .default(604_800_000, "168h")
      .env("OUTFLOW_DEAD_LETTER_MAX_AGE"),
  ];
}

function screen(): Option[] {
  return [
    booleanOption("--no-tui", "run headless"),
    booleanOption("--read-only", "read-only screen: no pause, retry, reload"),
    booleanOption("--screen-reader", "plain sentences instead of a screen"),
    themeOption(),
  ];
}

/** Of every command that has a screen. */
export const themeOption = (): Option =>
  new Option("--theme <theme>", "colours of the screen (default: those of screen.yaml, else by the background)")
    .choices(themes)
    .env("OUTFLOW_THEME");

const themes = ["auto", "dark", "light", "contrast"] as const;
export type Theme = (typeof themes)[number];

function logging(): Option[] {
  return [
    new Option("--log-format <format>", "auto is text on a terminal, else JSON lines")
      .choices(["auto", "text", "json"])
      .default("auto")
      .env("OUTFLOW_LOG_FORMAT"),
    new Option("--log-level <level>", "minimum level of log lines")
      .choices(["debug", "info", "warn", "error"])
      .default("info")
      .env("OUTFLOW_LOG_LEVEL"),
  ];
}

function listen(): Option {
  return new Option("--listen <addr|off>", "admin HTTP: health, metrics, status")
    .default("127.0.0.1:9469")
    .env("OUTFLOW_LISTEN");
}

function security(): Option[] {
  return [
    new Option("--secrets-dir <dir>", "mounted secrets: <namespace>/<name>/<key>, or <name>/<key>").env(
      "OUTFLOW_SECRETS_DIR",
    ),
    ...enforcementOptions(),
    allowSinkOption(),
    new Option("--max-policy-size <bytes>", "largest policy file")
      .argParser(count({ min: 1024 }))
      .default(1_048_576)
      .env("OUTFLOW_MAX_POLICY_SIZE"),
    new Option(
      "--admin-token-file <file>",
      "bearer token that the admin API asks for; needed where --listen is not loopback",
    ).env("OUTFLOW_ADMIN_TOKEN_FILE"),
    booleanOption("--allow-actions", "the admin API may pause, resume and retry sinks"),
  ];
}
