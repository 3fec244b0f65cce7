// What outflow status --fleet says.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fleetText } from "../../src/cli/status/status-fleet.ts";
import type { FleetStatus } from "../../src/status/fleet.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { StatusStore } from "../../src/status/store.ts";

const AT = 1_795_000_000_000;
const fleet: FleetStatus = {
  engine: "etcd",
  name: "edge",
  self: "a-1",
  valid: true,
  validUntil: AT + 9_000,
  shards: 4,
  owned: 2,
  members: [
    { id: "a-1", name: "a", since: AT - 60_000, leaving: false, shards: 2 },
    { id: "b-2", name: "b", since: AT - 30_000, leaving: true, shards: 1 },
  ],
  owners: [
    { shard: 0, holder: "a-1", epoch: 5, since: AT - 50_000 },
    { shard: 1, holder: "a-1", epoch: 6, since: AT - 10_000 },
    { shard: 2, holder: "b-2", epoch: 5, since: AT - 20_000 },
    { shard: 3, holder: "c-3", epoch: 5, since: AT - 90_000 },
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
    const text = fleetText({ ...store.snapshot, at: AT } as Snapshot)!;
    assert.equal(
      text,
      `Fleet edge in etcd: 2 members, 4 shards. This agent, a-1, owns 2 and may export for 9s without another heartbeat.
1 shard without an owner.
The policies of b differ from this agent's.
Since its start this agent took over 3 shards and lost 0 because its validity ended.

MEMBER  SHARDS  UP     LAST TAKEN
a-1     2       1m00s  10s ago     this agent
b-2     1       30s    20s ago     leaving

2 sinks of other agents, 1 of them not ready:
SINK                REASON       FOR  OWNER
default/edge/cloud  ServerError  48s  b-2
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
    const text = fleetText({ ...store.snapshot, at: AT } as Snapshot)!;
    assert.match(text, /owns 2 and may not export\.\nThe register: etcd at http:\/\/e:2379: connection refused\./);
  });

  test("an agent alone", () => assert.equal(fleetText(new StatusStore().snapshot), undefined));
});
