import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Command } from "commander";
import { replayCommand } from "../../src/cli/replay/command.ts";
import { replayCommandLine, replayFlags } from "../../src/cli/replay/line.ts";
import { replayNotice } from "../../src/cli/replay/notice.ts";
import { runOptions, type Settings } from "../../src/config/settings.ts";
import { replayOf } from "../../src/status/text/lost.ts";
import { sinkInfo } from "../status/scenes.ts";

const member = { id: "default/edge/vm", source: "metrics" };
const stretch = { from: Date.parse("2026-11-25T02:00:00Z"), to: Date.parse("2026-11-25T02:05:00Z") };

function settings(...args: string[]): Settings & { sourceUrl: string } {
  const command = new Command();
  for (const option of runOptions()) command.addOption(option);
  command.parse(args, { from: "user" });
  return command.opts();
}

/** As a shell takes it apart. */
const words = (line: string): string[] =>
  execFileSync("sh", ["-c", `printf '%s\\n' ${line}`], { encoding: "utf8" })
    .trimEnd()
    .split("\n");

test("what is default is left out", () => {
  assert.equal(
    replayCommandLine(settings("--source-url", "http://vm:8428"), member, stretch),
    "outflow replay --policy default/edge --sink vm --source metrics --from 2026-11-25T02:00:00.000Z --to 2026-11-25T02:05:00.000Z --source-url http://vm:8428/",
  );
});

test("what makes a difference is there, quoted for a shell, and is taken by the command; a password is not there", () => {
  const args = [
    ["--source-url", "http://me:geheim@vm:8428"],
    ["--policies", "/a dir/it's"],
    ["--policies", "/b"],
    ["--secrets-dir", "/run/secrets"],
    ["--enforce-filter", '{tenant="a b"}'],
    ["--external-label", "region=eu west"],
    ["--drop-label", "tmp_.*"],
    ["--name-escaping", "values"],
    ["--source-bearer-file", "/run/token"],
    ["--sink-insecure"],
    ["--poll-interval", "30s"],
    ["--source-header", "X-Secret=geheim"],
  ];
  const line = replayCommandLine(settings(...args.flat()), member, stretch);
  assert.doesNotMatch(line, /geheim/);
  const [outflow, replay, ...rest] = words(line);
  assert.deepEqual([outflow, replay], ["outflow", "replay"]);
  for (const arg of args.slice(1, -1)) {
    const at = rest.findIndex((word, i) => word === arg[0] && (arg[1] === undefined || rest[i + 1] === arg[1]));
    assert.ok(at >= 0, `${arg.join(" ")} in ${line}`);
  }
  const command = replayCommand().exitOverride();
  let taken: Settings | undefined;
  command.action(() => {
    taken = command.opts();
  });
  command.parse(rest, { from: "user" });
  assert.deepEqual(taken?.policies, ["/a dir/it's", "/b"]);
  assert.deepEqual(taken?.externalLabel, [["region", "eu west"]]);
});

test("the command after drops is taken as printed: policies, source and times are those of the agent", () => {
  const flags = replayFlags(
    settings(
      "--source-url",
      "http://vm:8428",
      "--policies",
      "/etc/outflow/policies",
      "--state-dir",
      "/var/lib/outflow",
    ),
  );
  const lost = [{ samples: 3, oldest: stretch.from, newest: stretch.to }];
  const [, , ...rest] = words(replayOf(sinkInfo("default/edge/vm"), lost, flags));
  const command = replayCommand().exitOverride();
  let taken: Settings & { policy?: string; sink?: string; from?: number; to?: number } = {} as Settings;
  command.action(() => {
    taken = command.opts();
  });
  command.parse(rest, { from: "user" });
  const { policy, sink, from, to, policies, sourceUrl, stateDir } = taken;
  assert.deepEqual(
    { policy, sink, from, to, policies, sourceUrl, stateDir },
    {
      policy: "default/edge",
      sink: "vm",
      from: stretch.from - 1,
      to: stretch.to,
      policies: ["/etc/outflow/policies"],
      sourceUrl: "http://vm:8428/",
      stateDir: "/var/lib/outflow",
    },
  );
});

test("before it runs: what a plain Prometheus will refuse, and the setting that lets it in", () => {
  const [range, , prometheus] = replayNotice("default/edge/vm", stretch, stretch.to + 600_000);
  assert.equal(
    range,
    "default/edge/vm: replays 5m00s, from 2026-11-25T02:00:00Z to 2026-11-25T02:05:00Z. Samples that the endpoint has already are sent again.",
  );
  assert.match(prometheus!, /"out of order sample"\)\. .*out_of_order_time_window there to at least 16m00s\.$/);
  assert.match(
    replayNotice("x", stretch, stretch.to + 7_200_000)[2]!,
    /or more than an hour old \("out of bounds"\)\./,
  );
});
