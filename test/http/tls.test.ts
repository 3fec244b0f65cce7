// TLS against real HTTPS servers on loopback: what is trusted, what is shown, how each failure is named, and files that change.
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type Server } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createHttpClient, type HttpClientOptions } from "../../src/http/client.ts";
import { createTls, TlsFilesError, type TlsOptions } from "../../src/http/connecting/tls.ts";
import type { HttpFailure } from "../../src/http/http.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { type Authority, createAuthority, type Pair } from "../servers/certificates.ts";
import { needs } from "../servers/found.ts";

const TIMEOUTS = { firstByteMs: 5_000, idleMs: 5_000 };
let ours: Authority;
let other: Authority;
let server: Pair;
let client: Pair;
const open: Server[] = [];
const told: string[] = [];

before(() => {
  if (needs("openssl").skip) return;
  ours = createAuthority();
  other = createAuthority();
  server = ours.sign("localhost");
  client = ours.sign("edge-1");
});
after(() => {
  for (const s of open) s.close();
  if (needs("openssl").skip) return;
  ours.remove();
  other.remove();
});

async function listen(s: Server): Promise<number> {
  open.push(s);
  await new Promise<void>((done) => s.listen(0, "127.0.0.1", done));
  return (s.address() as AddressInfo).port;
}

const https = (pair: Pair, options: ServerOptions = {}) =>
  listen(
    createServer({ key: readFileSync(pair.key), cert: readFileSync(pair.cert), ...options }, (_, response) =>
      response.end("answered"),
    ) as unknown as Server,
  );

/** The answer's text, or the failure. */
async function get(
  url: string,
  tls: TlsOptions,
  options: Partial<HttpClientOptions> = {},
): Promise<string | HttpFailure> {
  const http = createHttpClient({
    connectMs: 5_000,
    connections: 2,
    tls: createTls(tls, systemFiles, (m) => told.push(m)),
    ...options,
  });
  const r = await http.request({ method: "GET", url, headers: {}, timeouts: TIMEOUTS });
  const result = r.ok ? await r.answer.text(1000) : r.failure;
  await http.close();
  return result;
}

async function fails(url: string, tls: TlsOptions, message: RegExp): Promise<void> {
  const failure = await get(url, tls);
  assert.notEqual(typeof failure, "string", String(failure));
  const { kind, message: said, code } = failure as HttpFailure;
  assert.notEqual(code, "UNSPECIFIED", said);
  assert.equal(kind, "tls", `${code}: ${said}`);
  assert.match(said, message, code);
}

describe("what is trusted", needs("openssl"), () => {
  test("a CA file, next to the roots of the system", async () => {
    const port = await https(server);
    assert.equal(await get(`https://localhost:${port}/`, { ca: ours.ca }), "answered");
    assert.equal(await get(`https://127.0.0.1:${port}/`, { ca: ours.ca }), "answered");
  });

  test("a server name in place of the URL's host", async () => {
    const port = await https(ours.sign("sink", { names: "DNS:sink.example.com" }));
    const url = `https://127.0.0.1:${port}/`;
    await fails(url, { ca: ours.ca }, /does not match/);
    assert.equal(await get(url, { ca: ours.ca, serverName: "sink.example.com" }), "answered");
  });

  test("everybody, if told so", async () => {
    const port = await https(ours.sign("sink", { names: "DNS:sink.example.com", expired: true }));
    assert.equal(await get(`https://localhost:${port}/`, { insecure: true }), "answered");
  });
});

describe("failures of TLS have their kind and say what to do", needs("openssl"), () => {
  test("an unknown authority", async () => {
    const message = /is not signed by an authority that is trusted here: set its CA with --sink-ca/;
    await fails(`https://localhost:${await https(server)}/`, {}, message);
    await fails(`https://localhost:${await https(server)}/`, { ca: other.ca }, message);
  });
  test("another host's certificate", async () => {
    const port = await https(ours.sign("sink", { names: "DNS:sink.example.com" }));
    await fails(`https://localhost:${port}/`, { ca: ours.ca }, /does not match.*sink\.example\.com/);
  });
  test("an expired certificate", async () => {
    const port = await https(ours.sign("localhost", { expired: true }));
    await fails(`https://localhost:${port}/`, { ca: ours.ca }, /has expired/);
  });
  test("a client certificate that is missing", async () => {
    const port = await https(server, { ca: readFileSync(ours.ca), requestCert: true, rejectUnauthorized: true });
    await fails(
      `https://localhost:${port}/`,
      { ca: ours.ca },
      /the server asks for a client certificate, and outflow has none to show: set --sink-cert/,
    );
    assert.equal(await get(`https://localhost:${port}/`, { ca: ours.ca, ...client }), "answered");
  });
  test("a chain that must not be: for another purpose, too long, for other names, with what nobody knows", async () => {
    const purpose = ours.sign("localhost", { extensions: "extendedKeyUsage=clientAuth" });
    await fails(`https://localhost:${await https(purpose)}/`, { ca: ours.ca }, /extended key usage serverAuth/);
    const critical = ours.sign("localhost", { extensions: "1.2.3.4=critical,ASN1:UTF8String:x" });
    await fails(
      `https://localhost:${await https(critical)}/`,
      { ca: ours.ca },
      /critical extension that is not supported/,
    );
    for (const constraint of ["permitted;DNS:example.com", "excluded;DNS:localhost"]) {
      const narrow = createAuthority(`nameConstraints=critical,${constraint}`);
      const port = await https(narrow.sign("localhost"));
      await fails(`https://localhost:${port}/`, { ca: narrow.ca }, /may not sign for this host \(name constraints\)/);
      narrow.remove();
    }
    const short = createAuthority("basicConstraints=critical,CA:TRUE,pathlen:0");
    const below = short.intermediate();
    const port = await https(below.sign("localhost"));
    await fails(`https://localhost:${port}/`, { ca: short.ca }, /chain .* is longer than one of its issuers allows/);
    short.remove();
  });
  test("the error itself is kept as the cause", async () => {
    const failure = await get(`https://localhost:${await https(server)}/`, {});
    assert.ok(typeof failure !== "string" && failure.cause instanceof Error);
  });
  test("a plain http port", async () => {
    const port = await listen(createPlain((_, response) => response.end()));
    await fails(`https://127.0.0.1:${port}/`, { ca: ours.ca }, /plain http port/);
  });
});

describe("files", needs("openssl"), () => {
  const cases: [string, () => TlsOptions, RegExp][] = [
    ["a CA that is not there", () => ({ ca: join(ours.dir, "none.pem") }), /cannot read .*none\.pem \(ENOENT\)/],
    ["a CA that is not valid", () => ({ ca: client.key }), /holds no PEM certificate/],
    ["a certificate without its key", () => ({ cert: client.cert }), /needs its key/],
    ["another one's key", () => ({ cert: client.cert, key: server.key }), /the key is not the certificate/],
  ];
  for (const [name, options, message] of cases)
    test(`${name} is refused at start`, () => {
      assert.throws(
        () => createTls(options(), systemFiles, () => {}),
        (e: Error) => e instanceof TlsFilesError && message.test(e.message),
      );
    });

  test("are read again when they change; what cannot be used leaves the last good ones, and says so", async () => {
    const file = join(ours.dir, "changing.pem");
    copyFileSync(other.ca, file);
    const port = await https(server);
    const http = createHttpClient({
      connectMs: 5_000,
      connections: 2,
      tls: createTls({ ca: file }, systemFiles, (m) => told.push(m)),
    });
    const ask = async () => {
      const r = await http.request({
        method: "GET",
        url: `https://localhost:${port}/`,
        headers: {},
        timeouts: TIMEOUTS,
      });
      return r.ok ? r.answer.text(1000) : r.failure.kind;
    };
    assert.equal(await ask(), "tls");
    copyFileSync(ours.ca, file);
    assert.equal(await ask(), "answered");
    told.length = 0;
    writeFileSync(file, "half a certif");
    assert.equal(await ask(), "answered");
    assert.equal(await ask(), "answered");
    assert.deepEqual(told.length, 1);
    assert.match(told[0]!, /changing\.pem: holds no PEM certificate; the previous content stays in use/);
    copyFileSync(other.ca, file);
    assert.equal(await ask(), "tls");
    await http.close();
  });
});
