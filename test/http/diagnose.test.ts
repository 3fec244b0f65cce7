// What a failed connection does not tell, over the same route: the proxy, the connect policy and the server name count for it too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { createHttpClient, type HttpClientOptions } from "../../src/http/client.ts";
import { connectPolicyOf } from "../../src/http/connecting/connect-policy.ts";
import { parseHostPattern } from "../../src/http/connecting/host-pattern.ts";
import { proxyRules } from "../../src/http/connecting/proxy.ts";
import { createTls } from "../../src/http/connecting/tls.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { type Authority, createAuthority } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";

const open: Server[] = [];
let authority: Authority;
let port = 0;
let connections = 0;

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

before(async () => {
  if (needs("openssl").skip) return;
  authority = createAuthority();
  const pair = authority.sign("sink", { names: "DNS:sink.example.com" });
  const server = createServer({
    key: readFileSync(pair.key),
    cert: readFileSync(pair.cert),
  });
  server.on("connection", () => connections++);
  port = await listen(server as unknown as Server);
});
after(() => {
  for (const server of open) server.close();
  authority?.remove();
});

const look = (options: Partial<HttpClientOptions>, host: string, what: "certificate" | "name") =>
  createHttpClient({ connectMs: 5_000, connections: 1, resolve: async () => ["127.0.0.1"], ...options }).look(
    `https://${host}:${port}/`,
    what,
  );
const allow = (...patterns: string[]) => connectPolicyOf(patterns.map((text) => parseHostPattern(text)!));

describe("look()", needs("openssl"), () => {
  test("the certificate, whoever signed it, and whatever name it is for", async () => {
    assert.match(
      await look({}, "other.example.com", "certificate"),
      /^The server shows the certificate of CN=sink, for sink\.example\.com, issued by CN=outflow test authority, valid from 2024-01-01 to 2049-01-01\.$/,
    );
  });

  test("not where outflow may not connect", async () => {
    const before = connections;
    assert.equal(await look({ connectPolicy: allow("10.0.0.0/8") }, "sink.example.com", "certificate"), "");
    assert.equal(connections, before);
    assert.equal(
      await look(
        { connectPolicy: allow("10.0.0.0/8"), resolve: async () => ["10.1.1.1", "169.254.169.254"] },
        "a.example.com",
        "name",
      ),
      "a.example.com resolves to 10.1.1.1, and 1 that outflow may not connect to.",
    );
  });

  test("through the proxy, which also resolves the name, with the sink's server name", async () => {
    const targets: string[] = [];
    let hello = "";
    const proxy = createHttp();
    proxy.on("connect", (request, socket) => {
      targets.push(request.url ?? "");
      const to = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        to.pipe(socket).pipe(to);
      });
      socket.on("data", (piece: Buffer) => {
        hello += piece.toString("latin1");
      });
      for (const end of [to, socket]) end.on("error", () => {});
    });
    const made = proxyRules(`http://127.0.0.1:${await listen(proxy as unknown as Server)}`, {});
    assert.ok("rules" in made);
    const resolved: string[] = [];
    const options = {
      proxy: made.rules,
      tls: createTls({ serverName: "inside.example.com" }, systemFiles, () => {}),
      resolve: async (host: string) => {
        resolved.push(host);
        return ["127.0.0.1"];
      },
    };
    assert.match(
      await look(options, "sink.example.com", "certificate"),
      /^The server shows the certificate of CN=sink/,
    );
    assert.ok(hello.includes("inside.example.com") && !hello.includes("sink.example.com"), "the sink's server name");
    assert.deepEqual(targets, [`sink.example.com:${port}`]);
    assert.match(await look(options, "sink.example.com", "name"), /^sink\.example\.com is resolved by the proxy http:/);
    assert.ok(!resolved.includes("sink.example.com"));
  });

  test("what cannot be found out is nothing", async () => {
    const nowhere = async () => {
      throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
    };
    assert.equal(
      await look({ resolve: nowhere }, "a.example.com", "name"),
      "a.example.com does not resolve (ENOTFOUND).",
    );
    assert.equal(await look({ resolve: nowhere }, "a.example.com", "certificate"), "");
    assert.equal(await look({}, "127.0.0.1", "name"), "");
  });
});
