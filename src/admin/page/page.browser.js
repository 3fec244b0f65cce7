// Keeps the page up to date by the changes that the agent sends, filters the table, and sends the token where one is needed. The page
// is whole without it. Text from the agent becomes text nodes and attributes here, never markup.

const TOKEN = "outflow-token";
/** Announcements, and a page of one sink that is taken again, come no more often than this. */
const NEWS_MS = 10_000;
const DETAIL_MS = 5_000;
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000];

const byId = (id) => document.getElementById(id);
const isDetail = new URLSearchParams(location.search).has("sink");

/** Number of the last change that the page has in it. */
let seq = 0;
/** Rows by the name of their sink. */
let rows = new Map();

// The token: kept for this tab, sent as a header, never in an address or a cookie.

function asked(path, headers, signal) {
  const token = sessionStorage.getItem(TOKEN);
  const all = token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
  return fetch(path, { headers: all, signal, cache: "no-store", redirect: "error" });
}

function askForToken(refused) {
  byId("token").hidden = false;
  byId("refused").textContent = refused ? "The agent refused this token." : "";
  byId("forget").hidden = true;
  byId("value").focus();
  byId("token").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, byId("value").value.trim());
    void begin();
  });
}

byId("forget").addEventListener("click", () => {
  sessionStorage.removeItem(TOKEN);
  location.reload();
});

// The page, taken again.

/** False: a token is needed. Throws where the agent cannot be reached. */
async function load() {
  const response = await asked(location.search === "" ? "./" : location.search, {});
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = page.querySelector("main");
  if (main === null) throw new Error(`status ${response.status}`);
  document.title = page.title;
  show(main);
  if (response.status === 401) {
    const refused = sessionStorage.getItem(TOKEN) !== null;
    sessionStorage.removeItem(TOKEN);
    askForToken(refused);
    return false;
  }
  return true;
}

function show(main) {
  const filter = byId("filter")?.value;
  const faults = byId("faults")?.checked;
  seq = Number(main.dataset.seq);
  byId("content").replaceChildren(...document.adoptNode(main).childNodes);
  prepare();
  if (filter === undefined || byId("filter") === null) return;
  byId("filter").value = filter;
  byId("faults").checked = faults;
  sift();
}

function prepare() {
  rows = new Map();
  for (const row of document.querySelectorAll("#sinks tbody tr")) rows.set(row.querySelector("a").textContent, row);
  if (byId("tools") === null) return;
  byId("tools").hidden = false;
  byId("filter").addEventListener("input", sift);
  byId("faults").addEventListener("change", sift);
}

/** Not while somebody has selected text or has the focus in it. */
async function reloadDetail() {
  const live = byId("live");
  const selection = getSelection();
  if (live === null || live.contains(document.activeElement)) return;
  if (selection !== null && !selection.isCollapsed) return;
  await load();
}

// Changes of the table.

const cells = {
  c: (row, text) => row.setAttribute("class", text),
  s: (row, text) => (row.cells[0].querySelector("span").textContent = text),
  w: (row, text) => breakable(row.cells[2], text),
  d: (row, text) => (row.cells[3].textContent = text),
  l: (row, text) => (row.cells[4].textContent = text),
  n: (row, text) => (row.cells[5].textContent = text),
  p: (row, text) => row.querySelector("path").setAttribute("d", text),
  m: (row, text) => row.querySelector("svg").setAttribute("aria-label", text),
};

function breakable(element, text) {
  const parts = text.split(/(?<=\/)(?=.)|(?<=[a-z])(?=[A-Z])/);
  element.replaceChildren(...parts.flatMap((part, i) => (i === 0 ? [part] : [document.createElement("wbr"), part])));
}

function newRow(id) {
  const row = byId("row").content.firstElementChild.cloneNode(true);
  const link = row.querySelector("a");
  link.setAttribute("href", `?sink=${id.split("/").map(encodeURIComponent).join("/")}`);
  link.setAttribute("aria-label", id);
  breakable(link, id);
  return row;
}

function apply({ texts = {}, rows: changed = {}, gone = [], order }) {
  for (const [id, lines] of Object.entries(texts)) tell(id, lines);
  if (texts.ready !== undefined) {
    document.title = `${texts.ready[0]} outflow`;
    announce(texts.ready[0]);
  }
  for (const id of gone) {
    rows.get(id)?.remove();
    rows.delete(id);
  }
  for (const [id, change] of Object.entries(changed)) {
    if (!rows.has(id)) rows.set(id, newRow(id));
    for (const [name, text] of Object.entries(change)) cells[name]?.(rows.get(id), text);
  }
  if (order !== undefined) inOrder(order);
  byId("sinks").closest("section").hidden = rows.size === 0;
  sift();
}

/** A row that moves keeps the focus. */
function inOrder(order) {
  const body = byId("sinks").tBodies[0];
  const focused = document.activeElement;
  let next = body.firstElementChild;
  for (const id of order) {
    const row = rows.get(id);
    if (row === undefined) continue;
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function tell(id, lines) {
  const list = byId(id);
  if (list === null) return;
  const items = lines.map((line, i) => {
    const item = list.children[i] ?? document.createElement("li");
    if (item.textContent !== line) item.textContent = line;
    return item;
  });
  list.replaceChildren(...items);
  list.hidden = lines.length === 0;
  const title = byId(`${id}-title`);
  if (title !== null) title.closest("section").hidden = lines.length === 0;
}

function sift() {
  const words = byId("filter")
    .value.toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const faults = byId("faults").checked;
  let shown = 0;
  for (const [id, row] of rows) {
    const text = `${id} ${row.cells[2].textContent}`.toLowerCase();
    const ready = row.cells[0].querySelector("span").textContent === "ready";
    row.hidden = (faults && ready) || !words.every((word) => text.includes(word));
    if (!row.hidden) shown++;
  }
  const all = words.length === 0 && !faults;
  byId("shown").textContent = all ? "" : `${shown} of ${rows.size} shown`;
}

// For screen readers: how many sinks are ready, when that has changed; not what counts on.

let newsAt = Number.NEGATIVE_INFINITY;
let news;

function announce(text) {
  clearTimeout(news);
  news = setTimeout(
    () => {
      newsAt = performance.now();
      byId("news").textContent = text;
    },
    Math.max(0, newsAt + NEWS_MS - performance.now()),
  );
}

// The stream: fetch, not EventSource, which cannot send a token.

let connection;

function linked(text, lost) {
  const link = byId("link");
  if (link.textContent !== text && (lost || link.classList.contains("lost")))
    announce(lost ? "The connection to the agent is lost." : "Connected again.");
  link.textContent = text;
  link.hidden = false;
  link.classList.toggle("lost", lost);
}

async function follow(signal) {
  const response = await asked("page/events", { "last-event-id": String(seq) }, signal);
  if (response.status === 401) return "token";
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  linked("live", false);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let reloadedAt = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("closed");
    const messages = (text + value).split("\n\n");
    text = messages.pop();
    for (const message of messages) {
      const id = Number(/^id: (\d+)$/m.exec(message)?.[1]);
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (data === undefined) continue;
      if (/^event: snapshot$/m.test(message)) {
        if (id !== seq && !(await load())) return "asked";
      } else if (isDetail) {
        seq = id;
        if (performance.now() - reloadedAt < DETAIL_MS) continue;
        reloadedAt = performance.now();
        await reloadDetail();
      } else if (id > seq) {
        apply(JSON.parse(data));
        seq = id;
      }
    }
  }
}

async function live() {
  connection?.abort();
  const own = new AbortController();
  connection = own;
  for (let failed = 0; !own.signal.aborted; failed++) {
    const began = performance.now();
    try {
      const ended = await follow(own.signal);
      if (ended === "token") await load();
      return;
    } catch {
      if (own.signal.aborted) return;
      if (performance.now() - began > 10_000) failed = 0;
      const pause = PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)];
      linked("connection lost: what is shown is old", true);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Nobody looks at a hidden tab, and a browser has few connections to one address. */
document.addEventListener("visibilitychange", () => {
  if (byId("token") !== null) return;
  if (document.hidden) connection?.abort();
  else void live();
});

async function begin() {
  try {
    if (byId("token") !== null && !(await load())) return;
    byId("forget").hidden = sessionStorage.getItem(TOKEN) === null;
    await live();
  } catch {
    linked("the agent cannot be reached", true);
  }
}

seq = Number(byId("content").dataset.seq);
if (byId("token") !== null && sessionStorage.getItem(TOKEN) === null) askForToken(false);
else {
  prepare();
  void begin();
}
