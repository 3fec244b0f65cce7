// A secret is covered however a server spells it, also where the text was cut off in its middle.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readings } from "../../src/platform/readings.ts";
import { redactor, secretsInHeader } from "../../src/platform/redact.ts";
import { spellings } from "./spellings.ts";

const SECRET = `pa"ss/w&rd <ü> 'x'+\\`;

describe("redactor() covers a secret", () => {
  for (const [name, spell] of Object.entries(spellings))
    test(`as: ${name}`, () => {
      for (const secret of [SECRET, "hunter2-Hunter2", "Zx9!kQ@3_vB/77+w", "pässwörter-überall"]) {
        const spelled = spell(secret);
        const safe = redactor([secret])(`before ${spelled} after`);
        assert.match(safe, /^before .*\[redacted\].* after$/s, spelled);
        // What a wrapper adds may stay, and four characters: of base64 those that depend on a neighbour, or its padding in a URL.
        const letters = (text: string) => text.replaceAll("[redacted]", "").replace(/[^\p{L}\p{N}]/gu, "").length;
        assert.ok(letters(safe) <= letters(`before ${spell("")} after`) + 4, `${spelled}: ${safe}`);
      }
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

  test("of a header's value: all but the scheme, and what basic authentication is made of", () => {
    assert.deepEqual(secretsInHeader("a key of mine"), ["a key of mine"]);
    assert.deepEqual(secretsInHeader("bearer abc=="), ["abc=="]);
    const basic = Buffer.from("me:pass:word").toString("base64");
    assert.deepEqual(secretsInHeader(`Basic ${basic}`), ["me:pass:word", "pass:word", basic]);
  });

  test("words that look like a part of it stay", () => {
    const cover = redactor(["hunter2", "Tr0ub4dor-3xyz", "ab"]);
    for (const text of ["2retnuh-like? the hun ter2 of Tr0ub4dor", "ba BA a b", "the endpoint limits the rate (429)"])
      assert.equal(cover(text).replace(/2retnuh/, "[redacted]"), cover(text), text);
    assert.equal(cover("Tr0ub4dor, and 3xy of them"), "Tr0ub4dor, and 3xy of them");
  });

  test("backwards, a long one is known by its end, and a text may be cut off in its middle", () => {
    const long = Array.from({ length: 2_000 }, (_, i) => String.fromCharCode(97 + ((i * i) % 26))).join("");
    const turned = [...long].reverse().join("");
    assert.equal(redactor([long])(`(${turned})`), "([redacted]");
    assert.equal(redactor(["hunter2-xyz"])("x zyx-2r", true), "x [redacted]");
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
