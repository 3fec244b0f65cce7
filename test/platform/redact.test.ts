// A secret is covered however a server spells it, also where the text was cut off in its middle.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readings } from "../../src/platform/readings.ts";
import { redactor } from "../../src/platform/redact.ts";

const SECRET = `pa"ss/w&rd <ü> 'x'+\\`;
const base64 = Buffer.from(SECRET, "utf8").toString("base64");

describe("redactor() covers a secret", () => {
  const spelled: [string, string][] = [
    ["plain", SECRET],
    ["in JSON", JSON.stringify({ password: SECRET })],
    ["in JSON with escaped slashes", JSON.stringify(SECRET).replaceAll("/", "\\/")],
    ["in a URL", `/login?p=${encodeURIComponent(SECRET)}`],
    ["in a form", new URLSearchParams({ p: SECRET }).toString()],
    ["as numbers of HTML", [...SECRET].map((c) => `&#${c.codePointAt(0)};`).join("")],
    [
      "as escapes of JSON",
      [...SECRET].map((c) => `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(""),
    ],
    ["with every character of a URL escaped", [...Buffer.from(SECRET)].map((b) => `%${b.toString(16)}`).join("")],
    ["in base64", `Authorization: Basic ${base64}`],
    ["in base64 without padding", base64.replace(/=+$/, "")],
    ["in base64url", Buffer.from(SECRET, "utf8").toString("base64url")],
    ["in base64 in a URL", encodeURIComponent(base64)],
    [
      "in HTML",
      SECRET.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    ],
  ];
  for (const [name, text] of spelled)
    test(name, () => {
      const safe = redactor([SECRET])(`before ${text} after`);
      assert.match(safe, /\[redacted\]/);
      assert.match(safe, /^before .* after$/);
      for (const part of ["ss/w", "ss%2F", base64.slice(4, 12)]) assert.equal(safe.includes(part), false, safe);
    });

  test("property: cut off anywhere, three of its characters are never left at the end", () => {
    const secret = "hunter2-xyz";
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.integer({ min: 3, max: secret.length }), (before, n) => {
        const safe = redactor([secret])(`${before}${secret.slice(0, n)}`, true);
        assert.equal(safe.endsWith("[redacted]"), true, safe);
      }),
    );
  });

  test("also where an escape is cut off in its middle", () => {
    for (const end of ["%", "%2", "%2F", "%2f", "\\u00", "&#4"])
      assert.equal(redactor(["abc/def"])(`x abc${end}`, true), "x [redacted]", end);
  });

  test("a text that was not cut off keeps its end", () => assert.equal(redactor(["hunter2"])("the hunt"), "the hunt"));

  test("backslashes and quotes, read in every way", () => {
    for (const secret of ["\\\\", '\\"', "a\\\\b", '\\\\"'])
      for (const text of [secret, JSON.stringify(secret).slice(1, -1)])
        assert.equal(redactor([secret])(`(${text})`), "([redacted])", `${secret} in ${text}`);
  });

  test("what nearly is a long secret is covered as far as it is; behind the known beginning of one, everything", () => {
    const secret = "abcdefghij".repeat(6_500);
    assert.equal(redactor([secret])(`(${secret.slice(0, 200)})`), "([redacted])");
    assert.equal(redactor([secret])(`(${secret.slice(0, 4_000)})`), "([redacted]");
    assert.equal(redactor([secret])("abcdefghijx"), "abcdefghijx");
  });

  test("in base64 behind something else, in hexadecimal, in escapes of C, and percent-encoded twice", () => {
    const bytes = [...Buffer.from(SECRET)];
    const hex = (byte: number) => byte.toString(16).padStart(2, "0");
    for (const text of [
      ...["", "u:", "user:", "x"].map((before) => Buffer.from(`${before}${SECRET} and more`).toString("base64")),
      Buffer.from(`user:${SECRET} and more`).toString("base64url"),
      Buffer.from(SECRET).toString("hex"),
      Buffer.from(SECRET).toString("hex").toUpperCase(),
      bytes.map((byte) => `\\x${hex(byte)}`).join(""),
      bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join(""),
      encodeURIComponent(encodeURIComponent(SECRET)),
      JSON.stringify(JSON.stringify(SECRET)).slice(1, -1),
      JSON.stringify(encodeURIComponent(SECRET).replaceAll("%", "&#37;")),
    ]) {
      const safe = redactor([SECRET])(text);
      assert.match(safe, /\[redacted\]/, text);
      const left = safe.replaceAll("[redacted]", "");
      assert.ok(left.length <= 24, `${text}: ${safe}`);
    }
  });

  test("a text is broken off inside a character, or after an escape of another one", () => {
    assert.equal(redactor(["ab漢字"])("x ab漢\ufffd", true), "x [redacted]");
    assert.equal(redactor(["hunter2"])("x hun\\x7", true), "x [redacted]");
    assert.equal(
      redactor(["hunter2"])(`x ${Buffer.from("hunter2").toString("base64").slice(0, 5)}`, true),
      "x [redacted]",
    );
  });

  test("more than 4,096 characters are not shown", () => {
    const safe = redactor(["hunter2"])(`${"x".repeat(4_092)}hunter2`);
    assert.equal(safe, `${"x".repeat(4_092)}[redacted]…`);
  });

  test("so many secrets that none can be known: nothing is shown", () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `secret-${i}`);
    assert.equal(redactor(many)("anything"), "[redacted]");
  });

  test("nothing to cover: the text as it is", () => {
    assert.equal(redactor([])("as it is", true), "as it is");
    assert.equal(redactor([""])("as it is"), "as it is");
  });
});

describe("fuzz", () => {
  const encoders: Record<string, (text: string) => string> = {
    url: (text) => encodeURIComponent(text),
    form: (text) => new URLSearchParams({ "": text }).toString().slice(1),
    json: (text) => JSON.stringify(text).slice(1, -1),
    html: (text) => text.replace(/[&<>"']/g, (c) => `&#${c.codePointAt(0)};`),
    bytes: (text) => [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
    units: (text) =>
      [...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
    all: (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  };
  const carriers: ((text: string) => string)[] = [
    (text) => text,
    (text) => Buffer.from(text).toString("base64"),
    (text) => Buffer.from(text).toString("base64url"),
    (text) => Buffer.from(text).toString("hex"),
  ];
  const runs = { numRuns: 500 };

  test("a secret in any carrier, under up to three layers of escapes, is covered from its beginning to its end", () => {
    const secret = fc
      .string({ unit: "grapheme", minLength: 6, maxLength: 40 })
      .filter((text) => text.isWellFormed() && !/^[<>\s]|[<>\s]$/.test(text));
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(...carriers),
        fc.array(fc.constantFrom(...Object.values(encoders)), { maxLength: 3 }),
        (text, carrier, layers) => {
          const spelled = layers.reduce((inner, encode) => encode(inner), carrier(text));
          if (spelled.length > 4_000) return;
          const safe = redactor([text])(`<${spelled}>`);
          assert.match(safe, /^<\[redacted\]=*(%3D|%253D|%25253D|\\x3d|\\u003d|[%\\xu0-9a-fA-FD])*>$/);
        },
      ),
      runs,
    );
  });

  test("whatever the text and the secrets are, the readings are few and none is longer than the text", () => {
    const hostile = fc.string({ unit: fc.constantFrom(...'\\%&#;xuU{}0123456789abcdef+="<漢\ud83d'), maxLength: 400 });
    fc.assert(
      fc.property(hostile, fc.array(hostile, { maxLength: 8 }), fc.boolean(), (text, secrets, cut) => {
        const all = readings(text, cut);
        assert.ok(all.length <= 40, `${all.length}`);
        for (const { bytes, places } of all) {
          assert.ok(bytes.length <= Buffer.byteLength(text));
          assert.equal(places.length, bytes.length + 1);
          assert.ok(places.every((place, i) => place <= text.length && (i === 0 || place >= places[i - 1]!)));
        }
        const safe = redactor(secrets)(text, cut);
        for (const known of secrets.filter((one) => one.length > 0)) {
          assert.ok(!safe.replaceAll("[redacted]", "\n").includes(known), JSON.stringify([known, text, safe]));
        }
      }),
      runs,
    );
  });
});
