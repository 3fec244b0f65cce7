// What is told about the source itself: the time of its last response, and whether it fails as a whole or one query does.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { steady, World } from "../fakes/world.ts";

const MINUTE = 60_000;
const told = (w: World, type: string) => w.events.filter((e) => e.type === type).length;

describe("the source's health", () => {
  test("the last response is a poll old at most, also after 80 of them without news", async () => {
    const w = new World();
    w.source.samples = steady("m0", w.source.now(), w.source.now() + 30 * MINUTE, 15_000);
    await w.clock.advance(20 * MINUTE);
    const { source } = w.status.snapshot;
    assert.ok(w.clock.now() - source.lastAnswerAt! <= 15_000, `${w.clock.now() - source.lastAnswerAt!} ms ago`);
    assert.equal(told(w, "source-failed"), 0);
  });

  test("one query that fails while another is answered is not a failure of the source: it does not come and go", async () => {
    const w = new World({ sinks: { s: { sources: ["a", "b"] } } });
    w.source.faultOf = (query) => (query.startsWith("b") ? "unavailable" : undefined); // it is read after the other one
    await w.clock.advance(10 * MINUTE);
    assert.equal(told(w, "source-failed"), 0);
    assert.ok(told(w, "read-failed") > 10, "the sink is told");
    assert.equal(w.status.snapshot.source.health, "ok");
  });

  test("a source that fails every query fails; it responds again when one is answered, once, after as long as it was away", async () => {
    const w = new World({ sinks: { s: { sources: ["a", "b"] } } });
    await w.clock.advance(2 * MINUTE);
    w.source.fault = "refused";
    await w.clock.advance(2 * MINUTE);
    assert.equal(w.status.snapshot.source.health, "failing");
    w.source.fault = "none";
    await w.clock.advance(2 * MINUTE);
    assert.equal(w.status.snapshot.source.health, "ok");
    const lines = w.status.snapshot.events
      .filter((e) => /source (answers|responds|cannot be read)/.test(e.text))
      .map((e) => e.text);
    assert.equal(
      lines.filter((text) => /(answers|responds) again after [12]m\d\ds/.test(text)).length,
      1,
      lines.join("\n"),
    );
  });

  test("a source that loses its only working query fails, although another one was answered a while ago", async () => {
    const w = new World({ sinks: { s: { sources: ["a"] }, t: { sources: ["b"] } } });
    await w.clock.advance(2 * MINUTE);
    await w.setSinks(["t"]);
    w.source.fault = "unavailable";
    await w.clock.advance(2 * MINUTE);
    assert.equal(w.status.snapshot.source.health, "failing");
  });
});
