// The samples are valid, say what they show, and name the schema, whose copy in docs/ is the one that `check --schema` prints.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { queryRules } from "../../src/cli/querycheck.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { jsonSchema } from "../../src/policy/json-schema.ts";
import { loadPolicies } from "../../src/policy/load.ts";

const root = new URL("../../", import.meta.url).pathname;
const names = readdirSync(`${root}policies`).filter((name) => name.endsWith(".yaml"));
const load = (...files: string[]) =>
  loadPolicies(files, {
    files: systemFiles,
    checkQuery: queryRules({ enforceFilter: [], forbidLabel: [] }).check,
    maxPolicySize: 1_048_576,
    missingSecret: "problem",
    uselessSecret: "problem",
  });

describe("samples", () => {
  test("all that are promised are there", () => {
    for (const name of ["minimal", "two-sinks", "basic-auth", "expression", "tuned", "many-sources", "demo"])
      assert.ok(names.includes(`${name}.yaml`), name);
  });

  for (const name of names) {
    test(`${name} is valid, commented, and names the schema`, () => {
      const { policies, problems } = load(`${root}policies/${name}`);
      assert.deepEqual(
        problems.filter((p) => p.severity === "problem"),
        [],
      );
      assert.equal(policies.length, 1);
      const [first, second] = readFileSync(`${root}policies/${name}`, "utf8").split("\n");
      assert.equal(first, "# yaml-language-server: $schema=../docs/exportpolicy.schema.json");
      assert.match(second!, /^# .{40}/);
    });
  }

  test("they are what they are named for", () => {
    const sample = (name: string) => load(`${root}policies/${name}.yaml`).policies[0]!;
    assert.equal(sample("two-sinks").sinks.length, 2);
    assert.equal(sample("basic-auth").sinks[0]!.credentials?.username, "123456");
    assert.equal(sample("expression").sources[0]!.kind, "evaluated");
    assert.deepEqual(sample("tuned").sinks[0]!.batch, { maxSize: 5000, timeoutMs: 20_000 });
    assert.deepEqual(sample("tuned").settings.externalLabels, [["site", "edge-7"]]);
    assert.ok(sample("many-sources").sources.length >= 6);
  });

  test("together they load too", () => assert.equal(load(`${root}policies`).policies.length, names.length));
});

describe("the JSON Schema", () => {
  test("docs/exportpolicy.schema.json is what outflow check --schema prints", () => {
    const copy = readFileSync(`${root}docs/exportpolicy.schema.json`, "utf8");
    assert.equal(
      copy,
      `${JSON.stringify(jsonSchema(), null, 2)}\n`,
      "outflow check --schema > docs/exportpolicy.schema.json",
    );
  });

  test("it has every field that the samples use, with limits, and refuses unknown ones", () => {
    for (const name of names)
      for (const document of parseAllDocuments(readFileSync(`${root}policies/${name}`, "utf8")))
        if ((document.toJS() as { kind: string }).kind === "ExportPolicy") follow(jsonSchema(), document.toJS(), name);
    const text = JSON.stringify(jsonSchema());
    for (const limit of [
      '"maximum":5000',
      '"maximum":10',
      '"maxItems":20',
      '"maxLength":63',
      '"additionalProperties":false',
    ])
      assert.ok(text.includes(limit), limit);
  });
});

type Node = { properties?: Record<string, Node>; items?: Node; anyOf?: Node[]; additionalProperties?: unknown };

/** Every key of a document stands in the schema. */
function follow(schema: Node, value: unknown, path: string): void {
  const node = schema.anyOf?.[0] ?? schema;
  if (Array.isArray(value)) for (const item of value) follow(node.items ?? {}, item, path);
  if (typeof value !== "object" || value === null || Array.isArray(value) || node.properties === undefined) return;
  for (const [key, below] of Object.entries(value)) {
    assert.ok(node.properties[key], `${path}.${key}`);
    follow(node.properties[key], below, `${path}.${key}`);
  }
}
