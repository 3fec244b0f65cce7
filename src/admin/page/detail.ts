// One sink: why it is as it is, since when, what to do; its numbers, sources, attempts and log. Pure.
import { droppedTotal } from "../../status/account.ts";
import { rate } from "../../status/rings.ts";
import { lagOf } from "../../status/sinks.ts";
import type { SinkState, Snapshot } from "../../status/snapshot.ts";
import { explain } from "../../status/text/explain.ts";
import { readiness } from "../../status/text/readiness.ts";
import { pollSeconds } from "../../status/text/steady.ts";
import { age, bytes, count, instant, short, took } from "../../status/text/words.ts";
import { type Html, html } from "./html.ts";
import type { Content } from "./layout.ts";
import { rowOf } from "./row.ts";

const LOG_LINES = 20;

export function detailPage(sink: SinkState, snapshot: Snapshot, seq: number): Content {
  const { at: now, source, events } = snapshot;
  const { headline, parts } = explain(sink, source, now);
  const { mark, mood, word } = readiness(sink);
  const log = events.filter((event) => event.sink === sink.id).slice(-LOG_LINES);
  return {
    title: `${sink.id}: ${word}. outflow`,
    seq,
    body: html`<div id="live">
<h1>${sink.id}</h1>
<p class="state ${mark} ${mood}"><i></i><span>${headline}</span></p>
<section aria-labelledby="why"><h2 id="why">Why</h2>
<dl>${parts.map(({ label, text }) => html`<dt>${label}<dd>${text}`)}</dl>
</section>
<section aria-labelledby="numbers"><h2 id="numbers">Numbers</h2>
<dl class="facts">${facts(sink, snapshot).map(([name, value]) => html`<dt>${name}<dd>${value}`)}</dl>
</section>
${table(
  "Sources",
  ["source", "kind", "series", "lag", "cursor", "query"],
  sink.sources.map((s) => {
    const lag = lagOf({ sources: [s] }, now);
    return [
      s.name,
      s.kind,
      count(s.series),
      lag === undefined ? "-" : age(lag),
      s.cursor === undefined ? "-" : instant(s.cursor),
      s.query,
    ];
  }),
)}
${table(
  "Conditions",
  ["type", "status", "reason", "since", "message"],
  sink.conditions.map((c) => [c.type, c.status, c.reason, instant(c.lastTransitionTime), c.message]),
)}
${table(
  "Last attempts",
  ["at", "attempt", "samples", "size", "took", "result"],
  sink.attempts
    .toReversed()
    .map((a) => [
      instant(a.at),
      String(a.attempt),
      count(a.samples),
      bytes(a.bytes),
      took(a.durationMs),
      a.message ?? (a.reason === undefined ? `accepted${a.status === undefined ? "" : ` (${a.status})`}` : a.reason),
    ]),
)}
${table(
  "Log",
  ["at", "level", "message"],
  log.toReversed().map((event) => [instant(event.at), event.level, event.text]),
)}
</div>`,
  };
}

function facts(sink: SinkState, snapshot: Snapshot): [string, string][] {
  const { at: now } = snapshot;
  const { account, info } = sink;
  const { cells } = rowOf(sink, now, pollSeconds(snapshot));
  const dropped = Object.entries(account.dropped).flatMap(([reason, n]) => (n > 0 ? [`${reason} ${count(n)}`] : []));
  return [
    ["endpoint", info.endpoint],
    ["generation", String(info.generation)],
    ["phase", sink.phase.name],
    ["lag", cells.l],
    ["samples/s", cells.n],
    ["bytes/s", bytes(rate(sink.bytes, now, sink.startedAt))],
    ["read", count(account.read)],
    ["delivered", count(account.delivered)],
    ["dropped", `${count(droppedTotal(account))}${dropped.length === 0 ? "" : ` (${dropped.join(", ")})`}`],
    ["returned", count(account.returned)],
    ["pending", count(account.pending)],
    ["in flight", `${sink.inFlight} of ${sink.concurrency}`],
    ["failed in a row", short(sink.failuresInRow)],
  ];
}

/** Nothing where there are no rows. The first cell names the row. */
function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): Html {
  if (rows.length === 0) return html``;
  const id = title.toLowerCase().replace(" ", "-");
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
<div class="wide" role="region" aria-labelledby="${id}" tabindex="0"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}`)}</thead>
<tbody>${rows.map(([first = "", ...others]) => html`<tr><th scope="row">${first}${others.map((cell) => html`<td>${cell}`)}`)}</tbody>
</table></div>
</section>`;
}

export const unknownSink = (id: string, seq: number): Content => ({
  title: "outflow: no such sink",
  seq,
  body: html`<div id="live">
<h1>No such sink</h1>
<p>No sink is named ${id}. It may have been removed from its policy: <a href="./">all sinks</a>.</p>
</div>`,
});
