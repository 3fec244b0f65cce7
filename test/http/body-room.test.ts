// The head of a request is written into the room before its body, and never into bytes that belong to somebody else.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { doneWith, newBody, withHead, writing, written } from "../../src/http/body-room.ts";
import { Connection } from "../../src/http/connection.ts";
import { Exchange } from "../../src/http/exchange.ts";

const HEAD = "POST / HTTP/1.1\r\n\r\n";
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("a body with room", () => {
  test("is not copied, and can be sent again with another head", () => {
    const body = newBody(3);
    body.set([0x61, 0x62, 0x63]);
    const whole = withHead(HEAD, body);
    assert.equal(text(whole), `${HEAD}abc`);
    assert.equal(whole.buffer, body.buffer);
    const longer = HEAD.replace("/ ", "/a/longer/path ");
    assert.equal(text(withHead(longer, body)), `${longer}abc`);
    assert.equal(text(withHead(HEAD, body)), `${HEAD}abc`);
    assert.equal(text(body), "abc");
  });

  test("a head that does not fit, and a body of somebody else at the same place, are copied", () => {
    const body = newBody(3);
    body.fill(0x61);
    const long = "x".repeat(1025);
    assert.equal(text(withHead(long, body)), `${long}aaa`);
    const others = new Uint8Array(2048).fill(0x62);
    const part = new Uint8Array(others.buffer, 1024, 4);
    assert.equal(text(withHead(HEAD, part)), `${HEAD}bbbb`);
    assert.ok(others.every((byte) => byte === 0x62));
    assert.equal(text(withHead(HEAD, new Uint8Array(newBody(9).buffer, 1000, 2))), `${HEAD}\0\0`);
  });

  test("one that is done with gives its memory to the next one that fits, and to one only", () => {
    const { buffer } = newBody(9_000);
    const [a, b] = [newBody(9_000), newBody(9_000)];
    doneWith(a);
    assert.notEqual(newBody(40_000).buffer, a.buffer, "too small");
    assert.equal(newBody(8_900).buffer, a.buffer);
    assert.notEqual(newBody(8_900).buffer, a.buffer);
    assert.notEqual(b.buffer, buffer);
  });

  test("one that a connection has not written to its end is never used again; nor are others' bytes", () => {
    const body = newBody(50_000);
    writing(body);
    doneWith(body);
    assert.notEqual(newBody(50_000).buffer, body.buffer);
    written(body);
    doneWith(body);
    assert.equal(newBody(50_000).buffer, body.buffer);
    const others = new Uint8Array(60_000);
    doneWith(others);
    doneWith(new Uint8Array(body.buffer, 1024, 50_000));
    assert.ok(![others.buffer, body.buffer].includes(newBody(50_000).buffer));
  });

  test("few are kept, and large ones never", () => {
    const bodies = Array.from({ length: 40 }, () => newBody(30_000));
    for (const body of bodies) doneWith(body);
    const known = new Set(bodies.map(({ buffer }) => buffer));
    const again = bodies.map(() => newBody(30_000)).filter(({ buffer }) => known.has(buffer));
    assert.ok(again.length > 0 && again.length <= 16, `${again.length}`);
    const large = newBody(100_000);
    doneWith(large);
    assert.notEqual(newBody(100_000).buffer, large.buffer);
  });

  test("one whose connection breaks off while it is written is never used again, one that was written is", async () => {
    for (const [how, again] of [
      ["never ends", false],
      ["breaks off", false],
      ["ends", true],
    ] as const) {
      const socket = new Duplex({
        read() {},
        write(_piece, _encoding, done) {
          if (how !== "never ends") done(how === "breaks off" ? new Error("EPIPE") : null);
        },
      });
      const connection = new Connection(socket as Socket, () => {});
      const body = newBody(20_000);
      const timeouts = { firstByteMs: 60_000, idleMs: 60_000 };
      const exchange = new Exchange({ method: "POST", url: "http://sink/", headers: {}, body, timeouts });
      exchange.head.catch(() => {});
      connection.carry({ exchange, method: "POST", target: "/", host: "sink", headers: {}, body });
      await new Promise((turn) => setTimeout(turn, 10));
      if (again) socket.push("HTTP/1.1 204 No Content\r\n\r\n");
      else connection.destroy();
      await exchange.head.catch(() => {});
      doneWith(body);
      assert.equal(newBody(20_000).buffer === body.buffer, again, how);
      connection.destroy();
    }
  });
});
