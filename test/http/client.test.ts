// The client: connections are used again; what a dead one did not answer is sent once more, and said; nothing else is sent again.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createHttpClient } from "../../src/http/client.ts";
import { Connection } from "../../src/http/connection.ts";
import { Exchange } from "../../src/http/exchange.ts";
import { eachPiece, type HttpClient } from "../../src/http/http.ts";

const TIMEOUTS = { firstByteMs: 2_000, idleMs: 2_000 };
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

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  const post = async () => {
    const sent = await http.request({
      method: "POST",
      url: url(),
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

  test("one that the server closed while it was idle is not a failed attempt: the request is sent once more", async () => {
    serve = (socket, n) => (n === 1 ? socket.write(OK) : socket.destroy());
    assert.equal(await post(), 204);
    assert.equal(await post(), 204);
    assert.equal(connections, 2);
    await http.close();
  });

  test("one that is reset before a byte of the response, however late: sent once more, on a new one, and said to be", async () => {
    serve = (socket, n) => (n === 1 ? socket.write(OK) : void setTimeout(() => socket.resetAndDestroy(), 150));
    assert.equal(await post(), 204);
    const again = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
    assert.ok(again.ok);
    assert.equal(again.resent, true, "the receiver may have processed the first one");
    assert.deepEqual([connections, requests], [2, 3]);
    const next = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
    assert.equal(next.resent, true);
    await http.close();
  });

  test("sent once more over a new connection, though others are idle; not a third time", async () => {
    http = createHttpClient({ connectMs: 2_000, connections: 3 });
    serve = (socket) => void setTimeout(() => socket.write(OK), 50);
    await Promise.all([post(), post(), post()]);
    assert.equal(connections, 3);
    serve = (socket, n) => (n === 1 ? socket.write(OK) : socket.destroy());
    assert.equal(await post(), 204);
    assert.deepEqual([connections, requests], [4, 5], "the other idle ones are as dead");
    serve = (socket) => socket.destroy();
    const failed = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
    assert.ok(!failed.ok && failed.failure.kind === "reset");
    assert.equal(failed.resent, true);
    assert.equal(requests, 7);
    await http.close();
  });

  test("sent once more within the time that the whole exchange has", async () => {
    serve = (socket, n) => {
      if (n > 1) return void setTimeout(() => socket.destroy(), 300);
      if (requests === 1) socket.write(OK); // then nothing more is answered
    };
    assert.equal(await post(), 204);
    const started = performance.now();
    const timeouts = { ...TIMEOUTS, firstByteMs: 60_000, totalMs: 1_000 };
    const sent = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts });
    assert.ok(!sent.ok && sent.failure.kind === "timeout", "and no answer came to the second");
    assert.match(sent.ok ? "" : sent.failure.message, /took more than [67]\d\d(\.\d+)? ms/);
    assert.ok(performance.now() - started >= 990);
    await http.close();
  });

  test("one is not used again after a 5xx, nor are the idle ones beside it", async () => {
    http = createHttpClient({ connectMs: 2_000, connections: 2 });
    serve = (socket) => void setTimeout(() => socket.write(OK), 50);
    await Promise.all([post(), post()]);
    assert.equal(connections, 2);
    serve = (socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");
    assert.equal(await post(), 503);
    serve = (socket) => socket.write(OK);
    assert.equal(await post(), 204);
    assert.equal(connections, 3);
    await http.close();
  });

  test("the only one is not used again after a 5xx whose body came later", async () => {
    serve = (socket) => {
      socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\n");
      setTimeout(() => socket.write("no"), 20);
    };
    const busy = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
    assert.ok(busy.ok);
    assert.equal(await busy.answer.text(100), "no");
    serve = (socket) => socket.write(OK);
    assert.equal(await post(), 204);
    assert.equal(connections, 2);
    await http.close();
  });

  test("one that is two minutes old is given up, however busy it is", async () => {
    serve = (socket) => socket.write(OK);
    for (const [ageMs, stale] of [
      [60_000, false],
      [120_000, true],
    ] as const) {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      const connection = new Connection(socket, () => {}, performance.now() - ageMs);
      const exchange = new Exchange({ method: "POST", url: url(), headers: {}, timeouts: TIMEOUTS });
      connection.carry({ exchange, method: "POST", target: "/", host: "h", headers: {}, body: Buffer.from("body") });
      assert.equal((await exchange.head).status, 204);
      assert.equal(connection.isStale(performance.now()), stale);
      connection.destroy();
    }
    await http.close();
  });

  test("the body's text: gzip is inflated though nobody asked for it, and what was broken off says so", async () => {
    const page = gzipSync("<html>no</html>".repeat(100));
    const head = (more: string) =>
      `HTTP/1.1 400 Bad\r\ncontent-encoding: gzip\r\ncontent-length: ${page.length}\r\n${more}\r\n`;
    const get = async (limit: number) => {
      const sent = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
      assert.ok(sent.ok);
      return [await sent.answer.text(limit), sent.answer.cut];
    };
    serve = (socket) => socket.write(Buffer.concat([Buffer.from(head("")), page]));
    assert.deepEqual(await get(10_000), ["<html>no</html>".repeat(100), false]);
    assert.deepEqual(await get(15), ["<html>no</html>", true]);
    serve = (socket) => socket.end("HTTP/1.1 400 Bad\r\ncontent-length: 9\r\n\r\nhalf");
    assert.deepEqual(await get(100), ["half", true]);
    serve = (socket) => socket.write("HTTP/1.1 400 Bad\r\ncontent-length: 4\r\n\r\nfull");
    assert.deepEqual(await get(4), ["full", false]);
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

  test("each piece of a body is taken as it comes, and its memory given back then; what the taker throws is thrown", async () => {
    const length = 300_000;
    serve = (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
      setTimeout(() => socket.write(Buffer.alloc(length, "x")), 20);
    };
    const ask = async () => {
      const sent = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
      assert.ok(sent.ok);
      return sent.answer;
    };
    const taken: Uint8Array[] = [];
    let bytes = 0;
    await eachPiece(await ask(), (piece) => {
      assert.ok(piece.every((byte) => byte === 0x78));
      taken.push(piece);
      bytes += piece.length;
      return true;
    });
    assert.equal(bytes, length);
    assert.ok(taken.some((piece) => piece.length === 0));
    await assert.rejects(
      eachPiece(await ask(), () => {
        throw new RangeError("a bug");
      }),
      RangeError,
    );
    assert.equal(connections, 1);
    const answer = await ask();
    assert.equal(connections, 2, "the one before was closed");
    await eachPiece(answer, () => false);
    assert.equal(await post(), 200);
    assert.equal(connections, 3);
    await http.close();
  });

  test("one whose server says more than was asked for is not used again", async () => {
    serve = (socket) => socket.write(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`);
    assert.equal(await post(), 204);
    assert.equal(await post(), 204);
    assert.equal(connections, 2);
    await http.close();
  });

  test("one whose server speaks while nothing was asked is closed", async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((done) => {
      closed = done;
    });
    serve = (socket, n) => {
      socket.write(OK);
      if (n > 1) return;
      setTimeout(() => socket.write("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"), 20);
      socket.once("close", () => closed?.());
    };
    assert.equal(await post(), 204);
    await gone;
    assert.equal(await post(), 204);
    await http.close();
  });

  test("one is not used again when its server says that it closes, or for how short it keeps it", async () => {
    for (const header of ["connection: close", "keep-alive: timeout=1"]) {
      connections = 0;
      serve = (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${header}\r\n\r\n`);
      assert.equal(await post(), 200);
      assert.equal(await post(), 200);
      assert.equal(connections, 2, header);
    }
    await http.close();
  });

  test("one that was paused under a large answer carries the next request too", async () => {
    const large = 4 << 20;
    serve = (socket, n) => {
      if (n > 1) return void socket.write(OK);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large}\r\n\r\n`);
      socket.write(Buffer.alloc(large));
    };
    const sent = await http.request({ method: "POST", url: url(), headers: {}, body: "body", timeouts: TIMEOUTS });
    assert.ok(sent.ok);
    let length = 0;
    for await (const piece of sent.answer.body) {
      length += piece.length;
      await new Promise((turn) => setTimeout(turn, 1));
    }
    assert.equal(length, large);
    assert.equal(await post(), 204);
    assert.equal(connections, 1);
    await http.close();
  });

  test("an answer to a request that is still being written is taken, and its connection is not used again", async () => {
    const early = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
      });
      connections++;
    });
    await new Promise<void>((done) => early.listen(0, "127.0.0.1", done));
    for (let i = 0; i < 2; i++) {
      const sent = await http.request({
        method: "POST",
        url: `http://127.0.0.1:${(early.address() as AddressInfo).port}/`,
        headers: {},
        body: new Uint8Array(32 << 20),
        timeouts: TIMEOUTS,
      });
      assert.ok(sent.ok);
      assert.equal(sent.answer.status, 413);
      await sent.answer.discard();
    }
    assert.equal(connections, 2);
    await http.close();
    early.close();
  });

  test("what is under way when the client closes is broken off by us, and what comes after is not sent", async () => {
    serve = () => void http.close();
    assert.equal(await post(), "aborted");
    assert.equal(await post(), "aborted");
    assert.equal(requests, 1);
  });
});
