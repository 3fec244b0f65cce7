// What the web page costs with 1,000 sinks of which some fail: size of the page and of a change, CPU time of both, and of the longest
// piece of work between two turns of the event loop.
//   bun bench/page.ts [SINKS]
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { changeOf } from "../src/admin/page/change.ts";
import { htmlPage } from "../src/admin/page/layout.ts";
import { listPage } from "../src/admin/page/list.ts";
import { viewOf } from "../src/admin/page/view.ts";
import { many } from "../test/admin/page/sinks.ts";

const sinks = Number(process.argv[2] ?? 1_000);
const story = many(sinks);
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
let began = 0;
let pieces: number[] = [];
const turn = () => {
  pieces.push(cpuMs() - began);
  return new Promise<void>((done) =>
    setImmediate(() => {
      began = cpuMs();
      done();
    }),
  );
};
async function pieced<T>(work: () => T | Promise<T>): Promise<T> {
  began = cpuMs();
  const made = await work();
  pieces.push(cpuMs() - began);
  return made;
}

const figures: { page: number; change: number; piece: number; bytes: number }[] = [];
let text = "";
let before = await viewOf(story.snapshot, turn);
for (let i = 0; i < 20; i++) {
  story.flows(
    story.snapshot.sinks.slice(i * 40, i * 40 + 80).map(({ id }) => ({ id, samples: 40 })),
    2_000,
  );
  pieces = [];
  const view = await pieced(() => viewOf(story.snapshot, turn));
  const viewMs = pieces.reduce((a, b) => a + b);
  text = await pieced(async () => String(htmlPage(200, await listPage(view, 1, turn)).body));
  const page = pieces.reduce((a, b) => a + b);
  const change = await pieced(() => JSON.stringify(changeOf(before, view) ?? {}));
  figures.push({ page, change: viewMs + (pieces.at(-1) ?? 0), piece: Math.max(...pieces), bytes: change.length });
  before = view;
}
const ms = (n: number) => `${n.toFixed(1)} ms`;
const kB = (n: number) => `${(n / 1000).toFixed(0)} kB`;
const all = (key: keyof (typeof figures)[number]) => figures.map((figure) => figure[key]).sort((a, b) => a - b);
const median = (key: keyof (typeof figures)[number]) => all(key)[figures.length >> 1] ?? 0;
const most = (key: keyof (typeof figures)[number]) => all(key).at(-1) ?? 0;
console.log(`${sinks} sinks: page ${kB(Buffer.byteLength(text))}, ${kB(gzipSync(text).length)} gzip`);
console.log(`CPU of a page: first ${ms(figures[0]?.page ?? 0)}, median ${ms(median("page"))}`);
console.log(
  `CPU of a change: median ${ms(median("change"))}; its size: median ${kB(median("bytes"))}, most ${kB(most("bytes"))}`,
);
console.log(`longest piece of work without a turn: median ${ms(median("piece"))}, most ${ms(most("piece"))}`);
