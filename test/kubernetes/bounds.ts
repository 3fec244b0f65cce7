// The bounds of the ExportPolicy API as one list: each field at its limit and beyond it. The CRD and `outflow check` are held to it.
type Json = Record<string, unknown> | unknown[];

export type Bound = {
  field: string;
  what: string;
  /** Does the API take it? */
  ok: boolean;
  change(policy: Json): void;
};

const label = (n: number): string => "a".repeat(n);
/** Of DNS labels, `n` characters. */
const subdomain = (n: number): string =>
  `${`${label(62)}.`.repeat(Math.floor((n - 1) / 63))}${label(((n - 1) % 63) + 1)}`;

export const basePolicy = (): Json => ({
  apiVersion: "telemetry.miloapis.com/v1alpha1",
  kind: "ExportPolicy",
  metadata: { name: "bounds", namespace: "default" },
  spec: {
    sources: [{ name: "one", metrics: { metricsql: "up" } }],
    sinks: [
      {
        name: "cloud",
        sources: ["one"],
        target: {
          prometheusRemoteWrite: {
            endpoint: "https://example.com/api/v1/write",
            authentication: { basicAuth: { secretRef: { name: "cred" } } },
            batch: { maxSize: 500, timeout: "5s" },
            retry: { maxAttempts: 3, backoffDuration: "5s" },
          },
        },
      },
    ],
  },
});

/** Sets, or with undefined removes, the value at a path such as `spec.sinks.0.name`. */
function set(policy: Json, path: string, value: unknown): void {
  const keys = path.split(".");
  let at = policy as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = keys.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
}

const REMOTE_WRITE = "spec.sinks.0.target.prometheusRemoteWrite";
const sources = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `s${i}`, metrics: { metricsql: "up" } }));

function values(path: string, ok: readonly unknown[], refused: readonly unknown[]): Bound[] {
  const one = (value: unknown, isOk: boolean): Bound => {
    const shown = value === undefined ? "missing" : JSON.stringify(value);
    return {
      field: path,
      what: shown.length > 40 ? `${shown.slice(0, 30)}… (${shown.length - 2} characters)` : shown,
      ok: isOk,
      change: (policy) => set(policy, path, value),
    };
  };
  return [...ok.map((value) => one(value, true)), ...refused.map((value) => one(value, false))];
}

const DURATIONS = {
  ok: [
    "1ns",
    "1ms",
    "24h",
    "23h59m59.999s",
    "1.5h",
    ".5s",
    "1h30m",
    "300us",
    "300µs",
    `${"0".repeat(31)}1s`.slice(-32),
  ],
  refused: [
    "0s",
    "0",
    "-5s",
    "+5s",
    "5",
    "5 s",
    "1d",
    "",
    "24h1ns",
    "25h",
    "1e3s",
    "..5s",
    "5s5",
    `${"0".repeat(32)}1s`,
    5,
    undefined,
  ],
};
const NAMES = {
  ok: [label(1), label(63), "a-b-0"],
  refused: ["", label(64), "-a", "a-", "A", "a_b", "a.b", "ä", 5, undefined],
};

export const bounds: readonly Bound[] = [
  // spec
  ...values("spec", [], [{}, undefined, [], "x"]),
  // spec.sources
  ...values("spec.sources", [], [[], undefined, {}]),
  ...[1, 20, 21].map(
    (n): Bound => ({
      field: "spec.sources",
      what: `${n} sources`,
      ok: n <= 20,
      change(policy) {
        set(policy, "spec.sources", sources(n));
        set(policy, "spec.sinks.0.sources", ["s0"]);
      },
    }),
  ),
  {
    field: "spec.sources.0.name",
    what: "two of the same name",
    ok: false,
    change: (policy) => set(policy, "spec.sources", [...sources(1), ...sources(1)]),
  },
  ...[...NAMES.ok.map((name) => [name, true] as const), ...NAMES.refused.map((name) => [name, false] as const)].map(
    ([name, ok]): Bound => ({
      field: "spec.sources.0.name",
      what: JSON.stringify(name) ?? "missing",
      ok,
      change(policy) {
        set(policy, "spec.sources.0.name", name);
        if (ok) set(policy, "spec.sinks.0.sources", [name]);
      },
    }),
  ),
  ...values("spec.sources.0.metrics", [], [undefined, {}, "up"]),
  ...values(
    "spec.sources.0.metrics.metricsql",
    ["up", `up${" ".repeat(65_534)}`],
    ["", " \t", `up${" ".repeat(65_535)}`, 5, undefined],
  ),
  // spec.sinks
  ...values("spec.sinks", [], [[], undefined, {}]),
  ...[20, 21].map(
    (n): Bound => ({
      field: "spec.sinks",
      what: `${n} sinks`,
      ok: n <= 20,
      change(policy) {
        const { sinks } = (policy as { spec: { sinks: object[] } }).spec;
        set(
          policy,
          "spec.sinks",
          Array.from({ length: n }, (_, i) => ({ ...sinks[0], name: `s${i}` })),
        );
      },
    }),
  ),
  {
    field: "spec.sinks.0.name",
    what: "two of the same name",
    ok: false,
    change(policy) {
      const { sinks } = (policy as { spec: { sinks: object[] } }).spec;
      set(policy, "spec.sinks", [sinks[0], sinks[0]]);
    },
  },
  ...values("spec.sinks.0.name", NAMES.ok, NAMES.refused),
  ...values("spec.sinks.0.sources", [["one"]], [[], undefined, ["two"], ["one", "one"], "one", [5]]),
  ...[20, 21].map(
    (n): Bound => ({
      field: "spec.sinks.0.sources",
      what: `${n} names`,
      ok: n <= 20,
      change(policy) {
        set(policy, "spec.sources", sources(n));
        set(
          policy,
          "spec.sinks.0.sources",
          sources(n).map((s) => s.name),
        );
      },
    }),
  ),
  ...values("spec.sinks.0.target", [], [undefined, {}]),
  ...values(REMOTE_WRITE, [], [{}]),
  ...values(
    `${REMOTE_WRITE}.endpoint`,
    [
      "http://h",
      "https://h/",
      "HTTPS://example.com/api?x=y",
      "http://127.0.0.1:65535/w",
      "http://[::1]:9090/w",
      `http://h/${"a".repeat(2_039)}`,
    ],
    [
      "",
      "h",
      "/api/v1/write",
      "//h/w",
      "ftp://h/",
      "http://",
      "http:///w",
      "http://:80/",
      "http://u:p@h/",
      "http://u@h/",
      "http://h:65536/",
      "http://h:x/",
      "http://h/#f",
      "http://h/a b",
      "http://h\\w",
      `http://h/${"a".repeat(2_040)}`,
      5,
      undefined,
    ],
  ),
  ...values(`${REMOTE_WRITE}.authentication`, [{}, undefined], ["x"]),
  ...values(`${REMOTE_WRITE}.authentication.basicAuth`, [undefined], [{}, "x"]),
  ...values(`${REMOTE_WRITE}.authentication.basicAuth.secretRef`, [], [{}, undefined, "x"]),
  ...values(
    `${REMOTE_WRITE}.authentication.basicAuth.secretRef.name`,
    ["a", "a.b-c", subdomain(253)],
    ["", "A", "a_b", "-a", "a.", subdomain(254), 5, undefined],
  ),
  ...values(`${REMOTE_WRITE}.batch`, [undefined], [{}, "x"]),
  ...values(`${REMOTE_WRITE}.batch.maxSize`, [1, 5_000], [0, -1, 5_001, 1.5, "500", undefined]),
  ...values(`${REMOTE_WRITE}.batch.timeout`, DURATIONS.ok, DURATIONS.refused),
  ...values(`${REMOTE_WRITE}.retry`, [undefined], [{}, "x"]),
  ...values(`${REMOTE_WRITE}.retry.maxAttempts`, [1, 10], [0, -1, 11, 1.5, "3", undefined]),
  ...values(`${REMOTE_WRITE}.retry.backoffDuration`, DURATIONS.ok, DURATIONS.refused),
  // fields that nobody knows
  ...["spec.x", "spec.sources.0.x", "spec.sources.0.metrics.x", "spec.sinks.0.x", `${REMOTE_WRITE}.x`, "x"].map(
    (path): Bound => ({ field: path, what: "an unknown field", ok: false, change: (policy) => set(policy, path, "y") }),
  ),
];
