// A sink: connection, credentials, a write without samples, clock, kind and version, out-of-order window, limits. Nothing is stored.
import { formatDuration } from "../../config/duration.ts";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { RealHttpClient } from "../../http/client.ts";
import type { HttpClient } from "../../http/http.ts";
import { isPage } from "../../http/words.ts";
import { systemClock } from "../../platform/clock.ts";
import { printable } from "../../platform/printable.ts";
import { elsewhere } from "../../policy/endpoint.ts";
import type { Policy, Sink } from "../../policy/policy.ts";
import { MAX_BODY_BYTES } from "../../remotewrite/encode.ts";
import type { Verdict } from "../../remotewrite/judge.ts";
import { NO_SAMPLES } from "../../remotewrite/post.ts";
import { noteClock } from "./clock-check.ts";
import { clientRemedy, noteConnection, ofSink } from "./connection.ts";
import { type Finding, type Noted, notes } from "./finding.ts";
import { type Met, recording } from "./recorder.ts";
import { type ServerFacts, serverFacts } from "./server-facts.ts";

/** A sink and how the agent would send to it; `planWith` makes its plan over another client, or another endpoint. */
export type Examined = {
  policy: Policy;
  sink: Sink;
  planWith(http: HttpClient, endpoint?: string): SinkPlan;
};

const CLOCK_MS = 5_000;

export async function checkSink(
  { policy, sink, planWith }: Examined,
  settings: Settings,
  client: RealHttpClient,
  timeoutMs: number,
): Promise<Finding[]> {
  const note = notes(`${policy.namespace}/${policy.name}/${sink.name}`);
  const url = new URL(sink.endpoint);
  const recorder = recording(client, timeoutMs, systemClock.now);
  const plan = planWith(recorder.http);
  if (plan.refusal !== undefined) note.fail("accepted", plan.refusal.message, REFUSED[plan.refusal.reason]);
  if (!noteConnection(note, await client.probe(sink.endpoint), url, ofSink, systemClock.now())) return note.all;
  if (plan.refusal !== undefined) return note.all;

  const { verdict } = await write(plan, timeoutMs);
  const met = recorder.last();
  const other = async () => {
    const { origin } = url;
    for (const endpoint of PATHS.map((path) => origin + path).filter((e) => e !== sink.endpoint)) {
      const tried = recording(client, timeoutMs, systemClock.now);
      const { verdict } = await write(planWith(tried.http, endpoint), timeoutMs);
      if (verdict.kind === "delivered" && !answersPage(tried.last())) return endpoint;
    }
    return undefined;
  };
  if (!(await noteWrite(note, plan, verdict, met, other)) || met?.ok !== true) return note.all;
  noteClock(note, met.headers.date, met.atMs, CLOCK_MS, "receiver");
  const facts = await serverFacts(recorder.http, baseOf(url), credentialsIn(met.sent));
  noteKind(note, facts, met);
  noteOutOfOrder(note, facts);
  noteLimits(note, facts, settings);
  return note.all;
}

async function write(plan: SinkPlan, timeoutMs: number): Promise<{ verdict: Verdict }> {
  const sender = plan.makeSender();
  try {
    return await sender.post(NO_SAMPLES, AbortSignal.timeout(3 * timeoutMs));
  } finally {
    sender.close();
  }
}

const PATHS = [
  "/api/v1/write",
  "/api/v1/push",
  "/api/prom/push",
  "/insert/0/prometheus/api/v1/write",
  "/api/v1/receive",
];

const REFUSED: Readonly<Record<NonNullable<SinkPlan["refusal"]>["reason"], string>> = {
  InvalidAuthentication: "Correct the Secret that the sink names; outflow check shows its place.",
  SecretNotFound: "Add the Secret to the policy files or to --secrets-dir, in the policy's namespace.",
  InvalidEndpoint: "Correct the endpoint; outflow check shows its place.",
  UnknownSource: "Define the source in spec.sources, or remove it from the sink's sources.",
  InvalidQuery: "Correct the query; outflow query explain shows how it is read.",
};

const answersPage = (met: Met | undefined): boolean =>
  met?.ok === true && (isPage(met.text) || /^text\/html\b/i.test(met.headers["content-type"] ?? ""));

/** What the write met; returns whether it was taken. `other`: an endpoint at the same host that takes writes. */
async function noteWrite(
  note: Noted,
  plan: SinkPlan,
  verdict: Verdict,
  met: Met | undefined,
  other: () => Promise<string | undefined>,
): Promise<boolean> {
  const { auth, endpoint } = plan.info;
  const path = async (text: string) => {
    const found = await other();
    return found === undefined ? text : `Set endpoint to ${found}: it accepts remote write.`;
  };
  if (verdict.kind === "delivered") {
    if (answersPage(met)) {
      note.fail(
        "write",
        `answered with a page of HTML (${verdict.status}): this is not a remote-write endpoint`,
        await path("Correct host and path of endpoint: a login page, a proxy or a web interface answers there."),
      );
      return false;
    }
    const wrong = elsewhere(new URL(endpoint));
    if (wrong !== undefined) {
      note.fail(
        "write",
        `${wrong} answers ${verdict.status}, but is not a path for remote write: nothing would be stored`,
        await path("Correct the path of endpoint, often /api/v1/write."),
      );
      return false;
    }
    note.ok(
      "auth",
      auth === "none" ? "no credentials, and none are asked for" : `the credentials (${auth}) are accepted`,
    );
    note.ok("write", `takes a write without samples (${verdict.status})`);
    return true;
  }
  if (met?.ok === true && /remote write receiver needs to be enabled/i.test(met.text))
    note.fail("write", verdict.message, "Start Prometheus with --web.enable-remote-write-receiver.");
  else if (verdict.reason === "AuthenticationRejected")
    note.fail(
      "auth",
      verdict.message,
      verdict.status === 401
        ? auth === "none"
          ? "Put username and password into a Secret of type kubernetes.io/basic-auth and name it in authentication.basicAuth.secretRef (or the annotation outflow/bearer-secret)."
          : "Correct the credentials in the sink's Secret: the endpoint does not know them."
        : "Allow this user to write at the receiver (role, scope, tenant), or use credentials that may.",
    );
  else if (verdict.reason === "NotFound")
    note.fail(
      "write",
      verdict.message,
      await path("Correct the path of endpoint, often /api/v1/write or /api/v1/push."),
    );
  else if (verdict.reason === "TLSFailure")
    note.fail(
      "tls",
      verdict.message,
      /client certificate/.test(verdict.message)
        ? clientRemedy("sink")
        : "Compare the TLS settings of the receiver with --sink-ca, --sink-cert and --sink-key.",
    );
  else if (verdict.reason === "Timeout")
    note.fail(
      "write",
      verdict.message,
      "Something accepts connections there and does not answer: check host and port of endpoint, and firewalls and load balancers on the way.",
    );
  else if (verdict.reason === "Redirected")
    note.fail("write", verdict.message, "Set endpoint to the address that it redirects to.");
  else if (verdict.reason === "RateLimited" || verdict.reason === "ServerError")
    note.warn("write", verdict.message, "Check the receiver's log; outflow retries until it recovers.");
  else note.fail("write", verdict.message, "Correct scheme, host, port and path of endpoint.");
  return false;
}

/** What stands before the path of the write, where the API of the same server may be asked. */
const baseOf = ({ origin, pathname }: URL): string =>
  origin + pathname.replace(/\/api\/v1\/(write|push|receive)\/?$|\/push\/?$/, "").replace(/\/$/, "");

const credentialsIn = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(content-|user-agent|x-prometheus-|accept)/.test(name)),
  );

function noteKind(note: Noted, facts: ServerFacts, met: Met): void {
  const isVm = met.ok && met.headers["x-server-hostname"] !== undefined;
  const name = facts.application ?? (facts.kind === "unknown" ? (isVm ? "VictoriaMetrics" : "") : facts.kind);
  const version = facts.version === undefined ? "" : ` ${facts.version}`;
  note.ok("kind", name === "" ? "the receiver does not identify itself" : printable(`${name}${version}`, 80));
}

function noteOutOfOrder(note: Noted, { kind, outOfOrderMs }: ServerFacts): void {
  if (kind !== "Prometheus" || outOfOrderMs === undefined) return;
  if (outOfOrderMs > 0) return note.ok("order", `takes samples out of order (${formatDuration(outOfOrderMs)})`);
  note.warn(
    "order",
    "this Prometheus has no out_of_order_time_window: it refuses a whole request with one sample that is late or sent twice",
    "Set storage.tsdb.out_of_order_time_window: 1h in the configuration of the receiver.",
  );
}

function noteLimits(note: Noted, { kind, flags }: ServerFacts, settings: Settings): void {
  if (kind !== "VictoriaMetrics" || flags.size === 0) return;
  const number = (name: string) => Number(flags.get(name) ?? Number.NaN);
  const before = note.all.length;
  for (const [flag, limit, setting] of [
    ["maxLabelsPerTimeseries", settings.maxLabels, "--max-labels"],
    ["maxLabelValueLen", settings.maxLabelValueLength, "--max-label-value-length"],
  ] as const)
    if (limit > number(flag))
      note.warn(
        "limits",
        `the receiver takes at most ${flags.get(flag)} (-${flag}), and ${setting} is ${limit}: anything above is truncated or dropped there`,
        `Set ${setting} ${flags.get(flag)}, or raise -${flag} at the receiver.`,
      );
  if (number("maxInsertRequestSize") < MAX_BODY_BYTES)
    note.warn(
      "limits",
      `the receiver takes requests of at most ${flags.get("maxInsertRequestSize")} bytes (-maxInsertRequestSize)`,
      "Lower batch.maxSize, or raise -maxInsertRequestSize at the receiver: larger requests are refused and halved.",
    );
  if (note.all.length === before)
    note.ok(
      "limits",
      `at most ${flags.get("maxLabelsPerTimeseries") ?? "?"} labels a series, ${flags.get("maxLabelValueLen") ?? "?"} bytes a value, ${flags.get("maxInsertRequestSize") ?? "?"} bytes a request`,
    );
}
