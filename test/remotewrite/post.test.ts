// One attempt as it is on the wire: the address, the headers, the credentials (rules 1, 4, 5, 10).
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import type { HttpClient } from "../../src/http/http.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { post, type Target } from "../../src/remotewrite/post.ts";

type Got = { method: string; url: string; headers: IncomingMessage["headers"]; raw: string[]; body: Buffer };

describe("an attempt", () => {
  let http: HttpClient;
  let origin = "";
  let got: Got[] = [];
  let answer: { status: number; body: string; headers?: Record<string, string> } | "reset-once" = {
    status: 204,
    body: "",
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (d: Buffer) => pieces.push(d));
    request.on("end", () => {
      const { method = "", url = "", headers, rawHeaders: raw } = request;
      got.push({ method, url, headers, raw, body: Buffer.concat(pieces) });
      if (answer === "reset-once") {
        answer = { status: 400, body: "out of order sample" };
        return void request.socket.destroy();
      }
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });

  before(async () => {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    http = createHttpClient({ connectMs: 5_000, connections: 1 });
  });
  after(async () => {
    await http.close();
    server.close();
  });
  beforeEach(() => {
    got = [];
    answer = { status: 204, body: "" };
  });

  const timeouts = { firstByteMs: 5_000, idleMs: 5_000, totalMs: 10_000 };
  const BODY = new Uint8Array([1, 0, 0x61, 255]);
  const send = (path: string, credentials: Target["credentials"] = undefined) =>
    post(
      http,
      systemClock,
      { endpoint: `${origin}${path}`, credentials, version: "1.2.3", timeouts },
      BODY,
      new AbortController().signal,
    );

  for (const path of [
    "/",
    "/a/b/",
    "/api/v1/push?tenant=a%20b&x=1&x=2",
    "/%2F/ü",
    "/a//b;c=d/@~",
    "/?",
    "/insert/0:0/x",
  ])
    test(`rule 1: POST to the address as it was given: ${path}`, async () => {
      await send(path);
      assert.equal(got.length, 1);
      assert.equal(got[0]!.method, "POST");
      assert.equal(decodeURI(got[0]!.url), decodeURI(path === "/?" ? "/" : path));
    });

  test("rule 4: the headers, each once; the body as it is, with its length", async () => {
    await send("/w");
    const { headers, raw, body } = got[0]!;
    assert.equal(headers["content-encoding"], "snappy");
    assert.equal(headers["content-type"], "application/x-protobuf");
    assert.equal(headers["user-agent"], "outflow/1.2.3");
    assert.equal(headers["x-prometheus-remote-write-version"], "0.1.0");
    assert.equal(headers["content-length"], "4");
    assert.equal(headers["transfer-encoding"], undefined);
    assert.equal(headers.authorization, undefined);
    assert.deepEqual(body, Buffer.from(BODY));
    const names = raw.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase());
    assert.equal(new Set(names).size, names.length, names.join());
  });

  test("basic auth is UTF-8, as RFC 7617 has it", async () => {
    await send("/w", { username: "käse", password: "pä:ss 🔑" });
    assert.equal(got[0]!.headers.authorization, `Basic ${Buffer.from("käse:pä:ss 🔑", "utf8").toString("base64")}`);
  });

  for (const status of [200, 202, 204])
    test(`rule 5: ${status} is success, whatever the body says`, async () => {
      answer = { status, body: status === 204 ? "" : "error: out of order; 500; retry" };
      const { verdict, answered } = await send("/w");
      assert.deepEqual([verdict.kind, answered], ["delivered", true]);
    });

  for (const [location, shown] of [
    ["https://new.example.com/api/v1/write", "(308) to https://new.example.com/api/v1/write,"],
    ["/elsewhere/", "(308) to ORIGIN/elsewhere/,"],
    ["https://u:secret@new.example.com/w?token=secret#secret", "(308) to https://new.example.com/w,"],
    ["https://new.example.com/echo/p%61ss-word/\u00e9", "(308) to https://new.example.com/echo/[redacted]/%C3%A9,"],
    ["javascript:alert(1)", "(308), which"],
    ["http://[", "(308), which"],
  ] as const)
    test(`a redirect says where to, without query and secrets: ${location}`, async () => {
      answer = { status: 308, body: "", headers: { location } };
      const { verdict } = await send("/w", { username: "u", password: "pass-word" });
      assert.equal(verdict.kind, "hold");
      const message = verdict.kind === "hold" ? verdict.message : "";
      assert.ok(message.includes(shown.replace("ORIGIN", origin)), message);
      assert.ok(!/secret|token|pass-word/.test(message), message);
    });

  test("a page of HTML is reduced to its words; a secret with a tag in it is covered before and after", async () => {
    answer = {
      status: 403,
      body: "<html><head><title>Sign in</title></head>\n<body><h1>Sign in</h1>\n<p>no such password: pa<b>ss</p></body></html>",
    };
    const { verdict } = await send("/w", { username: "u", password: "pa<b>ss" });
    assert.match(verdict.kind === "hold" ? verdict.message : "", /It said: Sign in no such password: \[redacted\]$/);
    answer = { status: 400, body: "<html>user <b>hun</b><i>ter2</i>" };
    const apart = await send("/w", { username: "u", password: "hun ter2" });
    assert.match(apart.verdict.kind === "bisect" ? apart.verdict.message : "", /It said: user \[redacted\]$/);
  });

  test("what went out twice may have been taken before: a refusal of the second says nothing of the first", async () => {
    assert.equal((await send("/w")).answered, true);
    answer = "reset-once";
    const { verdict, answered } = await send("/w");
    assert.equal(verdict.kind, "bisect");
    assert.equal(answered, false);
    assert.equal(got.length, 3);
    assert.deepEqual(got[2]!.body, got[1]!.body);
  });

  test("a redirect that says nowhere", async () => {
    answer = { status: 302, body: "" };
    const { verdict } = await send("/w");
    assert.match(verdict.kind === "hold" ? verdict.message : "", /redirects \(302\), which is not followed/);
  });

  test("credentials go to the endpoint's own origin only: a redirect is not followed", async () => {
    answer = { status: 307, body: "", headers: { location: `${origin}/elsewhere` } };
    const { verdict } = await send("/w", { username: "u", password: "p" });
    assert.equal(verdict.kind, "hold");
    assert.deepEqual(
      got.map((g) => g.url),
      ["/w"],
    );
  });
});
