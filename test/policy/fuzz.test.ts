// Fuzzing the reader: mutated samples and documents, and random bytes. No crash, no hang, no secret in an output.
//   OUTFLOW_FUZZ_INPUTS=200000 OUTFLOW_FUZZ_SEED=7 npm test -- test/policy/fuzz.test.ts
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { queryRules } from "../../src/cli/querycheck.ts";
import type { Files } from "../../src/platform/files.ts";
import { loadPolicies } from "../../src/policy/load.ts";
import type { LoadResult } from "../../src/policy/policy.ts";
import { policyYaml } from "../../src/policy/print.ts";
import { githubLine, jsonReport, problemText } from "../../src/policy/report.ts";
import { documents } from "./documents.ts";

const INPUTS = Number(process.env.OUTFLOW_FUZZ_INPUTS ?? 10_000);
const SEED = Number(process.env.OUTFLOW_FUZZ_SEED ?? 1);
const MARK = "hunter2";
const CPU_LIMIT_MS = 1_000;

const { check: checkQuery } = queryRules({ enforceFilter: ['{project="p1"}'], forbidLabel: ["tenant"] });

function load(bytes: Uint8Array): LoadResult {
  const info = { kind: "file", size: bytes.length, mode: 0o600, version: "" } as const;
  const files: Files = { info: () => info, list: () => undefined, real: (path) => path, read: () => bytes };
  return loadPolicies(["p.yaml"], { files, checkQuery, maxPolicySize: 1_048_576 });
}

/** mulberry32: the same inputs every time. */
function random(seed: number): (below: number) => number {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const dir = new URL("../../policies/", import.meta.url).pathname;
const seeds: Buffer[] = [
  ...readdirSync(dir).map((name) => readFileSync(dir + name, "utf8").replaceAll("change-me", MARK)),
  // A password that is a key may be anything once it stands in another document.
  ...Object.values(documents)
    .flatMap((cases) => cases.map(([, text]) => text))
    .filter((text) => !`${text}`.includes(`${MARK}: `)),
]
  .map((text) => Buffer.from(text as string))
  .filter((text) => text.length < 10_000);

const PIECES = [
  "\n",
  " ",
  ":",
  "- ",
  "{",
  "}",
  "[",
  "]",
  "&a ",
  "*a",
  "|",
  ">",
  "'",
  '"',
  "#",
  "---\n",
  "\t",
  "!",
  "? ",
  "%",
  "\u202e",
  "\x1b[2J",
  "😀",
  "0",
  "null",
  "yes",
].map((s) => Buffer.from(s));

function mutant(pick: (below: number) => number): Buffer {
  if (pick(20) === 0) return Buffer.from(Array.from({ length: pick(400) }, () => pick(256)));
  let text = seeds[pick(seeds.length)]!;
  for (let n = pick(3) === 0 ? 1 + pick(4) : 1; n > 0; n--) {
    const at = pick(text.length + 1);
    const length = pick(30);
    const cut = () => text.subarray(at + length);
    switch (pick(6)) {
      case 0:
        text = Buffer.concat([text.subarray(0, at), cut()]);
        break;
      case 1:
        text = Buffer.concat([text.subarray(0, at), PIECES[pick(PIECES.length)]!, text.subarray(at)]);
        break;
      case 2:
        text = Buffer.concat([text.subarray(0, at), PIECES[pick(PIECES.length)]!, cut()]);
        break;
      case 3: {
        const from = pick(text.length + 1);
        text = Buffer.concat([text.subarray(0, at), text.subarray(from, from + 200), text.subarray(at)]);
        break;
      }
      case 4:
        text = Buffer.concat([text.subarray(0, at), Buffer.from([pick(256)]), text.subarray(at + 1)]);
        break;
      default: {
        const other = seeds[pick(seeds.length)]!;
        text = Buffer.concat([text.subarray(0, at), other.subarray(pick(other.length + 1))]);
      }
    }
  }
  return text;
}

/** What a splice has put into a query or a path is not a secret there: it is printed, as anybody's would be. */
const spilled = ({ sources, sinks }: LoadResult["policies"][number]): boolean =>
  sources.some(({ query }) => query.includes(MARK)) ||
  sinks.some(({ endpoint }) => new URL(endpoint).pathname.includes(MARK));

/** Nor is it one in a document other than a Secret: the excerpt of a line there shows what stands in it. */
const spilledText = (text: string): boolean =>
  text.split(/^---/m).some((document) => document.includes(MARK) && !document.includes("Secret"));

test(`${INPUTS} inputs: no crash, no hang, no secret in an output`, () => {
  const pick = random(SEED);
  let valid = 0;
  let problems = 0;
  for (let n = 0; n < INPUTS; n++) {
    const input = mutant(pick);
    const before = process.cpuUsage().user;
    let loaded: LoadResult;
    try {
      loaded = load(input);
    } catch (error) {
      assert.fail(`input ${n} of seed ${SEED}: ${(error as Error).stack}\n${input.toString("base64")}`);
    }
    const cpuMs = (process.cpuUsage().user - before) / 1000;
    assert.ok(cpuMs < CPU_LIMIT_MS, `input ${n} of seed ${SEED} took ${cpuMs} ms: ${input.toString("base64")}`);
    const excerpts = !spilledText(input.toString());
    const said = [
      ...loaded.problems.flatMap((p) => [problemText(p, excerpts), githubLine(p)]),
      JSON.stringify(jsonReport(loaded)),
      ...loaded.policies.filter((policy) => !spilled(policy)).map(policyYaml),
    ].join("\n");
    assert.ok(!said.includes(MARK), `input ${n} of seed ${SEED} tells a secret:\n${said}\n${input}`);
    assert.doesNotMatch(said.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f\u202e]/, `input ${n} of seed ${SEED}`);
    valid += loaded.policies.length;
    problems += loaded.problems.length;
  }
  // It would say nothing if the inputs were all alike.
  assert.ok(valid > INPUTS / 25 && problems > INPUTS / 4, `${valid} policies, ${problems} problems`);
});
