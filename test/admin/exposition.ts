// A strict reader of Prometheus' text format 0.0.4, of our own, for tests: what the format does not allow throws, with the line.
import assert from "node:assert/strict";

export type Read = {
  type: string;
  help: string;
  /** By name and labels in the order of the text. */
  samples: { name: string; labels: [string, string][]; value: number }[];
};

/** Of a label's value all three may be escaped, of a help only the first two; nothing else may follow a backslash. */
const unescaped = (text: string, allowed: string): string =>
  text.replace(/\\(.?)/gs, (_, c: string) => {
    assert.ok(c !== "" && allowed.includes(c), `\\${c} in ${text}`);
    return c === "n" ? "\n" : c;
  });

const NUMBER = /^(?:NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const number = (text: string): number => {
  assert.match(text, NUMBER);
  return text.endsWith("Inf") ? Number(`${text[0]}Infinity`) : Number(text);
};

export function readExposition(text: string): Map<string, Read> {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const families = new Map<string, Read>();
  let name = "";
  let help: string | undefined;
  let family: Read | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s.exec(line);
    if (comment?.[1] === "HELP") {
      name = comment[2]!;
      help = unescaped(comment[3]!, "\\n");
      assert.ok(!families.has(name), `${name} comes twice`);
    } else if (comment?.[1] === "TYPE") {
      assert.ok(comment[2] === name && help !== undefined, `no HELP before ${line}`);
      assert.match(comment[3]!, /^(counter|gauge|histogram)$/);
      family = { type: comment[3]!, help, samples: [] };
      families.set(name, family);
      help = undefined;
    } else {
      const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line);
      assert.ok(sample !== null && family !== undefined && help === undefined, line);
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      assert.ok(
        suffixes.some((suffix) => sample[1] === name + suffix),
        `${line} is not of ${name}`,
      );
      const key = line.slice(0, line.lastIndexOf(" "));
      assert.ok(!seen.has(key), `${key} comes twice`);
      seen.add(key);
      family.samples.push({ name: sample[1]!, labels: labels(sample[2]), value: number(sample[3]!) });
    }
  }
  return families;
}

function labels(text = ""): [string, string][] {
  const found: [string, string][] = [];
  const one = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(?:,|$)/gy;
  while (one.lastIndex < text.length) {
    const at = one.lastIndex;
    const match = one.exec(text);
    assert.ok(match !== null, `no label at ${text.slice(at)}`);
    found.push([match[1]!, unescaped(match[2]!, '\\n"')]);
  }
  assert.equal(new Set(found.map(([name]) => name)).size, found.length, text);
  return found;
}
