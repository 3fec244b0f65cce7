// Everything that a sink may be in, as its user meets it: a title, and the events that lead there. Explanations, the troubleshooting
// page and its golden text are made from these.
import { probeDelayMs } from "../../src/remotewrite/backoff.ts";
import { phases } from "../tui/frames.tsx";
import { type Failure, rateLimited, rejected, Story, serverError, sinkInfo, unauthorized } from "./scenes.ts";

export const ID = "default/edge/cloud";

const start = (more: Parameters<typeof sinkInfo>[1] = {}) =>
  new Story([sinkInfo(ID, more)]).sourceAnswers().wait(1_000);
const flowing = (more: Parameters<typeof sinkInfo>[1] = {}) => start(more).flows([{ id: ID, samples: 500 }], 60_000);

const failsTwice = (
  failure: Parameters<Story["fails"]>[3],
  evidence?: string,
  more: Parameters<typeof sinkInfo>[1] = {},
) => {
  const story = flowing(more).read(ID, 1_000).fails(ID, 1, 5_000, failure);
  if (evidence !== undefined && failure !== undefined)
    story.event({ type: "evidence", id: ID, reason: failure.reason, text: evidence });
  return story.wait(5_000).fails(ID, 2, 10_000, failure).wait(3_000);
};

const dns = {
  reason: "EndpointUnreachable",
  message: "The endpoint's name does not resolve (ENOTFOUND): check the host in endpoint, and DNS.",
} as const;
const tls = {
  reason: "TLSFailure",
  message: "The TLS connection failed (CERT_HAS_EXPIRED): certificate has expired",
} as const;
const silent = { reason: "Timeout", message: "The endpoint did not respond in time (TIMEOUT)." } as const;
const noHttp = {
  reason: "ProtocolError",
  message: "The endpoint did not answer with HTTP (NOT_HTTP): check scheme and port.",
} as const;
const refused = {
  reason: "EndpointUnreachable",
  message: "Connection refused (ECONNREFUSED): is the receiver up, and the port right?",
} as const;
const notFound = {
  reason: "NotFound",
  status: 404,
  message:
    "The endpoint does not accept remote write at this path (404): check the path of endpoint, often /api/v1/write or /api/v1/push. It said: 404 page not found",
} as const;
const wrongPathIs400 = {
  reason: "NotFound",
  status: 400,
  message:
    'The endpoint refuses every write (400), also one without samples: check the path of endpoint, often /api/v1/write or /api/v1/push. It said: unsupported path requested: "/api/v1/wirte"',
} as const;
const forbidden = {
  reason: "AuthenticationRejected",
  status: 403,
  message:
    "The endpoint does not allow this user to write (403): check the permissions of the credentials in the sink's Secret. It said: tenant is read-only",
} as const;
const redirected = {
  reason: "Redirected",
  status: 308,
  message:
    "The endpoint redirects (308) to https://metrics.example.com/api/v1/write, which is not followed: set endpoint to the final address.",
} as const;

/** The sink is held for `ms`, with the probes of that time. */
function held(story: Story, failure: Failure, ms: number): Story {
  story.read(ID, 1_000);
  for (let n = 1, left = ms; ; n++) {
    const delay = probeDelayMs(n);
    story.holds(ID, delay, failure);
    if (left < delay) return story.wait(left);
    story.wait(delay);
    left -= delay;
  }
}

/** Three attempts, then the batch is given up; and the next one too. */
function exhausted(): Story {
  const story = flowing().read(ID, 2_000);
  for (const batch of [1, 2]) {
    story.fails(ID, 1, 5_000).wait(5_000).fails(ID, 2, 10_000).wait(10_000).fails(ID, 3, 20_000);
    story.drops(ID, "exhausted", 1_000, "Gave up after 3 attempts.", { kept: true });
    story.wait(batch === 1 ? 20_000 : 2_000);
  }
  return story;
}

const quarantine = {
  series: '{__name__="http_requests_total", instance="gw-7", path="/a"}',
  message: "The endpoint refused samples (400). It said: out of order sample",
};

const situations: Record<string, () => Story> = {
  "Data arrives": () => flowing(),
  "The agent has just started": () => start(),
  "The query selects nothing at present": () => {
    const story = flowing();
    for (let i = 0; i < 7; i++) story.wait(15_000).read(ID, 0).settled(ID);
    return story.wait(4_000);
  },
  "One attempt failed": () => flowing().read(ID, 1_000).fails(ID, 1, 5_000).wait(2_000),
  "The receiver answers 503": () => failsTwice(serverError),
  "All attempts are used up, batches are dropped": exhausted,
  "Batches were dropped, and the sink takes them again": () => {
    const story = failsTwice(serverError).wait(7_000).fails(ID, 3, 20_000);
    return story.drops(ID, "exhausted", 1_000, "Gave up after 3 attempts.").wait(20_000).delivers(ID, 500);
  },
  "All attempts are used up, the batch is held (--on-exhausted hold)": () =>
    failsTwice(serverError, undefined, { onExhausted: "hold" }).wait(7_000).fails(ID, 3, 300_000).wait(240_000),
  "The endpoint refuses connections": () =>
    failsTwice(refused, "cloud.example.com resolves to 192.0.2.17, 192.0.2.18."),
  "The endpoint's name does not resolve": () => failsTwice(dns, "cloud.example.com does not resolve (ENOTFOUND)."),
  "The endpoint's certificate has expired": () =>
    failsTwice(
      tls,
      "The server shows the certificate of CN=cloud.example.com, O=Example, for cloud.example.com, issued by CN=Example CA, valid from 2026-08-01 to 2026-11-22.",
    ),
  "The endpoint does not answer in time": () => failsTwice(silent),
  "Something that is not HTTP listens at the endpoint": () => failsTwice(noHttp),
  "The receiver limits the rate": () => failsTwice(rateLimited),
  "Wrong password": () => held(flowing(), unauthorized, 30_000),
  "Wrong password, for hours": () => held(flowing(), unauthorized, 7_200_000),
  "No credentials, but the receiver wants some": () => held(flowing({ auth: "none" }), unauthorized, 30_000),
  "The user may not write": () => held(flowing(), forbidden, 3_000),
  "Wrong path": () => held(flowing(), notFound, 3_000),
  "Wrong path at VictoriaMetrics, which answers 400": () => held(start(), wrongPathIs400, 3_000),
  "The endpoint redirects": () => held(flowing(), redirected, 3_000),
  "The receiver refuses whole batches": () => phases()["samples-rejected"] ?? start(),
  "The receiver refuses some series": () => {
    const story = flowing()
      .read(ID, 1_000)
      .attempt(ID, 1, 500)
      .ended(ID, 1, 500, { kind: "failed", ...rejected });
    story.drops(ID, "rejected", 2, rejected.message);
    story.event({ type: "series-rejected", id: ID, samples: 2, ...quarantine });
    return story.ended(ID, 1, 498, { kind: "delivered", status: 204 }).settled(ID).wait(9_000);
  },
  "The receiver takes writes, and refuses all of these samples": () => {
    const message = "The endpoint refused samples (400). It said: the tenant is over its limit of series";
    const said = (port: number) => message.replace("It said: ", `It said: remoteAddr: "192.0.2.1:${port}"; `);
    const story = flowing();
    for (let batch = 0; batch < 2; batch++) {
      story
        .read(ID, 6)
        .attempt(ID, 1, 6)
        .ended(ID, 1, 6, { kind: "failed", ...rejected, message: said(4_000) });
      for (const n of [1, 2, 3]) {
        const series = `{__name__="up", instance="gw-${n}"}`;
        story.event({ type: "series-rejected", id: ID, samples: 2, series, message: said(4_000 + n) });
        story.drops(ID, "rejected", 2, said(4_000 + n));
      }
      story.settled(ID).wait(15_000);
    }
    return story;
  },
  "What was sent before is refused": () =>
    flowing().read(ID, 500).drops(ID, "refused_replay", 500, rejected.message).wait(2_000).delivers(ID, 500),
  "The source is down": () => phases()["source-down"] ?? start(),
  "The source refuses the query": () => phases()["query-failed"] ?? start(),
  "The source refuses the query from the start": () =>
    start().event({
      type: "read-failed",
      id: ID,
      source: "metrics",
      reason: "QueryFailed",
      message: 'The source refused the query (422): unknown func "outlier_iqr_over_time"',
    }),
  "Catching up after an outage": () => flowing().catchesUp(ID, 1_200_000, 12),
  "A new sink that begins in the past": () => {
    const story = start();
    const from = story.now - 1_500_000;
    return story.read(ID, 5_000, { from, to: from + 300_000 }).wait(10_000);
  },
  "Everything that is read is dropped": () => {
    const story = start();
    for (let i = 0; i < 12; i++)
      story
        .read(ID, 10, { dropped: { invalid_name: 10 } })
        .settled(ID)
        .wait(15_000);
    return story;
  },
  "The receiver accepts batches and fails alternately": () => {
    const story = flowing();
    for (let i = 0; i < 6; i++)
      story.read(ID, 1_000).fails(ID, 1, 1_000).fails(ID, 2, 1_000).wait(9_000).delivers(ID, 10).wait(9_000);
    return story;
  },
  "Data arrives too late though nothing fails": () => flowing({ readyLagMs: 60_000 }).wait(75_000),
  "Time was skipped": () =>
    flowing().event({
      type: "skipped",
      id: ID,
      source: "metrics",
      from: 0,
      to: 5_400_000,
      why: "older than --max-backfill",
    }),
  "Samples arrived too late": () =>
    flowing().event({
      type: "late",
      id: ID,
      source: "metrics",
      from: Date.UTC(2026, 10, 23, 13, 50),
      to: Date.UTC(2026, 10, 23, 13, 55),
      samples: 3_500,
      remedy: "outflow replay --policy default/edge --from 2026-11-23T13:50:00Z --to 2026-11-23T13:55:00Z",
    }),
  "The sink is paused": () => flowing().event({ type: "sink-paused", id: ID }).wait(600_000),
  "The Secret is missing": () => phases().refused ?? start(),
  "The query is not valid MetricsQL": () =>
    start().event({
      type: "sink-refused",
      sink: sinkInfo(ID),
      reason: "InvalidQuery",
      message: 'edge.yaml:9:20: spec.sources[0].metrics.metricsql: expected ")" at the end of sum(up',
    }),
  "The sink was removed from its policy": () =>
    flowing().read(ID, 500).event({ type: "sink-draining", id: ID, why: "removed" }).wait(1_000),
  "A bug in outflow": () =>
    flowing().event({
      type: "sink-crashed",
      id: ID,
      message: "cannot read window.to",
      restartAt: Date.UTC(2026, 10, 23, 14, 1, 30),
    }),
  "The agent was restarted while the receiver was away": () => {
    const before = failsTwice(serverError);
    const story = new Story([]).wait(1_000);
    const conditions = before.snapshot.sinks[0]?.conditions ?? [];
    story.now += 120_000;
    return story.event({ type: "sink-started", sink: sinkInfo(ID), conditions }).wait(2_000);
  },
};

export function all(): [title: string, story: Story][] {
  return Object.entries(situations).map(([title, make]) => [title, make()]);
}
