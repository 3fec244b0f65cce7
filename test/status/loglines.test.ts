// The log: one line for each change, none for each attempt; what repeats is summed up; text for people, JSON for machines.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLog } from "../../src/platform/log.ts";
import { readyOf } from "../../src/status/conditions.ts";
import { explain } from "../../src/status/text/explain.ts";
import { type Lost, lostBefore } from "../../src/status/text/lost.ts";
import { START, Story, serverError, sinkInfo } from "./scenes.ts";

const ID = "default/p/s";
const agent = {
  type: "agent-started",
  version: "1",
  sourceUrl: "http://vm:8428/",
  stateDir: "/s",
  listen: "off",
} as const;
const texts = (story: Story) => story.snapshot.events.map((e) => e.text).filter((t) => t.startsWith(ID));
const explainText = ({ snapshot: { sinks, source }, now }: Story) => explain(sinks[0]!, source, now).parts.at(-1)!.text;
const flowing = () => new Story([sinkInfo(ID)]).sourceAnswers().wait(1_000).delivers(ID, 10);

describe("what is said", () => {
  test("the start: where the admin port is, or that there is none", () => {
    const said = (listen: string) => {
      const story = new Story();
      story.event({ ...agent, listen });
      return story.snapshot.events.at(-1)?.text;
    };
    assert.equal(said("off"), "outflow 1 started: source http://vm:8428/, state in /s, admin off.");
    assert.equal(said("[::1]:9469"), "outflow 1 started: source http://vm:8428/, state in /s, admin on [::1]:9469.");
  });
  test("an outage of a thousand attempts: its begin, ever rarer sums, its end", () => {
    const story = flowing().read(ID, 1_000);
    for (let i = 1; i <= 1_000; i++) story.fails(ID, ((i - 1) % 3) + 1, 5_000).wait(5_000);
    story.delivers(ID, 10);
    const said = texts(story);
    assert.ok(said.length <= 12, said.join("\n"));
    assert.match(said[1]!, /attempt 1 of 3 failed, next attempt in 5s: The endpoint is unavailable \(503\)/);
    assert.match(said[2]!, /not ready \(ServerError\)/);
    assert.match(said[3]!, /still not ready after 35s, 8 attempts in a row failed, no data is lost: The endpoint/);
    assert.match(said.at(-1)!, /ready again after 1h23m \(CatchingUp\): Catching up: batches are accepted/);
  });
  test("a sink that fails every other request: told once in ten minutes", () => {
    const story = flowing();
    for (let i = 0; i < 50; i++) story.wait(5_000).read(ID, 10).fails(ID, 1, 5_000).wait(5_000).delivers(ID, 10);
    assert.ok(texts(story).length <= 4, texts(story).join("\n"));
  });
  test("the same words as the condition", () => {
    const story = flowing().read(ID, 1_000).fails(ID, 1, 5_000).wait(5_000).fails(ID, 2, 10_000);
    const ready = readyOf(story.snapshot.sinks[0]!);
    const said = `${ID}: not ready (ServerError): ${ready.message}`;
    assert.equal(texts(story).at(-1), said.replace("; the next is at 14:00:16Z", "")); // which is known a moment later
  });
  test("drops: the first, then each time the number has doubled", () => {
    const story = flowing();
    for (let i = 0; i < 100; i++) story.drops(ID, "rejected", 1, "No.");
    assert.equal(texts(story).filter((t) => t.includes("dropped")).length, 7);
  });
  test("once a sink takes batches again: the command that sends just what was dropped, but for what is in dead letters", () => {
    const at = (s: number) => START + 1_000 * s;
    const story = flowing();
    story.event({ ...agent, replayFlags: "--source-url http://vm:8428/" });
    story.read(ID, 1_000).fails(ID, 1, 5_000).fails(ID, 2, 5_000);
    story.drops(ID, "exhausted", 10, "Gave up.", { oldest: at(5), newest: at(9) + 250 });
    story.drops(ID, "exhausted", 10, "Gave up.", { oldest: at(4) + 7, newest: at(6) });
    story.drops(ID, "exhausted", 10, "Gave up.", { oldest: at(1), newest: at(99), kept: true });
    story.drops(ID, "refused_replay", 10, "Known.", { oldest: at(1), newest: at(99) });
    const command = (from: string, to: string) =>
      `outflow replay --policy default/p --sink s --from 2026-11-23T${from}Z --to 2026-11-23T${to}Z --source-url http://vm:8428/`;
    const first = command("14:00:04.006", "14:00:09.250");
    assert.ok(explainText(story).endsWith(`When the sink is ready: ${first}`), explainText(story));
    story.delivers(ID, 10);
    assert.ok(
      texts(story).at(-1)!.endsWith(`40 samples dropped meanwhile. To send them: ${first}`),
      texts(story).join("\n"),
    );
    assert.ok(explainText(story).endsWith(`To send what was dropped while it failed: ${first}`), explainText(story));
    // The next outage: what was delivered in between is in neither command, and the first is not forgotten.
    story.wait(60_000).read(ID, 1_000).fails(ID, 1, 5_000).fails(ID, 2, 5_000);
    story.drops(ID, "exhausted", 10, "Gave up.", { oldest: at(60), newest: at(64) }).delivers(ID, 10);
    assert.ok(
      explainText(story).endsWith(`${first} && ${command("14:00:59.999", "14:01:04.000")}`),
      explainText(story),
    );
  });
  test("many outages: the commands stay few, and still cover everything", () => {
    const stretches = Array.from({ length: 40 }, (_, i) => ({
      samples: 1,
      oldest: i * i * 1_000,
      newest: i * i * 1_000 + 100,
    }));
    const kept = stretches.reduce<readonly Lost[]>((all, one) => lostBefore(all, one), []);
    assert.equal(kept.length, 8);
    assert.equal(
      kept.reduce((n, one) => n + one.samples, 0),
      40,
    );
    for (const { oldest, newest } of stretches)
      assert.ok(kept.some((one) => one.oldest <= oldest && newest <= one.newest));
    assert.deepEqual(kept.at(-1), stretches.at(-1), "the widest gaps stay");
  });
  test("a series that is rejected again and again: once", () => {
    const story = flowing();
    const again = {
      type: "series-rejected",
      id: ID,
      series: '{a="b"}',
      samples: 1,
      message: serverError.message,
    } as const;
    for (let i = 0; i < 5; i++) story.event(again);
    assert.equal(texts(story).filter((t) => t.includes('{a="b"}')).length, 1);
    assert.equal(story.snapshot.sinks[0]?.rejected[0]?.samples, 5);
  });
  test("many series that are refused with words that differ in numbers only: summed up; other words are told at once", () => {
    const story = flowing();
    const refuse = (series: string, message: string) =>
      story.event({ type: "series-rejected", id: ID, series, samples: 1, message });
    for (let i = 0; i < 200; i++) {
      refuse(`{i="${i}"}`, `Refused (400). It said: remoteAddr: "192.0.2.1:${40_000 + i}"; limit 30`);
      if (i % 4 === 0) refuse(`{k="${i}"}`, "Refused (400). It said: too old");
    }
    const told = texts(story).filter((t) => t.includes("limit 30"));
    assert.equal(told.length, 8, told.join("\n"));
    assert.match(told[0]!, /refuses {i="0"}: Refused/);
    assert.match(told[7]!, /refuses {i="127"} \(128 refusals like this so far\): Refused/);
    refuse('{j="1"}', "The endpoint refused samples (400). It said: out of order sample");
    assert.match(texts(story).at(-1)!, /refuses {j="1"}: .*out of order sample/);
  });
  test("late samples: where, how many, and the command that repairs it", () => {
    const story = flowing().event({
      type: "late",
      id: ID,
      source: "metrics",
      from: START,
      to: START + 300_000,
      samples: 3_500,
      remedy: "outflow replay -x",
    });
    assert.match(
      texts(story).at(-1)!,
      /3,500 samples of source metrics arrived too late to be read \(2026-11-23T14:00:00Z to 2026-11-23T14:05:00Z\)\. To send them: outflow replay -x/,
    );
  });
});

describe("many sinks that say the same", () => {
  const ids = Array.from({ length: 200 }, (_, i) => `default/p/s${i}`);
  const all = (story: Story) => story.snapshot.events.map((e) => e.text).filter((t) => /^\S+: |other sink/.test(t));
  test("one line for the first, one with the number of the others: down, still down and up again", () => {
    const story = new Story(ids.map((id) => sinkInfo(id))).sourceAnswers().wait(1_000);
    for (const id of ids) story.delivers(id, 10);
    story.wait(5_000);
    assert.equal(all(story).length, 2, all(story).join("\n"));
    assert.equal(
      all(story)[1],
      "199 other sinks like default/p/s0 (default/p/s1, default/p/s2, default/p/s3 and 196 more): ready (Delivering): Data is arriving: the endpoint accepts the batches.",
    );
    const message = (i: number) => `The endpoint is unavailable (503). It said: request ${i} refused`;
    for (const n of [1, 2]) {
      for (const [i, id] of ids.entries())
        story.read(id, 1_000).fails(id, n, 60_000, { ...serverError, message: message(i) });
      story.wait(7_000);
    }
    for (const id of ids) story.delivers(id, 10);
    story.wait(7_000);
    const said = all(story).slice(2);
    assert.equal(said.length, 6, said.join("\n"));
    assert.match(
      said[3]!,
      /^199 other sinks like default\/p\/s0 \(.* and 196 more\): not ready \(ServerError\): The endpoint/,
    );
    assert.deepEqual(
      story.snapshot.alike.filter((a) => a.more > 0),
      [],
    );
    story.wait(70_000);
    assert.deepEqual(story.snapshot.alike, [], "and nothing is remembered forever");
  });
  test("one sink is never folded with itself, another cause never with this one", () => {
    const story = new Story(ids.slice(0, 2).map((id) => sinkInfo(id))).sourceAnswers().wait(1_000);
    for (const _ of [1, 2])
      story.read(ids[0]!, 1_000).holds(ids[0]!, 60_000).wait(1_000).delivers(ids[0]!, 10).wait(1_000);
    assert.equal(all(story).filter((t) => t.includes("not ready")).length, 2);
    story.read(ids[1]!, 1_000).holds(ids[1]!, 60_000, { reason: "NotFound", message: "No such path." });
    assert.match(all(story).at(-1)!, /^default\/p\/s1: not ready \(NotFound\)/);
  });
});

describe("output format", () => {
  const write = (format: "text" | "json", level: "info" | "warn" = "info") => {
    const lines: string[] = [];
    return { lines, log: createLog({ format, level, write: (l) => lines.push(l) }) };
  };
  test("text", () => {
    const { lines, log } = write("text");
    log.write(START, "info", "it is so");
    log.write(START, "warn", "it is not");
    assert.deepEqual(lines, ["2026-11-23T14:00:00.000Z it is so\n", "2026-11-23T14:00:00.000Z WARN it is not\n"]);
  });
  test("JSON: one object a line, with fields to filter by", () => {
    const { lines, log } = write("json");
    log.write(START, "error", 'a "b"\nc', { sink: ID, attempts: 3 });
    assert.deepEqual(JSON.parse(lines[0]!), {
      time: "2026-11-23T14:00:00.000Z",
      level: "error",
      msg: 'a "b"\nc',
      sink: ID,
      attempts: 3,
    });
    assert.equal(lines[0]!.split("\n").length, 2);
  });
  test("below --log-level nothing", () => {
    const { lines, log } = write("text", "warn");
    log.write(START, "info", "x");
    log.write(START, "warn", "y");
    assert.equal(lines.length, 1);
  });
});
