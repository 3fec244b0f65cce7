// From settings to clients: credentials of the source from files that change, what an echoing source may not bring back, warnings
// of each start, and settings that cannot be used.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { httpClientsOf } from "../../src/cli/agent/http-clients.ts";
import { StartError } from "../../src/cli/agent/start-error.ts";
import type { Settings } from "../../src/config/settings.ts";
import { tempDir } from "../servers/binary.ts";

const dir = tempDir();
const seen: (string | undefined)[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers.authorization);
  response.writeHead(401).end(`what is ${request.headers.authorization} and ${request.headers["x-key"]}?`);
});
let url = "";
before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  dir.remove();
});

function ways(own: Partial<Settings>, env: Record<string, string> = {}) {
  const told: string[] = [];
  const settings = { maxSourceQueries: 2, maxWindowSamples: 1000, sinkInsecure: false, sourceInsecure: false, ...own };
  const made = httpClientsOf(
    { sourceUrl: url, ...settings } as Settings & { sourceUrl: string },
    env,
    (level, message) => told.push(`${level}: ${message}`),
  );
  return { ...made, told };
}

function file(name: string, text: string): string {
  const path = join(dir.path, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const timeouts = { firstByteMs: 5_000, idleMs: 5_000 };

async function ask({ source }: ReturnType<typeof ways>): Promise<string> {
  const r = await source.request({ method: "GET", url, headers: {}, timeouts });
  assert.ok(r.ok);
  const said = await r.answer.text(1000);
  return source.cover?.(said) ?? said;
}

describe("credentials of the source", () => {
  test("a password file is read again when it changes; what the source echoes is covered", async () => {
    const sourcePasswordFile = file("password", "first-one\n");
    const made = ways({ sourceUsername: "edge", sourcePasswordFile, sourceHeader: ["X-Key=a-long-key"] });
    const said = await ask(made);
    file("password", "second-pässword\n");
    await ask(made);
    await made.source.close();
    assert.deepEqual(
      seen.splice(0),
      ["edge:first-one", "edge:second-pässword"].map((pair) => `Basic ${Buffer.from(pair).toString("base64")}`),
    );
    assert.doesNotMatch(said, /first-one|a-long-key|ZWRnZ/);
  });

  test("a bearer token file that becomes empty leaves the last token, and the log says so once", async () => {
    const made = ways({ sourceBearerFile: file("token3", "t0ken-one\n") });
    file("token3", "");
    await ask(made);
    await ask(made);
    file("token3", "t0ken-two");
    await ask(made);
    await made.source.close();
    assert.deepEqual(seen.splice(0), ["Bearer t0ken-one", "Bearer t0ken-one", "Bearer t0ken-two"]);
    assert.equal(made.told.length, 1, made.told.join("\n"));
    assert.match(made.told[0]!, /does not hold one token: its last content stays in use/);
  });

  test("a bearer token file that is away for a moment leaves the last token, and says so once", async () => {
    const made = ways({ sourceBearerFile: file("token", "t0ken-one\n") });
    await ask(made);
    writeFileSync(join(dir.path, "token"), Buffer.from([0xff, 0xfe])); // half written: no UTF-8
    await ask(made);
    await ask(made);
    file("token", "t0ken-two");
    await ask(made);
    await made.source.close();
    assert.deepEqual(seen.splice(0), ["Bearer t0ken-one", "Bearer t0ken-one", "Bearer t0ken-one", "Bearer t0ken-two"]);
    assert.equal(made.told.length, 1, made.told.join("\n"));
  });
});

describe("each start tells", () => {
  test("that certificates are not checked", () => {
    assert.match(
      ways({ sinkInsecure: true }).told.join(),
      /^warn: --sink-insecure: the certificate of sinks is not checked/,
    );
    assert.match(ways({ sourceInsecure: true }).told.join(), /^warn: --source-insecure: the certificate of the source/);
  });

  test("that the source is read through a proxy, without its password", () => {
    const { told } = ways({}, { HTTP_PROXY: "http://u:s3cr3t@p:3128" });
    assert.deepEqual(told, ["info: The source is read through the proxy http://p:3128."]);
  });
});

describe("what cannot be used ends the start, without a secret", () => {
  const cases: [string, () => Partial<Settings>, RegExp][] = [
    ["an invalid proxy", () => ({ proxy: "http://u:s3cr3t@" }), /^--proxy: /],
    ["a proxy to the source", () => ({ sourceProxy: "socks5://u:s3cr3t@p" }), /^--source-proxy: .*http and https/],
    ["an invalid pattern", () => ({ allowSink: ["http://x"] }), /^--allow-sink: "http:\/\/x"/],
    ["a CA that is not there", () => ({ sinkCa: "/none.pem" }), /cannot read \/none\.pem \(ENOENT\)/],
    ["a key alone", () => ({ sourceKey: file("k", "x") }), /^--source-ca, .*needs its key/],
    ["a user without password", () => ({ sourceUsername: "u" }), /go together/],
    ["a colon in the user", () => ({ sourceUsername: "a:b", sourcePasswordFile: file("p", "s3cr3t") }), /colon/],
    [
      "two kinds",
      () => ({ sourceBearerFile: file("t", "s3cr3t"), sourceHeader: ["Authorization=s3cr3t"] }),
      /one kind/,
    ],
    ["an invalid header", () => ({ sourceHeader: ["s3cr3t"] }), /write a header as/],
    ["a header of the connection", () => ({ sourceHeader: ["Host=x"] }), /Host is set by outflow itself/],
    [
      "a token file that is empty",
      () => ({ sourceBearerFile: file("e", "\n") }),
      /--source-bearer-file .* is empty: it must hold one token/,
    ],
    [
      "two tokens in a file",
      () => ({ sourceBearerFile: file("e2", "s3cr3t\nt0ken\n") }),
      /must hold one token on one line/,
    ],
    [
      "a password file that is empty",
      () => ({ sourceUsername: "u", sourcePasswordFile: file("pe", "") }),
      /--source-password-file .* is empty/,
    ],
    [
      "credentials in the address",
      () => ({ sourceUrl: "http://u:s3cr3t@vm:8428" }),
      /^--source-url: credentials in the address are not used\. Give them with --source-username/,
    ],
    ["a token file that is not there", () => ({ sourceBearerFile: "/none" }), /--source-bearer-file \/none \(ENOENT\)/],
  ];
  for (const [name, own, message] of cases)
    test(name, () => {
      assert.throws(
        () => ways(own()),
        (e: Error) => e instanceof StartError && message.test(e.message) && !/s3cr3t/.test(e.message),
      );
    });
});
