// The metricsql library as the agent uses it: what a policy's query is, what of it is refused, what text is sent for it. What the
// operator enforces is read once, at the start: a filter that cannot be read ends the start (fail closed).
import { RE2JS } from "re2js";
import type { Settings } from "../config/settings.ts";
import {
  type Checked,
  check,
  enforce,
  type LabelFilter,
  MetricsQLError,
  type Pos,
  parse,
  parseSelector,
  selectionsBy,
  toSafeString,
} from "../metricsql/mod.ts";
import type { CheckQuery, PolicyIdentity, QueryVerdict } from "../policy/verdict.ts";
import { StartError } from "./agent/start-error.ts";

/** VictoriaMetrics takes 16 KiB by default; anything longer is refused. */
export const LIMITS = { maxLength: 65_536 };

export type QueryRules = {
  check: CheckQuery;
  /**
   * What is sent for a policy's query, printed from the parsed one, with the enforced filters; the same filters as VictoriaMetrics' `extra_filters[]`,
   * alternatives, to be enforced once more. Throws MetricsQLError rather than send without them.
   */
  sent(query: string, policy: PolicyIdentity): { query: string; extraFilters: string[] };
};

/** Throws StartError for a filter or label that cannot be enforced. */
export function queryRules({
  enforceFilter,
  forbidLabel,
  milo = "off",
}: Pick<Settings, "enforceFilter" | "forbidLabel"> & Partial<Pick<Settings, "milo">>): QueryRules {
  const alternatives = alternativesOf(enforceFilter, milo !== "off");
  const forbidden = forbidLabel.map(labelOf);
  // Always printed from the tree that was checked, never the author's bytes: another server may read those in another way.
  const sent = (query: string, policy: PolicyIdentity) => {
    if (alternatives.length === 0)
      return { query: toSafeString(parse(query, { ...LIMITS, fold: false })), extraFilters: [] };
    const filled = alternatives.map((group) => group.map((filter) => filledIn(filter, policy)));
    return {
      query: enforce(query, filled, LIMITS).query,
      extraFilters: filled.map((group) => selectorText([group])),
    };
  };
  return { check: (query, policy) => verdict(query, forbidden, (text) => sent(text, policy)), sent };
}

/** All selectors hold at once: each group of one is combined with each group of the next. */
function alternativesOf(selectors: readonly string[], withProject: boolean): LabelFilter[][] {
  const all = selectors.map((text) => {
    const cannot = (why: string) =>
      new StartError(
        `cannot enforce --enforce-filter ${JSON.stringify(text)}: ${why}. Write a selector such as '{project="p1"}'.`,
      );
    try {
      const { groups } = parseSelector(text);
      // What cannot be enforced at all is known now.
      enforce(
        "up",
        groups.map((group) => group.map((filter) => filledIn(filter, SOMEBODY))),
      );
      const unknown = groups
        .flat()
        .flatMap(({ value }) => [...value.matchAll(PLACEHOLDER)])
        .find(([, what]) => !KNOWN.test(what!) || (what === "project" && !withProject));
      if (unknown !== undefined)
        throw cannot(
          `unknown placeholder ${unknown[0]}; there are {namespace}, {name}, {label:KEY} and, with --milo, {project} of the policy`,
        );
      return groups;
    } catch (error) {
      if (!(error instanceof MetricsQLError)) throw error;
      throw cannot(error.message);
    }
  });
  if (all.length === 0) return [];
  return all.reduce((done, groups) => done.flatMap((before) => groups.map((group) => [...before, ...group])), [[]]);
}

/** `{2,3}` in a regular expression is not a placeholder. */
const PLACEHOLDER = /\{([a-zA-Z][^{}]*)\}/g;
const KNOWN = /^(namespace|name|project|label:.+)$/;
const SOMEBODY: PolicyIdentity = { namespace: "n", name: "n", project: "p", labels: new Proxy({}, { get: () => "l" }) };

/** With what the placeholders stand for, as text also in a regular expression. Throws where one stands for nothing: `a=""` would be no filter. */
function filledIn(filter: LabelFilter, policy: PolicyIdentity): LabelFilter {
  const { name, labels, project } = policy;
  // Two projects may have a namespace of the same name.
  const namespace = project === undefined ? policy.namespace : policy.namespace.replace(`${project}:`, "");
  const isRegex = filter.op === "=~" || filter.op === "!~";
  const value = filter.value.replace(PLACEHOLDER, (whole, what: string) => {
    if (!KNOWN.test(what)) return whole;
    const label = what.slice("label:".length);
    const text = what.startsWith("label:") ? labels[label] : { namespace, name, project }[what];
    if (text === undefined || text === "")
      throw new MetricsQLError(
        "syntax",
        `the policy has no ${what.startsWith("label:") ? `label ${label}` : what}`,
        filter.value,
        { offset: 0, length: 0 },
      );
    return isRegex ? text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : text;
  });
  return { ...filter, value };
}

function labelOf(name: string): string {
  if (name.trim() !== "") return name;
  throw new StartError("--forbid-label is empty: name a label such as project.");
}

function verdict(query: string, forbidden: readonly string[], sent: (query: string) => unknown): QueryVerdict {
  const checked = check(query, LIMITS);
  if (!checked.ok) return refusal(`is not valid MetricsQL: ${checked.error.message}`, checked.error);
  const { expr, isSelector, warnings, hazards } = checked;
  const own = ownRollup(query, checked);
  if (own !== undefined) return own;
  if (expr.kind === "string") return refusal("is a string, not a query; write a selector or an expression", expr.span);
  const use = forbidden.flatMap((label) => selectionsBy(expr, label))[0];
  if (use !== undefined) return refusal(`${use.how}, which the operator forbids (--forbid-label); remove it`, use.span);
  const hazard = hazards[0];
  if (hazard !== undefined) return refusal(`may crash the source: ${hazard.message}`, hazard.span);
  try {
    sent(query);
  } catch (error) {
    if (!(error instanceof MetricsQLError)) throw error;
    return refusal(
      `cannot be given the operator's filters (${error.message}); write it more simply, or ask the operator`,
      undefined,
    );
  }
  return {
    ok: true,
    kind: isSelector ? "raw" : "evaluated",
    ...(expr.kind === "metric" ? { filters: expr.groups.map((group) => group.map(plain)) } : {}),
    warnings: [
      ...warnings.map(({ message, span }) => ({ message, offset: span.offset })),
      ...emptiness(checked),
      ...escapedLabels(checked),
    ],
  };
}

/** A selector with a window, an offset or a time of its own: outflow reads every sample. */
function ownRollup(query: string, { expr, rolledSelector: rolled }: Checked): QueryVerdict | undefined {
  if (rolled === undefined || expr.kind !== "rollup") return undefined;
  const spans = [expr.bracketSpan, expr.offsetSpan, expr.atSpan].filter((span) => span !== undefined);
  const parts = spans.map(({ offset, length }) => query.slice(offset, offset + length).trim());
  return refusal(`remove ${parts.join(" and ") || "the window"}: outflow reads every sample`, spans[0] ?? expr.span);
}

function emptiness({ expr, selectors }: Checked): { message: string; offset: number }[] {
  if (selectors.length === 0)
    return [{ message: "selects no series: the same value is sent forever; name a metric", offset: expr.span.offset }];
  return selectors
    .filter(({ groups }) => groups.length === 0)
    .map(({ span }) => ({
      message: "{} selects every series, and Prometheus refuses it; name a metric or a label",
      offset: span.offset,
    }));
}

/** Labels that have to be escaped: only VictoriaMetrics knows escapes, and before v1.80 it knows no labels in quotes. */
function escapedLabels({ selectors }: Checked): { message: string; offset: number }[] {
  const filters = selectors
    .flatMap(({ groups }) => groups.flat())
    .filter((f) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(f.label));
  return [...new Map(filters.map((f) => [f.label, f])).values()].map((f) => ({
    message: `Prometheus refuses the label ${f.label}: outflow sends it without quotes, which only VictoriaMetrics accepts`,
    offset: f.span?.offset ?? 0,
  }));
}

const refusal = (message: string, at: Pos | undefined): QueryVerdict => ({
  ok: false,
  message,
  offset: at?.offset ?? 0,
});
const plain = ({ label, op, value }: LabelFilter): LabelFilter => ({ label, op, value });
const selectorText = (groups: LabelFilter[][]): string =>
  toSafeString({ kind: "metric", groups, span: { offset: 0, length: 0 } });

/** Which series a selector selects; throws MetricsQLError. For the demo's source. */
export function selectorOf(selector: string): (labels: Record<string, string>) => boolean {
  const groups = parseSelector(selector).groups.map((group) => group.map(matcher));
  return (labels) => groups.some((group) => group.every((matches) => matches(labels)));
}

function matcher({ label, op, value }: LabelFilter): (labels: Record<string, string>) => boolean {
  const pattern = op === "=~" || op === "!~" ? RE2JS.compile(value, RE2JS.DOTALL) : undefined;
  const is = (text: string) => (pattern === undefined ? text === value : pattern.matches(text));
  const wanted = op === "=" || op === "=~";
  return (labels) => is(labels[label] ?? "") === wanted;
}
