// The policies of a running agent: loads them with the last good version of files that have problems, and knows when they are to
// be loaded again.
import type { Settings } from "../../config/settings.ts";
import { type Files, systemFiles } from "../../platform/files.ts";
import { type Definitions, firstDefinitions } from "../../policy/definitions.ts";
import { lastGood } from "../../policy/last-good.ts";
import { type LoadOptions, resolvePolicies } from "../../policy/load.ts";
import { isPolicyFile, policyPath } from "../../policy/paths.ts";
import type { LoadResult } from "../../policy/policy.ts";
import { type Reading, readPolicies } from "../../policy/read.ts";
import type { CheckQuery } from "../../policy/verdict.ts";
import { listing, Watch } from "../../policy/watch.ts";

export type PolicyFiles = { load(): LoadResult; look(): boolean };

/** Who was first with each name is kept over a restart. */
export type KeptDefinitions = { definitions(): Definitions; saveDefinitions(definitions: Definitions): void };

function keptInMemory(): KeptDefinitions {
  let kept: Definitions = new Map();
  return {
    definitions: () => kept,
    saveDefinitions: (definitions) => {
      kept = definitions;
    },
  };
}

type Needs = Pick<
  Settings,
  "policies" | "secretsDir" | "maxPolicySize" | "maxWindow" | "maxBackfill" | "maxConcurrency"
> &
  Partial<Pick<Settings, "onExhausted">>;

export function policyFiles(
  settings: Needs,
  checkQuery: CheckQuery,
  kept: KeptDefinitions = keptInMemory(),
  files: Files = systemFiles,
): PolicyFiles {
  const { policies: paths, secretsDir, maxPolicySize } = settings;
  const options: LoadOptions = {
    files,
    checkQuery,
    limits: {
      maxWindowMs: settings.maxWindow,
      maxBackfillMs: settings.maxBackfill,
      maxConcurrency: settings.maxConcurrency,
    },
    onExhausted: settings.onExhausted,
    secretsDir,
    maxPolicySize,
  };
  const watch = new Watch(() =>
    [
      listing(
        paths.map((path) => policyPath(path).path),
        files,
        isPolicyFile,
      ),
      listing(secretsDir === undefined ? [] : [secretsDir], files),
    ].join("\n"),
  );
  let good: Reading | undefined;
  return {
    look: () => watch.look(),
    load() {
      return watch.load(() => {
        good = lastGood(good, readPolicies(paths, options));
        const first = firstDefinitions(good, kept.definitions());
        kept.saveDefinitions(first.definitions);
        return resolvePolicies(first.reading, options);
      });
    },
  };
}
