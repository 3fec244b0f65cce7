// The admin API over real HTTP: who gets what.
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { acceptsGzip, createAdmin } from "../../src/admin/server.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { ID, Served } from "./agent.ts";

let served: Served;
beforeEach(() => {
  served = new Served();
});
afterEach(() => served.stop());

type Got = { status: number; text: string; headers: Record<string, string | string[] | undefined> };

/** Not fetch(): it sets Host and Origin on its own. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(`${served.url}${path}`, { method, headers }, (response) => {
      let text = "";
      response.on("data", (d) => {
        text += String(d);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("health", () => {
  test("/healthz says ok from the first moment, /readyz what is missing", async () => {
    await served.start();
    assert.equal((await ask("/healthz")).status, 200);
    const before = await ask("/readyz");
    assert.equal(before.status, 503);
    assert.equal(before.text, "policies are not loaded\nthe source has not responded\n");
    served.load();
    assert.deepEqual([(await ask("/readyz")).status, (await ask("/readyz")).text], [200, "ok\n"]);
    served.event({ type: "source-failed", reason: "SourceUnavailable", message: "Connection refused (ECONNREFUSED)." });
    assert.match((await ask("/readyz")).text, /ECONNREFUSED/);
  });
});

describe("reading", () => {
  test("snapshot, status and metrics are the store's", async () => {
    await served.load().start();
    const snapshot = JSON.parse((await ask("/api/v1/snapshot")).text) as Snapshot;
    assert.deepEqual(snapshot, JSON.parse(JSON.stringify(served.store.snapshot)));
    const status = JSON.parse((await ask("/api/v1/status")).text) as { kind: string; items: object[] };
    assert.equal(status.kind, "ExportPolicyList");
    assert.equal(status.items.length, 1);
    const metrics = await ask("/metrics");
    assert.equal(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.match(metrics.text, /^outflow_build_info\{/m);
  });
  test("metrics are compressed for whoever takes gzip, and for nobody else", async () => {
    await served.load().start();
    const plain = await ask("/metrics");
    assert.deepEqual([plain.headers["content-encoding"], plain.headers.vary], [undefined, "accept-encoding"]);
    const zipped = await new Promise<Buffer>((resolve, reject) => {
      request(`${served.url}/metrics`, { headers: { "accept-encoding": "deflate, gzip;q=0.5" } }, (response) => {
        assert.equal(response.headers["content-encoding"], "gzip");
        const pieces: Buffer[] = [];
        response.on("data", (d: Buffer) => pieces.push(d));
        response.on("end", () => resolve(Buffer.concat(pieces)));
      })
        .on("error", reject)
        .end();
    });
    const names = (text: string) => text.match(/^# TYPE .*$/gm);
    assert.deepEqual(names(gunzipSync(zipped).toString()), names(plain.text));
    assert.ok(zipped.length < plain.text.length / 3);
    for (const [header, want] of [
      [undefined, false],
      ["identity", false],
      ["gzip;q=0", false],
      ["*", true],
      ["*;q=0", false],
      ["GZIP ; q=0.1", true],
      ["br, gzip;q=0, *", false],
    ] as const)
      assert.equal(acceptsGzip(header), want, String(header));
  });
  test("HEAD has the length and no body; another path says what there is; other methods are refused", async () => {
    await served.load().start();
    const head = await ask("/api/v1/snapshot", {}, "HEAD");
    assert.equal(head.text, "");
    assert.ok(Number(head.headers["content-length"]) > 500);
    const nowhere = await ask("/nowhere");
    assert.equal(nowhere.status, 404);
    assert.match(nowhere.text, /\/api\/v1\/events/);
    assert.equal((await ask("/metrics", {}, "PUT")).status, 405);
    assert.equal((await ask("/-/reload")).status, 404);
  });
  test("a foreign Host and a web page are kept out of everything but the probes", async () => {
    await served.load().start();
    for (const headers of [
      { host: "evil.example" },
      { origin: "http://evil.example" },
      { "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[]) {
      assert.equal((await ask("/api/v1/snapshot", headers)).status, 403);
      assert.equal((await ask("/-/reload", headers, "POST")).status, 403);
      assert.equal((await ask("/api/v1/events", headers)).status, 403);
      assert.equal((await ask("/healthz", headers)).text, "ok\n");
    }
  });
});

describe("acting", () => {
  test("pause, resume and retry go to the sink that is named", async () => {
    await served.load().start();
    for (const action of ["pause", "resume", "retry"]) {
      const done = await ask(`/api/v1/sinks/default/edge/cloud/${action}`, {}, "POST");
      assert.deepEqual([done.status, done.text], [200, `${ID} done.\n`]);
    }
    assert.deepEqual(served.acts, [`pause ${ID}`, `resume ${ID}`, `retry ${ID}`]);
    assert.equal((await ask("/api/v1/sinks/default/edge/other/pause", {}, "POST")).status, 404);
    assert.equal((await ask("/api/v1/sinks/default/edge/cloud/explode", {}, "POST")).status, 404);
  });
  test("only with --allow-actions; a reload is always possible", async () => {
    await served.load().start({ allowActions: false });
    const refused = await ask("/api/v1/sinks/default/edge/cloud/pause", {}, "POST");
    assert.equal(refused.status, 403);
    assert.match(refused.text, /--allow-actions/);
    assert.deepEqual(served.acts, []);
    assert.deepEqual((await ask("/-/reload", {}, "POST")).text, "Loaded 1 policy.\n");
  });
  test("a reload with problems is 422", async () => {
    const actions = {
      act: async () => ({ ok: false, message: "" }),
      reload: async () => ({ ok: false, message: "1 problem." }),
    };
    await served.load().start({ actions });
    assert.equal((await ask("/-/reload", {}, "POST")).status, 422);
  });
});

describe("token", () => {
  test("needed by everything but the probes, which then say a word only; it may be replaced", async () => {
    let token = "first-token";
    await served.start({ token: () => token });
    for (const path of ["/metrics", "/api/v1/status", "/api/v1/snapshot", "/api/v1/events", "/nowhere"]) {
      const refused = await ask(path);
      assert.equal(refused.status, 401);
      assert.equal(refused.headers["www-authenticate"], "Bearer");
      assert.doesNotMatch(refused.text, /first-token/);
    }
    assert.equal((await ask("/-/reload", {}, "POST")).status, 401);
    assert.equal((await ask("/healthz")).text, "ok\n");
    assert.equal((await ask("/readyz")).text, "not ready\n");
    assert.equal((await ask("/metrics", { authorization: "Bearer first-token" })).status, 200);
    assert.match((await ask("/readyz", { authorization: "Bearer first-token" })).text, /policies are not loaded/);
    token = "second-token";
    assert.equal((await ask("/metrics", { authorization: "Bearer first-token" })).status, 401);
    assert.equal((await ask("/metrics", { authorization: "Bearer second-token" })).status, 200);
  });
  test("an address that others reach is not opened without one", async () => {
    const base = {
      store: served.store,
      host: "h",
      allowActions: false,
      eventsFrom: 0,
      actions: { act: async () => ({ ok: true, message: "" }), reload: async () => ({ ok: true, message: "" }) },
    };
    for (const listen of ["0.0.0.0:0", ":0", "[::]:0"]) {
      const admin = await createAdmin({ ...base, listen });
      assert.ok(!admin.ok);
      assert.match(admin.message, /--admin-token-file/);
    }
    await served.start({ listen: "0.0.0.0:0", token: () => "secret-token" });
    served.url = served.url.replace("0.0.0.0", "127.0.0.1");
    assert.equal((await ask("/metrics")).status, 401);
  });
});

describe("limits", () => {
  /** The response to raw bytes, until the server closes the connection; `more` is written forever. */
  const raw = (head: string, more?: Buffer) =>
    new Promise<string>((done) => {
      let said = "";
      const socket = connect(Number(new URL(served.url).port), "127.0.0.1", () => {
        socket.write(head);
        if (more === undefined) return;
        const write = () => {
          while (!socket.destroyed && socket.write(more));
        };
        socket.on("drain", write);
        write();
      });
      socket.on("data", (piece) => {
        said += piece.toString("latin1");
      });
      socket.on("error", () => {});
      socket.on("close", () => done(said));
    });

  test("two Host headers are refused, on probes too", async () => {
    await served.load().start();
    for (const path of ["/api/v1/status", "/healthz"]) {
      const said = await raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nhOST: example.com\r\n\r\n`);
      assert.match(said, /^HTTP\/1\.1 400 .*\r\n\r\na request must have one Host header\n$/s);
    }
  });

  test("a body is not read on: the connection ends with the refusal", async () => {
    await served.load().start();
    for (const length of ["Content-Length: 100000000000", "Transfer-Encoding: chunked"]) {
      const piece = Buffer.from(`10000\r\n${"x".repeat(65_536)}\r\n`);
      const said = await raw(`POST /-/reload HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`, piece);
      assert.ok(said === "" || said.startsWith("HTTP/1.1 413"), said);
    }
  });

  test("a body, and headers that are too large, are refused", async () => {
    await served.load().start();
    assert.equal((await ask("/-/reload", { "content-length": "0" }, "POST")).status, 200);
    assert.equal(
      await new Promise((resolve) => {
        const socket = connect(Number(new URL(served.url).port), "127.0.0.1", () =>
          socket.write("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"),
        );
        socket.once("data", (d) => {
          resolve(String(d).slice(9, 12));
          socket.destroy();
        });
      }),
      "413",
    );
    assert.equal((await ask("/healthz", { "x-large": "x".repeat(20_000) })).status, 431);
  });
});
