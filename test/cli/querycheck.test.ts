// What the operator enforces is in every query that is sent, or the query is refused.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StartError } from "../../src/cli/agent/start-error.ts";
import { queryRules, selectorOf } from "../../src/cli/querycheck.ts";
import type { PolicyIdentity } from "../../src/policy/verdict.ts";

const POLICY: PolicyIdentity = { namespace: "team-a", name: "edge", labels: { project: "p.1", "app/tier": "web" } };
const rules = (enforceFilter: string[], forbidLabel: string[] = [], policy = POLICY) => {
  const { check, sent } = queryRules({ enforceFilter, forbidLabel });
  return { check: (query: string) => check(query, policy), sent: (query: string) => sent(query, policy) };
};

describe("queryRules()", () => {
  test("the printed query is sent, never the author's bytes: a carriage return ends a comment for Prometheus", () => {
    assert.equal(rules([]).sent("  up { a = 'b' } # all of it").query, 'up{a="b"}');
    assert.equal(rules([]).sent('a # \r{tenant="x"}').query, "a");
    assert.equal(rules([], ["tenant"]).sent('a # \r{tenant="x"}').query, "a");
    assert.equal(rules([]).sent("sum(rate(a[5m])) + 1 + 2").query, "sum(rate(a[5m])) + 1 + 2");
    assert.deepEqual(rules([]).sent("up").extraFilters, []);
  });

  test("several filters hold at once, alternatives of one are alternatives", () => {
    const r = rules(['{project="p1"}', '{env="a" or env="b"}']);
    assert.deepEqual(r.sent("up"), {
      query: 'up{project="p1",env="a" or project="p1",env="b"}',
      extraFilters: ['{project="p1",env="a"}', '{project="p1",env="b"}'],
    });
    assert.deepEqual(r.sent(r.sent("up").query), r.sent("up"));
  });

  test("everywhere: arguments, operands, subqueries, @, templates, and {}", () => {
    const sent = rules(['{p="1"}']).sent(
      "sum(a) + b offset 1h + max_over_time(c[1h:1m]) + (d @ e) + {} + WITH (x = f) x",
    );
    assert.equal(sent.query.match(/p="1"/g)?.length, 7);
  });

  for (const filter of ["", "{", "{}", "up", 'up{a="b"}', '{a=~"("}', "sum(up)", "up[5m]"])
    test(`a filter that cannot be enforced ends the start: ${filter}`, () => {
      assert.throws(
        () => rules([filter]),
        (error) => error instanceof StartError && /--enforce-filter/.test(error.message),
      );
    });

  test("filters of the policy: its namespace, name and labels, as texts", () => {
    const sent = (filter: string, policy?: PolicyIdentity) => rules([filter], [], policy).sent("up");
    assert.deepEqual(sent('{project="{namespace}", edge="{name}-{label:app/tier}"}'), {
      query: 'up{project="team-a",edge="edge-web"}',
      extraFilters: ['{project="team-a",edge="edge-web"}'],
    });
    assert.equal(sent('{project=~"x{2,3}{label:project}"}').query, 'up{project=~"x{2,3}p\\\\.1"}');
    const hostile = { ...POLICY, labels: { project: '"} or {a="' } };
    assert.equal(sent('{project="{label:project}"}', hostile).query, 'up{project="\\"} or {a=\\""}');
    const pattern = { ...POLICY, labels: { project: ".*|x" } };
    assert.equal(sent('{project=~"{label:project}"}', pattern).query, 'up{project=~"\\\\.\\\\*\\\\|x"}');
  });

  test("a placeholder that stands for nothing refuses the query; one that nobody knows ends the start", () => {
    for (const policy of [
      { ...POLICY, labels: {} },
      { ...POLICY, labels: { project: "" } },
    ]) {
      const r = rules(['{project="{label:project}"}'], [], policy);
      assert.throws(() => r.sent("up"), /the policy has no label project/);
      const verdict = r.check("up");
      assert.ok(
        !verdict.ok && /cannot be given the operator's filters .*the policy has no label project/.test(verdict.message),
      );
    }
    assert.throws(() => rules(['{a="{namespace}"}'], [], { ...POLICY, namespace: "" }).sent("up"), /no namespace/);
    for (const unknown of ["{project}", "{label:}", "{Namespace}"])
      assert.throws(
        () => rules([`{a="${unknown}"}`]),
        (error) => error instanceof StartError && /unknown placeholder .* there are \{namespace\}/.test(error.message),
        unknown,
      );
  });

  test("a forbidden label: in any selector, with its place; grouping by it is allowed", () => {
    const { check } = rules([], ["tenant"]);
    const verdict = (query: string) => {
      const v = check(query);
      return v.ok ? "ok" : v.offset;
    };
    assert.equal(verdict('sum(a{b="c"}) + sum(d{tenant=~"x.*"})'), 22);
    assert.equal(verdict('{a="b" or tenant!="c"}'), 10);
    assert.equal(verdict("WITH (t = {tenant='x'}) up{t}"), 11);
    assert.equal(verdict("sum(up) by (tenant)"), "ok");
    assert.equal(verdict('label_match(up, "tenant", "x")'), 16);
    assert.equal(verdict("a and on(tenant) b"), 6);
  });

  test("a query that brings the source down is refused", () => {
    const verdict = rules([]).check("a + (on)");
    assert.ok(!verdict.ok && /may crash the source: VictoriaMetrics 1\.79 panics/.test(verdict.message));
  });

  test("a label that Prometheus cannot take as it is sent: a warning", () => {
    const verdict = rules([]).check('up{a\\.b="c"}');
    assert.ok(verdict.ok);
    assert.deepEqual(
      verdict.warnings.map((w) => w.message),
      ["Prometheus refuses the label a.b: outflow sends it without quotes, which only VictoriaMetrics accepts"],
    );
  });

  test("an empty --forbid-label ends the start", () => assert.throws(() => rules([], [""]), StartError));

  test("kinds by the tree", () => {
    const kind = (query: string) => {
      const v = rules([]).check(query);
      return v.ok && v.kind;
    };
    for (const raw of ["up", "(up)", '{a="b" or c="d"}', "WITH (x = up) x", "+up"]) assert.equal(kind(raw), "raw", raw);
    for (const evaluated of ["-up", "sum(up)", "up + 1", "last_over_time(up[5m])", "up or down", "time()"])
      assert.equal(kind(evaluated), "evaluated", evaluated);
  });
});

test("selectorOf() selects as a server does", () => {
  const of = (selector: string, labels: Record<string, string>) => selectorOf(selector)(labels);
  assert.equal(of('m{a="b"}', { __name__: "m", a: "b" }), true);
  assert.equal(of('m{a="b"}', { __name__: "n", a: "b" }), false);
  assert.equal(of('{a=~"b.*",c!="d"}', { a: "bcd" }), true);
  assert.equal(of('{a=~"b"}', { a: "bc" }), false, "regexes are anchored");
  assert.equal(of('{a!~"b|c"}', { a: "c" }), false);
  assert.equal(of('{a="x" or c="d"}', { c: "d" }), true);
  assert.throws(() => of("sum(up)", {}));
});
