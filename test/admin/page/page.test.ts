// The web page over real HTTP: what is on it, who gets it, what it costs.
import assert from "node:assert/strict";
import { request } from "node:http";
import { afterEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { escaped, html } from "../../../src/admin/page/html.ts";
import { listPage } from "../../../src/admin/page/list.ts";
import { ROWS, viewOf } from "../../../src/admin/page/view.ts";
import { sinkOf } from "../../../src/status/sinks.ts";
import { explain } from "../../../src/status/text/explain.ts";
import { oneFails } from "../../tui/frames.tsx";
import { ID, Served } from "../agent.ts";
import { PLANTED, PLANTED_ID, planted } from "./planted.ts";
import { many } from "./sinks.ts";

let served: Served | undefined;
afterEach(async () => {
  await served?.stop();
  served = undefined;
});

type Got = { status: number; text: string; headers: Record<string, string | string[] | undefined> };

/** Not fetch(): it sets Host and Origin on its own. `until`: end of a response that has none. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET", until?: RegExp): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(`${served!.url}${path}`, { method, headers }, (response) => {
      let text = "";
      const done = () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        if (until?.test(text) !== true) return;
        asked.destroy();
        done();
      });
      response.on("end", done);
    });
    asked.on("error", reject);
    asked.end();
  });
}

const sinkPath = (id: string) => `/?sink=${encodeURIComponent(id)}`;
const seqOf = (text: string): string => /data-seq="(\d+)"/.exec(text)?.[1] ?? "none";

describe("what is on it", () => {
  test("sinks, worst first, and causes in the words of the status", async () => {
    const { snapshot } = oneFails();
    const turn = async () => {};
    const { body, title } = await listPage(await viewOf(snapshot, turn), 7, turn);
    const rows = [
      ...body.text.matchAll(/<tr class="(.*?)"><td><i><\/i><span>(.*?)<\/span>.*?sink=(.*?)".*?<td>(.*?)<td>/g),
    ];
    assert.deepEqual(rows.map((row) => row.slice(1)).slice(0, 2), [
      ["notReady bad", "not ready", "default/edge/cloud", "Server<wbr>Error"],
      ["ready good", "ready", "default/edge/archive", "Delivering"],
    ]);
    assert.equal(title, "2 of 3 sinks ready, 1 not ready. outflow");
    assert.match(body.text, /<li>default\/edge\/cloud: ServerError for 48s: The endpoint is unavailable \(503\)/);
    assert.match(body.text, /<li>http:\/\/127\.0\.0\.1:8428\/, VictoriaMetrics: responds\./);
  });

  test("a sink's own page has its explanation, whole; an unknown one is 404", async () => {
    served = await planted().start();
    const { text } = await ask(sinkPath(ID));
    const { snapshot } = served.store;
    const { headline, parts } = explain(sinkOf(snapshot, ID)!, snapshot.source, snapshot.at);
    assert.ok(text.includes(escaped(headline)));
    for (const { label, text: part } of parts) assert.ok(text.includes(`<dt>${label}<dd>${escaped(part)}`), label);
    assert.ok(parts.length >= 3);
    assert.equal((await ask(sinkPath("default/edge/nothing"))).status, 404);
  });

  test("everything that is filled in is escaped", async () => {
    assert.equal(html`<p title="${`"'<&>`}">${[html`<b>${1}`]}`.text, '<p title="&quot;&#39;&lt;&amp;&gt;"><b>1');
    served = await planted().start();
    for (const path of ["/", sinkPath(PLANTED_ID), sinkPath(PLANTED)]) {
      const { text } = await ask(path);
      assert.ok(text.includes(escaped(PLANTED)), path);
      assert.doesNotMatch(text.replace('<script src="page.js" defer>', ""), /<script|<img|<b /, path);
    }
    const list = (await ask("/")).text;
    const places = list.split("&lt;script&gt;planted=1&lt;/script&gt;").length - 1;
    assert.ok(places >= 9, `source, state, log, Kubernetes twice, problem thrice, cause: ${places}`);
  });

  test("a fleet: what this agent may do, its members, and the sinks of others that are not ready; escaped too", async () => {
    served = await new Served().load().start();
    assert.match((await ask("/")).text, /aria-labelledby="fleet-title" hidden/);
    served.now += 5_000;
    const since = served.now - 60_000;
    const other = (sink: string, status: string) => ({
      sink,
      status,
      reason: `${status}${PLANTED}`,
      since,
      holder: "b",
    });
    served.event({
      type: "fleet",
      fleet: {
        engine: "etcd",
        name: "edge",
        self: "a",
        valid: true,
        validUntil: served.now + 9_000,
        problem: PLANTED,
        ttlMs: 15_000,
        shards: 16,
        owned: 8,
        members: [
          { id: "a", name: "a", since, leaving: false, shards: 8, heardAt: since, validUntil: served.now + 9_000 },
          { id: "b", name: "b", since, leaving: true, shards: 8, heardAt: since, validUntil: since },
        ],
        owners: [],
        elsewhere: [other("default/x/ready", "True"), other("default/x/fails", "False")],
        differing: [],
        takeovers: 0,
        fenced: 0,
      },
    });
    const { text } = await ask("/");
    assert.match(text, /<li>Fleet edge in etcd: 2 members, 16 shards\. This agent, a, owns 8 and may export for 9s/);
    assert.match(text, /<li>a \(this agent\): 8 shards, up 1m00s<li>b: 8 shards, up 1m00s, leaving<li>/);
    assert.match(text, /<li>2 sinks of other agents, 1 of them not ready\.<li>default\/x\/fails: False/);
    assert.doesNotMatch(text, /default\/x\/ready|<img/);
  });

  test("more sinks than the table has rows are counted", async () => {
    const turn = async () => {};
    const view = await viewOf(many(ROWS + 3).snapshot, turn);
    assert.equal(view.rows.length, ROWS);
    assert.match(view.texts.more[0] ?? "", /^3 sinks more: /);
  });
});

describe("who gets it", () => {
  const paths = ["/", sinkPath(ID), "/page.js", "/page.css", "/page/events"];

  test("a foreign Host and requests of other pages get nothing", async () => {
    served = await new Served().load().start();
    for (const headers of [
      { host: "evil.example" },
      { origin: "http://evil.example" },
      { origin: served.url },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ] as Record<string, string>[])
      for (const path of paths) assert.equal((await ask(path, headers)).status, 403, path);
    for (const site of ["same-origin", "none"])
      for (const path of paths.slice(0, 4))
        assert.equal((await ask(path, { "sec-fetch-site": site })).status, 200, path);
  });

  test("without the token there is a form, which holds nothing of the agent", async () => {
    served = await new Served().load().start({ token: () => "the-token" });
    for (const headers of [{}, { authorization: "Bearer wrong" }] as Record<string, string>[]) {
      for (const path of paths.slice(0, 2)) {
        const got = await ask(path, headers);
        assert.deepEqual([got.status, got.headers["www-authenticate"]], [401, "Bearer"]);
        assert.match(got.text, /<form id="token" hidden>/);
        assert.doesNotMatch(got.text, /the-token|edge|0\.1\.0|vm:8428/);
      }
      assert.equal((await ask("/page/events", headers)).status, 401);
      for (const path of paths.slice(2, 4)) assert.equal((await ask(path, headers)).status, 200);
    }
    const authorization = "Bearer the-token";
    assert.match((await ask("/", { authorization })).text, /default\/edge\/cloud/);
    assert.match((await ask("/page/events", { authorization }, "GET", /event: snapshot/)).text, /data: \{\}/);
    assert.equal((await ask("/", { authorization, host: "evil.example" })).status, 403);
  });

  test("every page has a strict policy; nothing can be changed by it", async () => {
    served = await new Served().load().start();
    for (const path of paths.slice(0, 4)) {
      const { headers } = await ask(path, {}, "HEAD");
      const policy = String(headers["content-security-policy"]).split("; ");
      assert.deepEqual(
        policy.filter((rule) => /^(default|script|form|frame|base)/.test(rule)),
        ["default-src 'none'", "script-src 'self'", "form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'"],
      );
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["referrer-policy"], "no-referrer");
    }
    for (const path of paths) assert.equal((await ask(path, {}, "POST")).status, 404);
    assert.doesNotMatch(
      (await ask("/")).text,
      /<script(?! src="page\.js" defer>)|style=|\son[a-z]+=|https?:\/\/(?!vm:8428)/,
    );
  });
});

describe("what it costs", () => {
  test("1,000 sinks: the size is bounded, and others get a turn between rows", async () => {
    const { snapshot } = many(1_000);
    let turns = 0;
    const turn = async () => void turns++;
    const view = await viewOf(snapshot, turn);
    const { body } = await listPage(view, 1, turn);
    assert.equal(view.rows.length, 1_000);
    assert.ok(turns >= 18, `${turns} turns`);
    assert.ok(body.text.length < 500_000, `${body.text.length} characters`);
    assert.ok(gzipSync(body.text).length < 50_000);
  });

  test("changes, not pages: a reader who has the page gets what is new in it", async () => {
    served = await new Served().load([ID, "default/edge/other"]).start();
    const seq = seqOf((await ask("/")).text);
    served.now += 5_000;
    served.event({ type: "sink-paused", id: ID });
    const { text } = await ask("/page/events", { "last-event-id": seq }, "GET", /event: event\ndata: .*\n\n/);
    const change = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "") as {
      rows: Record<string, object>;
      texts: Record<string, string[]>;
    };
    assert.deepEqual(Object.keys(change.rows), [ID]);
    assert.deepEqual(change.rows[ID], { c: "paused warn", s: "paused", w: "Paused" });
    assert.deepEqual(change.texts.ready, ["0 of 2 sinks ready, 1 not ready, 1 pending."]);
    assert.doesNotMatch(text, /event: snapshot/);
    const late = await ask("/page/events", { "last-event-id": "1" }, "GET", /event: snapshot\ndata: .*\n\n/);
    assert.match(late.text, /event: snapshot\ndata: \{\}/);
    assert.match((await ask("/", { "accept-encoding": "gzip" }, "HEAD")).headers["content-encoding"] as string, /gzip/);
  });
});
