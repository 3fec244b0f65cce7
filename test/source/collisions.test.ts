// Series that become one by escaping: which of them are dropped is in the result of each read, with what they would have become.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameBuilder } from "../../src/series/frame-builder.ts";
import { Keyspace } from "../../src/series/keyspace.ts";
import { plainRules } from "../../src/series/labels.ts";
import type { NameEscaping } from "../../src/series/names.ts";
import { SeriesTable } from "../../src/series/table.ts";
import { Scanner } from "../../src/source/scan/scanner.ts";

const T = 1_795_000_000;

function reader(escaping: NameEscaping) {
  const keyspace = new Keyspace(new SeriesTable(), undefined, { ...plainRules, escaping });
  return (names: string[], at: number) => {
    const scanner = new Scanner({
      keyspace,
      builder: new FrameBuilder(),
      newerThan: () => 1_000 * T,
      from: 1_000 * T,
      to: 1_000 * (T + 60),
      nanIsStale: false,
      maxSamples: 1_000,
    });
    const series = names.map((name) => `{"metric":{"__name__":"${name}","job":"x"},"values":[[${at},"1"]]}`);
    scanner.push(
      new TextEncoder().encode(`{"status":"success","data":{"resultType":"matrix","result":[${series.join()}]}}`),
    );
    const result = scanner.end();
    scanner.close();
    assert.ok(result.ok);
    return result;
  };
}

describe("series that become one by escaping", () => {
  test("each read has those that it dropped, as the same objects: whoever reads can tell what is new", () => {
    const read = reader("underscores");
    const all = ["http_requests", "http.requests", "http requests"];
    const first = read(all, T + 10);
    assert.deepEqual(first.dropped, { name_collision: 2 });
    assert.deepEqual(
      first.collisions.map(({ lost, kept }) => `${lost} ${kept}`),
      ['http.requests{job="x"} http_requests{job="x"}', 'http requests{job="x"} http_requests{job="x"}'],
    );
    const again = read(all, T + 20);
    assert.deepEqual(
      again.collisions.map((collision) => first.collisions.indexOf(collision)),
      [0, 1],
    );
    assert.deepEqual(read(["http.requests"], T + 30).collisions, [first.collisions[0]], "only those of this read");
  });

  test("one without a sample in the window is not a drop of this read", () => {
    const read = reader("underscores");
    assert.deepEqual(read(["http_requests", "http.requests"], T - 10).collisions, []);
  });

  test("with utf8 there are none", () => {
    const { collisions, dropped } = reader("utf8")(["http_requests", "http.requests", "日本", "中国"], T + 10);
    assert.deepEqual({ collisions, dropped }, { collisions: [], dropped: {} });
  });
});
