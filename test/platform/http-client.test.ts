// The client on undici: connections are used again, an idle close by the server is no failed attempt, and nothing is resent else.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import type { HttpClient } from "../../src/platform/http.ts";
import { createHttpClient } from "../../src/platform/http-client.ts";

const TIMEOUTS = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000 };
const OK = "HTTP/1.1 204 No Content\r\n\r\n";

describe("connections", () => {
  let http: HttpClient;
  let connections = 0;
  let requests = 0;
  /** What is done with request number `n` of a connection (from 1). */
  let serve: (socket: Socket, n: number) => void;
  const server = createServer((socket) => {
    connections++;
    let n = 0;
    let seen = "";
    socket.on("error", () => {});
    socket.on("data", (d) => {
      seen += d.toString("latin1");
      const end = seen.indexOf("\r\n\r\nbody");
      if (end < 0) return;
      seen = seen.slice(end + 8);
      requests++;
      serve(socket, ++n);
    });
  });

  before(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
  after(() => void server.close());
  beforeEach(() => {
    connections = 0;
    requests = 0;
    http = createHttpClient({ connectMs: 2_000, connections: 1 });
  });

  const post = async () => {
    const { port } = server.address() as AddressInfo;
    const sent = await http.request({
      method: "POST",
      url: `http://127.0.0.1:${port}/x`,
      headers: {},
      body: "body",
      timeouts: TIMEOUTS,
    });
    if (sent.ok) await sent.answer.discard();
    return sent.ok ? sent.answer.status : sent.failure.kind;
  };

  test("are used again", async () => {
    serve = (socket) => socket.write(OK);
    for (let i = 0; i < 5; i++) assert.equal(await post(), 204);
    assert.equal(connections, 1);
    await http.close();
  });

  test("one that the server closed while it was idle is no failed attempt: the request goes out once more", async () => {
    serve = (socket, n) => (n === 1 ? socket.write(OK) : socket.destroy());
    assert.equal(await post(), 204);
    assert.equal(await post(), 204);
    assert.equal(connections, 2);
    await http.close();
  });

  test("a new one that is closed without an answer is a failed attempt, and nothing is sent again", async () => {
    serve = (socket) => socket.destroy();
    assert.equal(await post(), "reset");
    assert.equal(requests, 1);
    await http.close();
  });

  test("one that is closed in the middle of an answer is a failed attempt too, used again or not", async () => {
    serve = (socket, n) => (n === 1 ? socket.write(OK) : socket.end("HTTP/1.1 204 No Con"));
    assert.equal(await post(), 204);
    assert.equal(await post(), "reset");
    assert.equal(requests, 2);
    await http.close();
  });
});
