// The head of a request is written into the room before its body, and never into bytes that belong to somebody else.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { newBody, withHead } from "../../src/http/body-room.ts";

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
});
