// Pictures of the web page for docs/web.md: what the admin server serves of the agent of the README's screen, and of one with 1,000 sinks, as
// Chromium shows it.
//   bun packaging/web-pictures.ts [DIRECTORY [FORMAT]]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAdmin } from "../src/admin/server.ts";
import { StatusStore } from "../src/status/store.ts";
import { many } from "../test/admin/page/sinks.ts";
import { Chromium } from "../test/servers/chromium.ts";
import type { Story } from "../test/status/scenes.ts";
import { EDGE, oneFails } from "../test/tui/frames.tsx";

type Shot = {
  name: string;
  story: Story;
  /** CSS pixels. */
  size: [width: number, height: number];
  path?: string;
  scheme?: "light" | "dark";
  script?: false;
};

const [, , directory = new URL("../docs/web", import.meta.url).pathname, format = "webp"] = process.argv;
const SCALE = 1.25;
const few = oneFails();
const shots: readonly Shot[] = [
  { name: "sinks-light", story: few, size: [900, 520] },
  { name: "sinks-dark", story: few, size: [900, 520], scheme: "dark" },
  { name: "sink", story: few, size: [900, 560], path: `/?sink=${EDGE}` },
  { name: "narrow", story: few, size: [360, 560], scheme: "dark" },
  { name: "thousand", story: many(1_000), size: [900, 520] },
  { name: "no-script", story: few, size: [900, 520], script: false },
];

class Told extends StatusStore {
  readonly #story: Story;
  constructor(story: Story) {
    super();
    this.#story = story;
  }
  override get snapshot() {
    return this.#story.snapshot;
  }
}

async function taken({ name, story, size: [width, height], path = "/", scheme = "light", script }: Shot) {
  const admin = await createAdmin({
    listen: "127.0.0.1:0",
    store: new Told(story),
    host: "edge-7",
    allowActions: false,
    eventsFrom: 1,
    actions: { act: async () => ({ ok: false, message: "" }), reload: async () => ({ ok: false, message: "" }) },
  });
  if (!admin.ok) throw new Error(JSON.stringify(admin));
  await chromium.tab();
  const metrics = { width, height, deviceScaleFactor: SCALE, mobile: width < 400 };
  await chromium.send("Emulation.setDeviceMetricsOverride", metrics);
  await chromium.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await chromium.send("Emulation.setScrollbarsHidden", { hidden: true });
  if (script === false) await chromium.send("Emulation.setScriptExecutionDisabled", { value: true });
  await chromium.open(`http://${admin.address}${path}`);
  if (script !== false) await chromium.until(`document.getElementById("link").textContent === "live"`);
  const quality = format === "png" ? {} : { quality: 60 };
  const { data } = await chromium.send<{ data: string }>("Page.captureScreenshot", { format, ...quality });
  const image = Buffer.from(data, "base64");
  writeFileSync(join(directory, `${name}.${format}`), image);
  console.log(`${name}: ${image.length} bytes`);
  await admin.close();
}

const chromium = await Chromium.start();
try {
  for (const shot of shots) await taken(shot);
} finally {
  await chromium.stop();
}
