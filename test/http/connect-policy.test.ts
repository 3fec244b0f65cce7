// Where sinks may be: patterns, the ranges that are refused unless named, and the address in place of the name.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import { connectPolicyOf } from "../../src/http/connecting/connect-policy.ts";
import { parseHostPattern } from "../../src/http/connecting/host-pattern.ts";

const reach = (...patterns: string[]) =>
  connectPolicyOf(
    patterns.map((text) => {
      const pattern = parseHostPattern(text);
      assert.ok(pattern, text);
      return pattern;
    }),
  );

/** patterns, host, port, address (undefined: a proxy resolves it), allowed */
const cases: [string[], string, number, string | undefined, boolean][] = [
  [[], "mimir.example.com", 443, "203.0.113.5", true],
  [[], "127.0.0.1", 8428, "127.0.0.1", true],
  [[], "10.1.2.3", 80, "10.1.2.3", true],
  [[], "169.254.169.254", 80, "169.254.169.254", false],
  [[], "rebound.example.com", 80, "169.254.1.1", false],
  [[], "rebound.example.com", 80, "::ffff:169.254.169.254", false],
  [[], "rebound.example.com", 80, "::ffff:a9fe:a9fe", false],
  [[], "rebound.example.com", 80, "64:ff9b::a9fe:a9fe", false],
  [[], "rebound.example.com", 80, "64:ff9b:1::a9fe:a9fe", false],
  [[], "rebound.example.com", 80, "64:ff9b:1:a9fe:a9:fe00::", false],
  [[], "rebound.example.com", 80, "64:ff9b:1:7a9:fe:a9fe::", false],
  [[], "rebound.example.com", 80, "64:ff9b:1:0:a9:fea9:fe00:0", false],
  [[], "rebound.example.com", 80, "2002:a9fe:a9fe::1", false],
  [[], "rebound.example.com", 80, "2002:0a00:0001::1", true],
  [[], "six.example.com", 80, "64:ff9b:1::a00:1", true],
  [[], "fe80::1", 80, "fe80::1%eth0", false],
  [[], "x", 80, "febf::1", false],
  [[], "x", 80, "fec0::1", true],
  [[], "x", 80, "fd00:ec2::254", false],
  [[], "x", 80, "100.100.100.200", false],
  [[], "metadata.google.internal", 80, undefined, false],
  [[], "metadata.google.internal.", 80, undefined, false],
  [[], "METADATA.google.internal...", 80, undefined, false],
  [[], "metadata..", 80, undefined, false],
  [[], "169.254.169.254", 80, undefined, false],
  [["metadata.google.internal"], "metadata.google.internal..", 80, undefined, true],
  [["169.254.0.0/16"], "169.254.7.7", 80, "169.254.7.7", true],
  [["169.254.7.7"], "peer.example.com", 80, "169.254.7.7", true],
  [["169.254.7.7:9090"], "169.254.7.7", 80, "169.254.7.7", false],
  [["0.0.0.0/0"], "169.254.7.7", 80, "169.254.7.7", false],
  [["::/0"], "fe80::1", 80, "fe80::1", false],
  [["rebound.example.com"], "rebound.example.com", 80, "169.254.169.254", false],
  [["mimir.example.com"], "mimir.example.com", 443, "203.0.113.5", true],
  [["mimir.example.com"], "MIMIR.example.com.", 443, "203.0.113.5", true],
  [["mimir.example.com"], "a.mimir.example.com", 443, "203.0.113.5", false],
  [[".example.com"], "mimir.example.com", 443, "203.0.113.5", true],
  [["*.example.com"], "mimir.example.com", 443, "203.0.113.5", true],
  [[".example.com"], "badexample.com", 443, "203.0.113.5", false],
  [[".example.com"], "example.com", 443, "203.0.113.5", false],
  [["mimir.example.com:443"], "mimir.example.com", 80, "203.0.113.5", false],
  [["10.0.0.0/8"], "inside.example.com", 80, "10.9.9.9", true],
  [["10.0.0.0/8"], "inside.example.com", 80, "11.9.9.9", false],
  [["10.0.0.0/8"], "inside.example.com", 80, undefined, false],
  [["10.0.0.0/8"], "six.example.com", 80, "2002:0a00:0001::1", true],
  [["10.0.0.0/8"], "six.example.com", 80, "64:ff9b::a00:1", true],
  [["10.0.0.0/8"], "which.example.com", 80, "64:ff9b:1:a00:0:100:c0a8:1", false],
  [["2001:db8::/32"], "six.example.com", 80, "2001:db8::7", true],
  [["[2001:db8::7]:9090"], "2001:db8::7", 9090, "2001:db8::7", true],
  [["a.example.com", "10.0.0.0/8"], "a.example.com", 80, "203.0.113.5", true],
];

describe("connectPolicyOf()", () => {
  for (const [patterns, host, port, address, allowed] of cases)
    test(`${patterns.join(" ") || "no pattern"}: ${host}:${port} at ${address ?? "a proxy"} ${allowed ? "is allowed" : "is refused"}`, () => {
      assert.equal(reach(...patterns)(host, port, address) === undefined, allowed);
    });

  for (const text of [
    "10.0.0.0/8/8",
    "::1/8/8",
    "",
    "a b",
    "http://x",
    "10.0.0.0/33",
    "x:0",
    "x:70000",
    "[10.0.0.1]",
    "a..b",
    "fe80::/129",
  ])
    test(`"${text}" is not a pattern`, () => assert.equal(parseHostPattern(text), undefined));
});

describe("the client", () => {
  let url = "";
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    response.end("ok");
  });
  before(async () => {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://sink.example.com:${(server.address() as AddressInfo).port}/`;
  });
  after(() => void server.close());

  const ask = async (patterns: string[], addresses: string[]) => {
    const http = createHttpClient({
      connectMs: 5_000,
      connections: 1,
      connectPolicy: reach(...patterns),
      resolve: async () => addresses,
    });
    const timeouts = { firstByteMs: 5_000, idleMs: 5_000 };
    const r = await http.request({ method: "GET", url, headers: {}, timeouts });
    const result = r.ok ? await r.answer.text(100) : `${r.failure.kind}: ${r.failure.message}`;
    await http.close();
    return result;
  };

  test("a name that leads to a refused address is not connected to", async () => {
    const before = requests;
    assert.match(
      await ask([], ["169.254.169.254"]),
      /^forbidden: outflow may not connect to sink\.example\.com:\d+ \(169\.254\.169\.254\)/,
    );
    assert.match(await ask(["10.0.0.0/8"], ["127.0.0.1"]), /^forbidden: .*--allow-sink/);
    assert.equal(requests, before);
  });

  test("of several addresses the allowed ones are tried, in turn", async () => {
    assert.equal(await ask([], ["169.254.169.254", "127.0.0.1"]), "ok");
    assert.equal(await ask(["127.0.0.0/8"], ["127.0.0.2", "127.0.0.1"]), "ok");
  });
});
