// The page at /: how it is with all sinks, worst first, then the source, the policies, the cluster. Pure.
import { breakable, type Html, html } from "./html.ts";
import type { Content } from "./layout.ts";
import { type Cells, CHART_HEIGHT, CHART_WIDTH, type Row } from "./row.ts";
import { inTurns } from "./turns.ts";
import type { Texts, View } from "./view.ts";

/** `turn`: see viewOf. */
export async function listPage({ texts, rows }: View, seq: number, turn: () => Promise<void>): Promise<Content> {
  const body = await inTurns(rows, rowHtml, turn);
  return {
    title: `${texts.ready[0] ?? ""} outflow`,
    seq,
    body: html`<h1>Sinks</h1>
${lines("agent", texts)}
<section aria-labelledby="status"><h2 id="status" class="unseen">Status</h2>
${lines("ready", texts)}
${lines("causes", texts)}
${lines("troubles", texts)}
</section>
<section aria-label="Sinks"${rows.length === 0 ? html` hidden` : ""}>
<p id="tools" hidden><label for="filter">Show only</label> <input id="filter" type="search" autocomplete="off" spellcheck="false"> <label><input id="faults" type="checkbox"> not ready</label> <span id="shown"></span></p>
<table id="sinks">
<caption class="unseen">Sinks, worst first</caption>
<thead><tr><th scope="col">state<th scope="col">sink<th scope="col">reason<th scope="col" class="n">dropped<th scope="col" class="n">lag<th scope="col" class="n">samples/s<th scope="col">last minute</thead>
<tbody>
${body}</tbody>
</table>
${lines("more", texts)}
<template id="row">${rowHtml(blank)}</template>
</section>
${section("Source", "source", texts)}
${section("Policies", "policies", texts)}
${section("Kubernetes", "cluster", texts)}
${section("Fleet", "fleet", texts)}`,
  };
}

const none: Cells = { c: "", s: "", w: "", d: "", l: "", n: "", p: "", m: "" };
const blank: Row = { id: "", cells: none };

/** Ends of cells may be left out, and with 1,000 rows they are. A screen reader would read a name that may break as several words. */
function rowHtml({ id, cells: { c, s, w, d, l, n, p, m } }: Row): Html {
  return html`<tr class="${c}"><td><i></i><span>${s}</span><th scope="row"><a href="${sinkHref(id)}" aria-label="${id}">${breakable(id)}</a><td>${breakable(w)}<td>${d}<td>${l}<td>${n}<td><svg role="img" aria-label="${m}" viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}"><path d="${p}"/></svg>
`;
}

/** Relative: the page may be below a prefix of a proxy. */
export const sinkHref = (id: string): string => `?sink=${id.split("/").map(encodeURIComponent).join("/")}`;

export const lines = (name: keyof Texts, texts: Texts): Html =>
  html`<ul id="${name}"${texts[name].length === 0 ? html` hidden` : ""}>${texts[name].map((line) => html`<li>${line}`)}</ul>`;

const section = (title: string, name: keyof Texts, texts: Texts): Html =>
  html`<section aria-labelledby="${name}-title"${texts[name].length === 0 ? html` hidden` : ""}><h2 id="${name}-title">${title}</h2>
${lines(name, texts)}
</section>`;
