// A body for people: HTML is reduced to its words, everything is on one line.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isPage, wordsOf } from "../../src/http/words.ts";

describe("wordsOf()", () => {
  const cases: [string, string][] = [
    ["out of bounds\n  sample\r\n", "out of bounds sample"],
    [
      "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n",
      "502 Bad Gateway nginx/1.22.1",
    ],
    [
      "<!DOCTYPE html><html><head><style>p { color: red }</style><script>if (a < b) alert('x > y')</script></head><body><!-- <p>not this --><p>Sign in &amp; go&#33;</p></body></html>",
      "Sign in & go!",
    ],
    ["<!doctype html><script>never ends", ""],
    ["<html><p>broken off in a <b", "broken off in a"],
    ["a < b and b > c", "a < b and b > c"],
    ['{"error":"<html>"}', '{"error":"<html>"}'],
    ["<html>&#99999999;&#1114112;&bogus;", "&#99999999;&#1114112;&bogus;"],
    ["", ""],
  ];
  for (const [text, words] of cases) test(JSON.stringify(text.slice(0, 40)), () => assert.equal(wordsOf(text), words));

  test("property: one line, no longer than the text, of any text", () => {
    const piece = fc.constantFrom(
      "<html>",
      "<",
      ">",
      "</script",
      "<script>",
      "<!--",
      "-->",
      "&lt;",
      "&#",
      "word",
      "\n",
      " ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = `<html>${pieces.join("")}`;
        assert.ok(isPage(text));
        const words = wordsOf(text);
        assert.ok(words.length <= text.length && !/[\r\n]/.test(words), words);
      }),
    );
  });
});
