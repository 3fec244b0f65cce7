// HttpClients out of a client: its own connections, proxies (a forward proxy of the test's own), NO_PROXY, gzip within bounds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createHttpClient, type HttpClientOptions } from "../../src/http/client.ts";
import { connectPolicyOf } from "../../src/http/connecting/connect-policy.ts";
import { parseProxy, proxyRules } from "../../src/http/connecting/proxy.ts";
import { createTls } from "../../src/http/connecting/tls.ts";
import { HttpBroken } from "../../src/http/http.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { createAuthority } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";

const TIMEOUTS = { firstByteMs: 60_000, idleMs: 60_000 };
const ends: (() => void)[] = [];
after(() => {
  for (const end of ends) end();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  ends.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}
const serve = (handler: (request: IncomingMessage, response: ServerResponse) => void) => listen(createServer(handler));

function client(options: Partial<HttpClientOptions> = {}) {
  const http = createHttpClient({ connectMs: 10_000, connections: 1, ...options });
  ends.push(() => void http.close());
  return http;
}

async function get(
  options: Partial<HttpClientOptions>,
  url: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const r = await client(options).request({ method: "GET", url, headers, timeouts: TIMEOUTS });
  return r.ok ? `${r.answer.status} ${await r.answer.text(1000)}` : `${r.failure.kind}: ${r.failure.message}`;
}

describe("connections", () => {
  test("one client's requests that hang do not hold up another's to the same origin", async () => {
    const hanging = new Set<string>();
    const port = await serve((request, response) => {
      if (request.url === "/hang") hanging.add(request.url);
      else response.end("ok");
    });
    const url = `http://127.0.0.1:${port}`;
    const slow = client();
    const stop = new AbortController();
    const hung = slow.request({
      method: "GET",
      url: `${url}/hang`,
      headers: {},
      timeouts: TIMEOUTS,
      signal: stop.signal,
    });
    const waiting = slow.request({
      method: "GET",
      url: `${url}/b`,
      headers: {},
      timeouts: TIMEOUTS,
      signal: stop.signal,
    });
    assert.equal(await get({}, `${url}/c`), "200 ok");
    stop.abort();
    for (const r of [await hung, await waiting]) assert.equal(!r.ok && r.failure.kind, "aborted");
  });
});

/** A forward proxy; with `auth` it asks for it. */
async function startProxy(auth?: string) {
  const seen: string[] = [];
  const allowed = (request: IncomingMessage) => auth === undefined || request.headers["proxy-authorization"] === auth;
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} host=${request.headers.host}`);
    if (!allowed(request)) return void response.writeHead(407).end("who?");
    const { "proxy-authorization": _, ...headers } = request.headers;
    const target = new URL(request.url!);
    const out = connect(Number(target.port), "127.0.0.1", () => {
      out.write(`${request.method} ${target.pathname} HTTP/1.1\r\n`);
      for (const [name, value] of Object.entries({ ...headers, connection: "close" }))
        out.write(`${name}: ${value}\r\n`);
      out.write("\r\n");
    });
    out.pipe(response.socket!);
  });
  server.on("connect", (request, socket: Socket) => {
    seen.push(`CONNECT ${request.url}`);
    if (!allowed(request)) return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const port = Number(request.url!.split(":").at(-1));
    if (port === 1) return void socket.end("HTTP/1.1 403 Filtered\r\n\r\n");
    const out = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      out.pipe(socket).pipe(out);
    });
    for (const s of [socket, out]) s.on("error", () => {});
  });
  return { port: await listen(server), seen };
}

const through = (text: string, env = {}) => {
  const made = proxyRules(text, env);
  assert.ok("rules" in made, JSON.stringify(made));
  return { proxy: made.rules };
};

describe("a proxy", () => {
  const basic = `Basic ${Buffer.from("us er:p@ss:wörd").toString("base64")}`;
  const user = "us%20er:p%40ss%3Aw%C3%B6rd";

  test("gets plain http with the whole URL, and its own credentials; the target gets its own only", async () => {
    let got: IncomingMessage["headers"] = {};
    const port = await serve((request, response) => {
      got = request.headers;
      response.end(`path ${request.url}`);
    });
    const proxy = await startProxy(basic);
    const url = `http://sink.example.com:${port}/api/v1/push`;
    const answer = await get(through(`http://${user}@127.0.0.1:${proxy.port}`), url, { authorization: "Bearer t" });
    assert.equal(answer, "200 path /api/v1/push");
    assert.deepEqual(proxy.seen, [`GET ${url} host=sink.example.com:${port}`]);
    assert.deepEqual(
      [got.host, got.authorization, got["proxy-authorization"]],
      [`sink.example.com:${port}`, "Bearer t", undefined],
    );
  });

  test(
    "makes a tunnel for https, through which the certificate of the target is checked",
    needs("openssl"),
    async () => {
      const authority = createAuthority();
      ends.push(authority.remove);
      const pair = authority.sign("sink", { names: "DNS:sink.example.com" });
      const port = await listen(
        createHttps({ key: readFileSync(pair.key), cert: readFileSync(pair.cert) }, (_, response) =>
          response.end("ok"),
        ) as unknown as Server,
      );
      const proxy = await startProxy(basic);
      const way = {
        ...through(`http://${user}@127.0.0.1:${proxy.port}`),
        tls: createTls({ ca: authority.ca }, systemFiles, () => {}),
      };
      assert.equal(await get(way, `https://sink.example.com:${port}/x`), "200 ok");
      assert.match(await get(way, `https://other.example.com:${port}/x`), /^tls: .*does not match/);
      assert.deepEqual(proxy.seen, [`CONNECT sink.example.com:${port}`, `CONNECT other.example.com:${port}`]);
    },
  );

  test("that refuses, is not there or wants other credentials is named, without them", async () => {
    const proxy = await startProxy(basic);
    const wrong = through(`http://me:s3cr3t@127.0.0.1:${proxy.port}`);
    for (const url of ["http://sink.example.com/", "https://sink.example.com/"]) {
      const said = await get(wrong, url);
      assert.match(said, /^proxy: The proxy http:\/\/127\.0\.0\.1:\d+ .*\(407\)/);
      assert.doesNotMatch(said, /s3cr3t/);
    }
    assert.match(
      await get(through(`http://${user}@127.0.0.1:${proxy.port}`), "https://sink.example.com:1/"),
      /^proxy: .*answered 403/,
    );
    for (const url of ["http://sink.example.com/", "https://sink.example.com/"])
      assert.match(
        await get(through("http://127.0.0.1:1"), url),
        /^proxy: The proxy http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/,
      );
  });

  test("is not asked for what the operator refuses", async () => {
    const proxy = await startProxy();
    const route = { ...through(`127.0.0.1:${proxy.port}`), connectPolicy: connectPolicyOf([]) };
    for (const url of ["http://169.254.169.254/", "https://169.254.169.254/", "http://metadata.google.internal/"])
      assert.match(await get(route, url), /^forbidden: /);
    assert.deepEqual(proxy.seen, []);
  });
});

describe("proxyRules()", () => {
  const chosen = (flag: string | undefined, env: Record<string, string>, url: string) => {
    const made = proxyRules(flag, env);
    return "problem" in made ? made.problem : made.rules(new URL(url))?.shown;
  };
  const cases: [string | undefined, Record<string, string>, string, string | undefined][] = [
    [undefined, {}, "http://a/", undefined],
    [undefined, { HTTP_PROXY: "p:3128" }, "http://a/", "http://p:3128"],
    [undefined, { HTTP_PROXY: "p:3128" }, "https://a/", undefined],
    [undefined, { https_proxy: "http://p:1", HTTPS_PROXY: "http://q:1" }, "https://a/", "http://p:1"],
    [undefined, { HTTP_PROXY: "p:3128" }, "http://127.0.0.1/", "http://p:3128"],
    ["http://f:1", { HTTP_PROXY: "p:3128" }, "http://a/", "http://f:1"],
    ["http://f:1", {}, "https://a/", "http://f:1"],
    ["off", { HTTP_PROXY: "p:3128" }, "http://a/", undefined],
    ["http://f:1", { NO_PROXY: "*" }, "http://a/", undefined],
    ["http://f:1", { NO_PROXY: "b, example.com" }, "http://x.example.com/", undefined],
    ["http://f:1", { no_proxy: ".example.com" }, "http://example.com/", undefined],
    ["http://f:1", { NO_PROXY: "example.com" }, "http://badexample.com/", "http://f:1"],
    ["http://f:1", { NO_PROXY: "10.0.0.0/8" }, "http://10.1.2.3/", undefined],
    ["http://f:1", { NO_PROXY: "::1,localhost,127.0.0.1" }, "http://[::1]:8428/", undefined],
    ["http://f:1", { NO_PROXY: "a:81" }, "http://a/", "http://f:1"],
  ];
  for (const [flag, env, url, proxy] of cases)
    test(`${flag ?? ""} ${JSON.stringify(env)} ${url}: ${proxy ?? "direct"}`, () =>
      assert.equal(chosen(flag, env, url), proxy));

  test("what is not a proxy is reported without its text", () => {
    for (const text of [
      "htp:/x",
      "htp:",
      "http://p:3128/s3",
      "http://p?s3",
      "socks5://u:s3cr3t@p",
      "http://u:s3cr3t@",
      "http://u:s3%ZZcr3t@p:1",
    ]) {
      const problem = parseProxy(text);
      assert.equal(typeof problem, "string", text);
      assert.doesNotMatch(String(problem), /s3/);
    }
    assert.match(
      chosen(undefined, { HTTPS_PROXY: "socks5://p" }, "http://a/") ?? "",
      /^HTTPS_PROXY: .*only http and https/,
    );
  });
});

describe("gzip", () => {
  const ask = async (body: Buffer, headers: Record<string, string>, max: number) => {
    let asked: string | undefined;
    const port = await serve((request, response) => {
      asked = request.headers["accept-encoding"];
      response.writeHead(200, headers).end(body);
    });
    const r = await client({ inflateMaxBytes: max }).request({
      method: "GET",
      url: `http://127.0.0.1:${port}/`,
      headers: {},
      timeouts: TIMEOUTS,
    });
    assert.ok(r.ok);
    let length = 0;
    let trouble = "";
    try {
      for await (const piece of r.answer.body) length += piece.length;
    } catch (error) {
      assert.ok(error instanceof HttpBroken);
      trouble = `${error.failure.code}: ${error.failure.message}`;
    }
    return { asked, length, trouble };
  };
  const big = Buffer.alloc(1 << 20, "some text ");

  test("is asked for and inflated", async () => {
    const packed = gzipSync(big);
    assert.deepEqual(await ask(packed, { "content-encoding": "gzip" }, 2 << 20), {
      asked: "gzip",
      length: big.length,
      trouble: "",
    });
    assert.deepEqual((await ask(big, {}, 2 << 20)).length, big.length);
  });

  test("beyond the bound it is broken off", async () => {
    const { length, trouble } = await ask(gzipSync(big), { "content-encoding": "gzip" }, 100_000);
    assert.ok(length <= 100_000, String(length));
    assert.match(trouble, /^TOO_LARGE: .*larger than 100000 bytes/);
  });

  test("a bomb is broken off by its ratio", async () => {
    const bomb = gzipSync(Buffer.alloc(128 << 20));
    const { length, trouble } = await ask(bomb, { "content-encoding": "gzip" }, 1 << 30);
    assert.ok(length < 64 << 20, String(length));
    assert.match(trouble, /^TOO_LARGE: .*300 times/);
  });

  test("cut off or damaged it is a broken answer, and so is what was not asked for", async () => {
    const packed = gzipSync(big);
    assert.match((await ask(packed.subarray(0, -20), { "content-encoding": "gzip" }, 2 << 20)).trouble, /damaged/);
    assert.match((await ask(Buffer.from("no gzip"), { "content-encoding": "gzip" }, 2 << 20)).trouble, /damaged/);
    assert.match((await ask(packed, { "content-encoding": "br" }, 2 << 20)).trouble, /not requested/);
  });
});
