// HTTP/1.1 as bytes: answers cut anywhere come out the same; what two readers could understand differently is no HTTP.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AnswerParser, type Head, NotHttp, requestHead } from "../../src/http/wire.ts";

type Read = { heads: Head[]; body: string; done: boolean; reusable: boolean; keepAliveMs: number };

function read(pieces: readonly Uint8Array[], closes = false): Read {
  const heads: Head[] = [];
  const body: Uint8Array[] = [];
  const parser = new AnswerParser(
    (head) => heads.push(head),
    (piece) => body.push(Buffer.from(piece)),
  );
  for (const piece of pieces) parser.push(piece);
  if (closes) parser.end();
  const { done, reusable, keepAliveMs } = parser;
  return { heads, body: Buffer.concat(body).toString("latin1"), done, reusable, keepAliveMs };
}

const text = (answer: string, closes = false) => read([Buffer.from(answer, "latin1")], closes);
const head = (...lines: string[]) => `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`;

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, i) => bytes.subarray(places[i]!, to));
}

describe("an answer", () => {
  test("with a length", () => {
    const answer = text(`${head("Content-Length: 5", "X-A:  b ")}hello`);
    assert.deepEqual(answer.heads, [{ status: 200, headers: { "content-length": "5", "x-a": "b" } }]);
    assert.equal(answer.body, "hello");
    assert.equal(answer.done && answer.reusable, true);
  });

  test("in chunks, with extensions and a trailer", () => {
    const answer = text(
      `${head("Transfer-Encoding: Chunked")}3;x=y\r\nabc\r\n1F\r\n${"d".repeat(31)}\r\n0\r\nx-t: 1\r\n\r\n`,
    );
    assert.equal(answer.body, `abc${"d".repeat(31)}`);
    assert.equal(answer.done && answer.reusable, true);
  });

  test("that ends with the connection", () => {
    assert.equal(text(`${head()}abc`).done, false);
    const answer = text(`${head()}abc`, true);
    assert.equal(answer.body, "abc");
    assert.deepEqual([answer.done, answer.reusable], [true, false]);
  });

  for (const status of ["204 No Content", "304 Not Modified", "204"])
    test(`${status} has no body`, () => assert.equal(text(`HTTP/1.1 ${status}\r\nx-a: b\r\n\r\n`).done, true));

  test("of a broken-off connection is not complete", () => {
    assert.equal(text(`${head("Content-Length: 5")}hell`, true).done, false);
    assert.equal(text(`${head("Transfer-Encoding: chunked")}3\r\nabc\r\n`, true).done, false);
    assert.equal(text("HTTP/1.1 200 OK\r\nx-a: b\r\n", true).done, false);
  });

  test("comes after informational ones", () => {
    const answer = text(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n${head("Content-Length: 1")}x`,
    );
    assert.deepEqual(answer.heads, [{ status: 200, headers: { "content-length": "1" } }]);
    assert.equal(answer.body, "x");
  });

  test("says whether its connection can be used again, and for how long", () => {
    const reusable = (...lines: string[]) => text(head("Content-Length: 0", ...lines)).reusable;
    assert.equal(reusable("Connection: close"), false);
    assert.equal(reusable("Connection: Keep-Alive"), true);
    assert.equal(text("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").reusable, false);
    assert.equal(text("HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n").reusable, true);
    assert.equal(text(head("Content-Length: 0", "Keep-Alive: timeout=5, max=9")).keepAliveMs, 5000);
    assert.equal(text(`${head("Content-Length: 1")}xy`).reusable, false, "more than was asked for");
  });

  test("repeated headers are joined, and names such as constructor are names", () => {
    const { headers } = text(head("A: 1", "a: 2", "Constructor: x", "Content-Length: 0, 0")).heads[0]!;
    assert.equal(headers.a, "1, 2");
    assert.equal(headers.constructor, "x");
  });

  const answers = [
    `${head("Content-Length: 5", "X-A: b")}hello`,
    `HTTP/1.1 100 Continue\r\n\r\n${head("Transfer-Encoding: chunked")}3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nt: 1\r\n\r\n`,
    `${head("Connection: close")}until the end`,
  ];
  for (const answer of answers)
    test(`cut anywhere is the same: ${JSON.stringify(answer).slice(0, 40)}`, () =>
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), (at) => {
          assert.deepEqual(read(cut(Buffer.from(answer, "latin1"), at), true), text(answer, true));
        }),
      ));

  test("in chunks of any sizes, cut anywhere, is what was sent, in views of what came", () =>
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (chunks, at) => {
          const sent = Buffer.concat([
            Buffer.from(head("Transfer-Encoding: chunked")),
            ...chunks.flatMap((c) => [Buffer.from(`${c.length.toString(16)}\r\n`), c, Buffer.from("\r\n")]),
            Buffer.from("0\r\n\r\n"),
          ]);
          const answer = read(cut(sent, at));
          assert.equal(answer.body, Buffer.concat(chunks).toString("latin1"));
          assert.equal(answer.reusable, true);
        },
      ),
    ));
});

describe("no HTTP", () => {
  const not: [why: string, answer: string][] = [
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a single byte of another protocol", "\x15"],
    ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status that begins with 0", "HTTP/1.1 099 OK\r\n\r\n"],
    ["a header without a colon", head("hello")],
    ["a header without a name", head(": x")],
    ["space before the colon", head("a : x")],
    ["a folded header", head("a: x", " y")],
    ["a control character in a header", head("a: x\0y")],
    ["a bare line feed in a header", head("a: x\ny: z")],
    ["two lengths", head("Content-Length: 1", "Content-Length: 2")],
    ["a length with a sign", head("Content-Length: +1")],
    ["a length beyond all", head(`Content-Length: ${"9".repeat(20)}`)],
    ["chunks and a length", head("Content-Length: 1", "Transfer-Encoding: chunked")],
    ["a coding that was not asked for", head("Transfer-Encoding: gzip, chunked")],
    ["a chunk without a size", `${head("Transfer-Encoding: chunked")}\r\nabc\r\n`],
    ["a size that is not a number", `${head("Transfer-Encoding: chunked")}0x3\r\nabc\r\n`],
    ["a negative size", `${head("Transfer-Encoding: chunked")}-3\r\nabc\r\n`],
    ["a chunk that is longer than it says", `${head("Transfer-Encoding: chunked")}2\r\nabc\r\n`],
    ["a chunk that ends with LF alone", `${head("Transfer-Encoding: chunked")}3\r\nabc\n`],
    ["a line between chunks without end", `${head("Transfer-Encoding: chunked")}3;${"x".repeat(5000)}`],
    ["a head without end", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(20_000)}`],
    ["a trailer without end", `${head("Transfer-Encoding: chunked")}0\r\n${"a: b\r\n".repeat(10_000)}`],
    ["informational answers without end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20)],
    ["another protocol that is asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ];
  for (const [why, answer] of not)
    test(why, () => {
      assert.throws(() => text(answer), NotHttp);
      assert.throws(() => read([...Buffer.from(answer, "latin1")].map((byte) => Uint8Array.of(byte))), NotHttp);
    });
});

describe("requestHead()", () => {
  test("is the request line, the host, the headers and the length", () => {
    assert.equal(
      requestHead("POST", "/a?b", "h:1", { "x-a": "b\xe9" }, 3),
      "POST /a?b HTTP/1.1\r\nhost: h:1\r\nx-a: b\xe9\r\ncontent-length: 3\r\n\r\n",
    );
    assert.equal(requestHead("GET", "/", "h", {}, undefined), "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
  });

  for (const [name, value] of [
    ["x a", "b"],
    ["x-a", "b\r\nx-b: c"],
    ["x-a\r\n", "b"],
    ["x-a", "\u{1f600}"],
    ["", "b"],
  ] as const)
    test(`${JSON.stringify([name, value])} cannot be sent`, () =>
      assert.throws(() => requestHead("GET", "/", "h", { [name]: value }, undefined), NotHttp));
});

describe("what is the same again is not made again", () => {
  test("the head of a request: frozen headers, for each target and length", () => {
    const headers = Object.freeze({ a: "1" });
    for (const target of ["/x", "/y", "/x"])
      for (const length of [5, 6, undefined])
        assert.equal(
          requestHead("POST", target, "h:1", headers, length),
          `POST ${target} HTTP/1.1\r\nhost: h:1\r\na: 1\r\n${length === undefined ? "" : `content-length: ${length}\r\n`}\r\n`,
        );
  });

  test("headers that may change are looked at each time", () => {
    const headers: Record<string, string> = { a: "1" };
    requestHead("GET", "/", "h", headers, undefined);
    headers.a = "2";
    assert.match(requestHead("GET", "/", "h", headers, undefined), /\r\na: 2\r\n/);
    headers.a = "2\r\nb: 3";
    assert.throws(() => requestHead("GET", "/", "h", headers, undefined), NotHttp);
  });

  test("heads of responses that take turns; each response has its own state", () => {
    const closing = head("Content-Length: 0", "Connection: close");
    const keeping = head("Content-Length: 2", "Keep-Alive: timeout=5");
    for (let i = 0; i < 3; i++) {
      for (let twice = 0; twice < 2; twice++) {
        const a = text(closing);
        assert.deepEqual([a.done, a.reusable, a.heads[0]?.headers.connection], [true, false, "close"]);
      }
      for (let twice = 0; twice < 2; twice++) {
        const b = text(`${keeping}ab`);
        assert.deepEqual([b.done, b.reusable, b.keepAliveMs, b.body], [true, true, 5_000, "ab"]);
      }
    }
  });

  test("a head that is malformed is malformed each time", () => {
    for (let i = 0; i < 2; i++) assert.throws(() => text("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), NotHttp);
  });
});
