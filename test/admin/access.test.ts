// Who may ask: Host and Origin keep web pages out, the token keeps strangers out.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Asking, mayAsk } from "../../src/admin/access.ts";
import { parseAddress } from "../../src/admin/address.ts";

const names = ["edge-7"];
const asks = (asking: Partial<Asking>, token?: string) => {
  const answer = mayAsk({ host: "127.0.0.1:9469", fromPage: false, ...asking }, { token, names });
  return answer.ok ? 200 : answer.status;
};

describe("Host", () => {
  for (const host of [
    "127.0.0.1:9469",
    "localhost",
    "LOCALHOST:1",
    "[::1]:9469",
    "10.0.0.7:9469",
    "edge-7:9469",
    "EDGE-7",
  ])
    test(`${host} is this host`, () => assert.equal(asks({ host }), 200));
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example:80",
    "",
    "edge-7.evil.example",
    "1.2.3",
  ])
    test(`${host || "none"} is not`, () => assert.equal(asks({ host }), 403));
});

test("a web page is not answered, whatever else is right", () => {
  assert.equal(asks({ fromPage: true, authorization: "Bearer correct-horse" }, "correct-horse"), 403);
});

describe("token", () => {
  const token = "correct-horse";
  test("the right one", () => assert.equal(asks({ authorization: `Bearer ${token}` }, token), 200));
  for (const authorization of [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearer correct-hors",
    `Bearer ${token}x`,
    `Basic ${token}`,
    token,
  ])
    test(`not ${authorization}`, () => assert.equal(asks({ authorization }, token), 401));
});

describe("--listen", () => {
  const cases: [string, string, number, boolean][] = [
    ["127.0.0.1:9469", "127.0.0.1", 9469, true],
    ["localhost:0", "localhost", 0, true],
    ["[::1]:9469", "::1", 9469, true],
    ["0.0.0.0:9469", "0.0.0.0", 9469, false],
    [":9469", "::", 9469, false],
    ["127.0.0.1.evil.example:80", "127.0.0.1.evil.example", 80, false],
    ["[::]:9469", "::", 9469, false],
  ];
  for (const [listen, host, port, loopback] of cases)
    test(listen, () => assert.deepEqual(parseAddress(listen), { ok: true, host, port, loopback }));
  for (const listen of ["here", "9469", "127.0.0.1:99999", "127.0.0.1:", "::1:9469"])
    test(`${listen} is not an address`, () => assert.equal(parseAddress(listen).ok, false));
});
