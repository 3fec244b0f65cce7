// The web page in a real browser: with and without JavaScript, with a token, by keyboard, narrow, dark, read aloud, with hostile text.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Chromium } from "../../servers/chromium.ts";
import { needs } from "../../servers/found.ts";
import { sinkInfo } from "../../status/scenes.ts";
import { ID, Served } from "../agent.ts";
import { PLANTED, PLANTED_ID, planted } from "./planted.ts";

const here = needs("chromium");
const OTHER = "default/edge/other";
const NEW = "default/edge/third";

describe("in Chromium", here, () => {
  let browser: Chromium;
  let served: Served | undefined;
  before(async () => {
    if (here.skip === false) browser = await Chromium.start();
  });
  after(() => browser?.stop());
  afterEach(async () => {
    await served?.stop();
    served = undefined;
  });

  const cell = (id: string, n: number) =>
    `[...document.querySelectorAll("#sinks tbody tr")].find((row) => row.querySelector("a").textContent === ${JSON.stringify(id)})?.cells[${n}].textContent.trim()`;
  const names = `[...document.querySelectorAll("#sinks tbody a")].map((a) => a.textContent)`;
  const isLive = `document.getElementById("link").textContent === "live"`;
  /** A second of the agent's time, and an event in it. */
  const then = (event: Parameters<Served["event"]>[0]) => {
    served!.now += 1_500;
    served!.event(event);
  };

  test("follows the agent: cells, order, new and removed sinks, as a page that is loaded again", async () => {
    served = await new Served().load([ID, OTHER]).start();
    await browser.tab();
    await browser.open(served.url);
    await browser.until(isLive);
    await browser.value(`window.kept = document.querySelector("#sinks tbody tr"), 0`);
    assert.deepEqual(await browser.value(names), [ID, OTHER]);
    then({ type: "sink-paused", id: OTHER });
    await browser.until(`${cell(OTHER, 0)} === "paused"`);
    assert.deepEqual(await browser.value(names), [OTHER, ID]);
    assert.equal(await browser.value(`window.kept.isConnected`), true, "rows move, they are not made again");
    then({
      type: "policies-loaded",
      policies: [{ id: "default/edge", generation: 2, file: "edge.yaml", sinks: [ID, OTHER, NEW] }],
      problems: [
        { severity: "problem", file: "b.yaml", line: 3, column: 1, path: "spec", message: "must be a mapping" },
      ],
      files: 1,
      ok: false,
    });
    served.event({ type: "sink-started", sink: sinkInfo(NEW) });
    served.event({ type: "sink-paused", id: NEW });
    await browser.until(`${cell(NEW, 0)} === "paused"`);
    then({ type: "sink-forgotten", id: ID });
    await browser.until(`${cell(ID, 0)} === undefined`);
    await browser.until(`document.getElementById("policies").textContent.includes("b.yaml:3")`);
    const differ = `(async () => {
      const fresh = new DOMParser().parseFromString(await (await fetch("./")).text(), "text/html");
      const of = (page) => [...page.querySelectorAll("#sinks tbody tr, main ul")].map((e) => e.outerHTML.trim() + e.closest("section")?.hidden);
      return [of(document), of(fresh)];
    })()`;
    const [now, fresh] = await browser.value<[string[], string[]]>(differ);
    const timeless = (rows: string[]) => rows.filter((row) => !row.startsWith('<ul id="agent"'));
    assert.deepEqual(timeless(now), timeless(fresh));
    assert.deepEqual(browser.complaints, []);
  });

  test("says so when the agent is gone, and continues when it is back", async () => {
    served = await new Served().load().start();
    const port = new URL(served.url).port;
    await browser.tab();
    await browser.open(served.url);
    await browser.until(isLive);
    await served.stop();
    await browser.until(`document.getElementById("link").textContent.startsWith("connection lost")`);
    served = new Served().load([ID, OTHER]);
    await served.start({ listen: `127.0.0.1:${port}`, eventsFrom: 9_000 });
    await browser.until(`${isLive} && ${names}.length === 2`);
  });

  test("without JavaScript it is whole: the table, the causes, a sink's page", async () => {
    served = await new Served().load([ID, OTHER]).start();
    served.event({ type: "sink-paused", id: OTHER });
    await browser.tab();
    await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
    await browser.open(served.url);
    const spoken = await browser.spoken();
    assert.ok(spoken.includes(`link ${ID}`) && spoken.includes(`rowheader ${OTHER}`), spoken.join("\n"));
    assert.ok(!spoken.some((line) => /^(searchbox|checkbox|button)/.test(line)), "nothing that would do nothing");
    await browser.open(`${served.url}/?sink=${OTHER}`);
    assert.ok((await browser.spoken()).includes("heading Why"));
  });

  test("by keyboard alone: past the header, into the filter, to a sink and back, the focus stays with its row", async () => {
    served = await new Served().load([ID, OTHER]).start();
    await browser.tab();
    await browser.open(served.url);
    await browser.until(isLive);
    const focused = () => browser.value<string>(`document.activeElement.textContent || document.activeElement.id`);
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      await browser.key("Tab");
      order.push(await focused());
    }
    assert.deepEqual(order, ["Skip to content", "outflow", "filter", "faults", ID, OTHER]);
    then({ type: "sink-paused", id: OTHER });
    await browser.until(`${names}[0] === ${JSON.stringify(OTHER)}`);
    assert.equal(await focused(), OTHER);
    await browser.enter();
    await browser.until(`document.querySelector("h1").textContent === ${JSON.stringify(OTHER)}`);
    await browser.key("Tab");
    await browser.enter();
    await browser.until(`document.activeElement.id === "content"`);
    await browser.value(`history.go(-2)`);
    await browser.until(`document.getElementById("filter") !== null && ${isLive}`);
    await browser.value(`document.getElementById("filter").focus()`);
    await browser.type("other");
    const visible = `[...document.querySelectorAll("#sinks tbody tr")].filter((row) => !row.hidden).length`;
    await browser.until(`${visible} === 1 && document.getElementById("shown").textContent === "1 of 2 shown"`);
  });

  test("a screen reader finds landmarks and headers, and is told of changes only", async () => {
    served = await new Served().load([ID, OTHER]).start();
    served.event({ type: "sink-paused", id: OTHER });
    await browser.tab();
    await browser.open(served.url);
    await browser.until(isLive);
    const spoken = await browser.spoken();
    for (const line of ["banner", "main", "region Sinks", "region Source", "table Sinks, worst first", "heading Sinks"])
      assert.ok(spoken.includes(line), `${line}: ${spoken.join("; ")}`);
    const heads = spoken.filter((line) => line.startsWith("columnheader")).map((line) => line.slice(13));
    assert.deepEqual(heads, ["state", "sink", "reason", "dropped", "lag", "samples/s", "last minute"]);
    assert.ok(spoken.includes(`rowheader ${ID}`));
    assert.ok(spoken.includes("searchbox Show only") && spoken.includes("checkbox not ready"), spoken.join("; "));
    assert.equal(await browser.value(`document.documentElement.lang`), "en");
    assert.equal(
      await browser.value(`document.querySelectorAll("[aria-live], [role=status], [role=alert]").length`),
      1,
    );
    const told = `document.getElementById("news").textContent`;
    await browser.value(
      `window.said = [], new MutationObserver(() => said.push(${told})).observe(document.getElementById("news"), { childList: true }), 0`,
    );
    // Ages count on, lags grow: no news.
    const before = await browser.value<string>(`document.getElementById("causes").textContent`);
    for (let i = 0; i < 3; i++) then({ type: "tick" });
    await browser.until(`document.getElementById("causes").textContent !== ${JSON.stringify(before)}`);
    assert.deepEqual(await browser.value(`window.said`), []);
    then({ type: "sink-paused", id: ID });
    await browser.until(`${told} === "0 of 2 sinks ready, 2 not ready."`);
  });

  test("light, dark and 360 px wide: readable colours, nothing beside the page", async () => {
    served = await new Served()
      .load([ID, OTHER, "a-rather-long-namespace/with-a-long-policy-name/and-a-sink-of-its-own"])
      .start();
    served.event({ type: "sink-paused", id: OTHER });
    for (const scheme of ["light", "dark"])
      for (const path of ["/", `/?sink=${ID}`]) {
        await browser.tab();
        await browser.send("Emulation.setDeviceMetricsOverride", {
          width: 360,
          height: 640,
          deviceScaleFactor: 1,
          mobile: true,
        });
        await browser.send("Emulation.setEmulatedMedia", {
          features: [{ name: "prefers-color-scheme", value: scheme }],
        });
        await browser.open(`${served.url}${path}`);
        assert.ok((await browser.value<number>(`document.documentElement.scrollWidth`)) <= 360, `${scheme} ${path}`);
        const contrasts = await browser.value<number[]>(CONTRASTS);
        assert.ok(
          contrasts.length > 5 && Math.min(...contrasts) >= 4.5,
          `${scheme} ${path}: ${Math.min(...contrasts)}`,
        );
      }
  });

  test("hostile text is shown and runs nowhere, in a page and in a change", async () => {
    served = await planted().start();
    await browser.tab();
    await browser.open(served.url);
    await browser.until(isLive);
    then({ type: "source-failed", reason: "SourceUnavailable", message: `again ${PLANTED}` });
    await browser.until(
      `document.getElementById("source").textContent.includes(${JSON.stringify(`again ${PLANTED}`)})`,
    );
    const clean = `[window.planted, document.scripts.length, document.images.length, document.querySelectorAll("b").length]`;
    assert.deepEqual(await browser.value(clean), [null, 1, 0, 0]);
    await browser.value(
      `[...document.querySelectorAll("#sinks a")].find((a) => a.textContent === ${JSON.stringify(PLANTED_ID)}).click()`,
    );
    await browser.until(`document.querySelector("h1").textContent === ${JSON.stringify(PLANTED_ID)}`);
    assert.deepEqual(await browser.value(clean), [null, 1, 0, 0]);
    assert.equal(await browser.value(`document.body.textContent.includes(${JSON.stringify(PLANTED)})`), true);
    assert.deepEqual(browser.complaints, []);
  });

  test("the token: asked for, refused, kept for the tab alone, forgotten; without JavaScript the command is named", async () => {
    served = await new Served().load().start({ token: () => "the-token" });
    await browser.tab();
    await browser.open(served.url);
    await browser.until(`document.activeElement.id === "value"`);
    const refused = `document.getElementById("refused")?.textContent`;
    await browser.type("wrong");
    await browser.enter();
    await browser.until(`${refused} === "The agent refused this token." && document.activeElement.id === "value"`);
    assert.equal(await browser.value(`document.getElementById("sinks")`), null);
    await browser.type("the-token");
    await browser.enter();
    await browser.until(`${cell(ID, 0)} === "pending" && ${isLive}`);
    assert.deepEqual(
      await browser.value(`[location.search, document.cookie, localStorage.length, sessionStorage.length]`),
      ["", "", 0, 1],
    );
    then({ type: "sink-paused", id: ID });
    await browser.until(`${cell(ID, 0)} === "paused"`);
    await browser.value(`document.querySelector("#sinks a").click()`);
    await browser.until(`document.querySelector("h1").textContent === ${JSON.stringify(ID)} && ${isLive}`);
    await browser.value(`document.getElementById("forget").click()`);
    await browser.until(`document.getElementById("token")?.hidden === false && sessionStorage.length === 0`);

    await browser.tab();
    await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
    await browser.open(served.url);
    const spoken = await browser.spoken();
    assert.ok(!spoken.some((line) => /^(textbox|button)/.test(line)), spoken.join("; "));
    assert.ok(spoken.includes("heading A token is required"));
  });
});

/** Of every element with text of its own, against the background it stands on (WCAG 2, 1.4.3). */
const CONTRASTS = `(() => {
  const rgb = (css) => (css.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== ""))
    .map((e) => [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a))
    .map(([a, b]) => (a + 0.05) / (b + 0.05));
})()`;
