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
    ["in a form", new URLSearchParams({ p: SECRET }).toString().replaceAll("%27", "'")],
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

  test("nothing to cover: the text as it is", () => {
    assert.equal(redactor([])("as it is", true), "as it is");
    assert.equal(redactor([""])("as it is"), "as it is");
  });
});
