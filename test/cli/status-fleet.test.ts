// What outflow status --fleet says.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fleetText } from "../../src/cli/status/status-fleet.ts";
import type { FleetStatus } from "../../src/status/fleet.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { StatusStore } from "../../src/status/store.ts";

const AT = 1_795_000_000_000;
const NINE = Array.from({ length: 9 }, (_, i) => `team/p${i}`);
const fleet: FleetStatus = {
  engine: "etcd",
  name: "edge",
  self: "a-1",
  valid: true,
  validUntil: AT + 9_000,
  ttlMs: 15_000,
  shards: 4,
  owned: 2,
  members: [
    {
      id: "a-1",
      name: "a",
      since: AT - 60_000,
      leaving: false,
      shards: 2,
      heardAt: AT - 1_000,
      validUntil: AT + 9_000,
    },
    {
      id: "b-2",
      name: "b",
      since: AT - 30_000,
      leaving: true,
      shards: 1,
      heardAt: AT - 14_000,
      validUntil: AT - 1_250,
    },
  ],
  owners: [
    { shard: 0, holder: "a-1", epoch: 5, since: AT - 50_000, silent: false, policies: ["default/a"] },
    { shard: 1, holder: "a-1", epoch: 6, since: AT - 10_000, from: "c-3", silent: true, policies: [] },
    { shard: 2, holder: "b-2", epoch: 5, since: AT - 20_000, from: "b-2", silent: false, policies: ["default/edge"] },
    { shard: 3, holder: "c-3", epoch: 5, since: AT - 90_000, from: "b-2", silent: false, policies: NINE },
  ],
  elsewhere: [
    { sink: "default/edge/cloud", status: "False", reason: "ServerError", since: AT - 48_000, holder: "b-2" },
    { sink: "default/edge/vm", status: "True", reason: "Delivering", since: AT - 48_000, holder: "b-2" },
  ],
  differing: ["b"],
  takeovers: 3,
  fenced: 0,
};

describe("outflow status --fleet", () => {
  test("members, what each owns, what is wrong, and sinks of others that are not ready", () => {
    const store = new StatusStore();
    store.dispatch({ type: "fleet", at: AT, fleet });
    const text = fleetText({ ...store.snapshot, at: AT } as Snapshot, "table")!;
    assert.equal(
      text,
      `Fleet edge in etcd: 2 members, 4 shards. This agent, a-1, owns 2 and may export for 9s without another heartbeat.
1 shard without an owner.
The policies of b differ from this agent's.
Since its start this agent took over 3 shards and lost 0 because its validity ended.
Last change of owner 10s ago: a-1 took shard 1 from c-3, which was silent for 15s.

MEMBER   SHARDS   POLICIES   UP      HEARD     VALID FOR
a-1      2        1          1m00s   1s ago    9s          this agent
b-2      1        1          30s     14s ago   -           leaving

SHARD   OWNER   FOR     EPOCH   FROM          POLICIES
0       a-1     50s     5       -             default/a
1       a-1     10s     6       c-3, silent   -
2       b-2     20s     5       itself        default/edge
3       c-3     1m30s   5       b-2           team/p0, team/p1, team/p2 and 6 more

2 sinks of other agents, 1 of them not ready:
SINK                 READY   REASON        SINCE   OWNER
default/edge/cloud   False   ServerError   48s     b-2
`,
    );
  });

  test("an agent that may not export says why", () => {
    const store = new StatusStore();
    store.dispatch({
      type: "fleet",
      at: AT,
      fleet: { ...fleet, valid: false, problem: "etcd at http://e:2379: connection refused" },
    });
    const text = fleetText({ ...store.snapshot, at: AT } as Snapshot, "table")!;
    assert.match(text, /owns 2 and may not export\.\nThe register: etcd at http:\/\/e:2379: connection refused\./);
  });

  test("an agent alone", () => assert.equal(fleetText(new StatusStore().snapshot, "table"), undefined));
});
