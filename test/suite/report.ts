// The JUnit report that the runner writes of a test file.

export type Report = {
  passed: number;
  failed: number;
  skipped: number;
  failures: { file: string; name: string; error: string }[];
};

const MOST_ERROR_TEXT = 2_000;

export function readReport(xml: string): Report {
  const [root = ""] = /<testsuites[^>]*>/.exec(xml) ?? [];
  const failed = Number(attribute(root, "failures") ?? 0) + Number(attribute(root, "errors") ?? 0);
  const skipped = Number(attribute(root, "skipped") ?? 0);
  const failures = [
    ...xml.matchAll(/(<testcase [^>]*[^/]>)\s*(<(?:failure|error)[^>]*?\/?>)(?:([^<]*)<\/(?:failure|error)>)?/g),
  ].map(([, test = "", failure = "", text = ""]) => ({
    file: attribute(test, "file") ?? "",
    name: attribute(test, "name") ?? "",
    error: (text.trim() === "" ? (attribute(failure, "message") ?? "") : unescaped(text))
      .trim()
      .slice(0, MOST_ERROR_TEXT),
  }));
  return { passed: Number(attribute(root, "tests") ?? 0) - failed - skipped, failed, skipped, failures };
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(` ${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescaped(value);
}

function unescaped(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
    code === undefined ? (named[name ?? ""] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
