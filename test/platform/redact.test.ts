// A secret is covered however a server spells it, also where the text was cut off in its middle.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
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

  test("texts that nearly are a long secret are covered as far as they are, which bounds the work", () => {
    const secret = "a".repeat(65_536);
    assert.equal(redactor([secret])(`${"a".repeat(4_000)}b`), "[redacted]b");
    assert.equal(redactor([secret])("a".repeat(20)), "a".repeat(20));
  });

  test("nothing to cover: the text as it is", () => {
    assert.equal(redactor([])("as it is", true), "as it is");
    assert.equal(redactor([""])("as it is"), "as it is");
  });
});
