// Messages, docs, comments and names of tests are standard technical English: idiom that was translated word by word does not come back.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "..");

/** What not to write, and what to write. */
const phrases: [pattern: RegExp, instead: string][] = [
  [
    /\bis no (?:duration|YAML|number|string|label|address|pattern|time|quantity|URL|JSON|HTTP|key)\b/,
    "is not a valid …",
  ],
  [/\bthat (?:is|are) none\b/, "that is not valid"],
  [/\bnobody listens\b/i, "connection refused"],
  [/\bthere is no way to\b/i, "no route to"],
  [/\bmended\b/, "fixed"],
  [/\bof the answer is none\b/, "malformed …"],
  [/\bdoes not speak\b/, "did not answer with HTTP"],
  [/\bis no more\b/, "no longer exists"],
  [/\bhas caught up in about\b/, "should catch up in about"],
  [/\bat the begin\b/, "at the beginning"],
  [/\bcan be had\b/, "is available"],
  [/\bdear\b/, "expensive"],
  [/\btakes? a rest\b/, "pauses"],
  [/\bis not spoken\b/, "is not supported"],
  [/\bin silence\b/, "silently"],
  [/\banew\b/, "again"],
  [/\bis said by\b/, "is reported by"],
  [/\blets? go of\b/, "releases"],
  [/\bgo(?:es)? on\b/, "continues"],
  [/\bby itself\b/, "on its own, automatically"],
  [/\bhad back\b/, "recovered"],
  [/\bthe way to the (?:endpoint|source|receiver)\b/, "the route to"],
  [
    /(?<!there )\b(?:is|are|was|were) no (?!longer\b|larger\b|matter\b)(?:[a-z]+ )*(?:attempt|write|state|fault|pod|object|document|text|edit|base|news|usual|such|series|secret|collision|retry|reason|trouble|whole|proof|record|member|metric|file|answer|request)s?\b/i,
    "is not a …",
  ],
  [/\bfor ever\b/, "forever"],
  [/\bof no use\b/, "not usable"],
  [/\bstretch(?:es)? of time\b/, "time range"],
  [/\bby (?:chance|turns)\b/, "at random, in turn"],
  [/\bin one go\b/, "at once"],
  [/\bfor want of\b/, "because … is missing"],
  [/\bis believed\b/, "is accepted, is assumed"],
  [/\bbatches are taken\b|\btakes the batches\b/, "are accepted, accepts"],
  [/\bsettings that hold\b/, "settings in effect"],
  [/\bwhoever is in between\b/, "anyone on the network path"],
  [/\b(?:went|goes|go|gone) deaf\b/, "stalled"],
  [/\bwhere it goes\b|\bwhose it is\b/i, "CPU by …"],
  [/\blooked into\b/, "searched, examined"],
];

test("no translated idiom in sources, tests, benches, docs and packaging", () => {
  const files = globSync(
    [
      "{src,tui,test,bench}/**/*.{ts,tsx}",
      "policies/**/*.yaml",
      ".ci/run",
      "docs/**/*.md",
      "packaging/**/*.{md,sh,yaml,service}",
      "{README,CHANGELOG,CONTRIBUTING}.md",
    ],
    { cwd: root },
  ).filter((file) => file !== "test/words.test.ts");
  assert.ok(files.length > 600, `${files.length} files`);
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, i) =>
        phrases
          .filter(([pattern]) => pattern.test(line))
          .map(([, instead]) => `${file}:${i + 1}: write "${instead}": ${line.trim()}`),
      ),
  );
  assert.deepEqual(found, []);
});
