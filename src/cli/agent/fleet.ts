// An agent of a fleet: between the policies and the supervisor stands who owns what. All policies are loaded; those of the shards that
// this agent owns are exported. Loaded only where --fleet asks for it.
import { randomBytes } from "node:crypto";
import { hostname, uptime } from "node:os";
import type { Settings } from "../../config/settings.ts";
import type { SinkPlan } from "../../exporter/sink-plan.ts";
import type { Supervisor } from "../../exporter/supervisor.ts";
import { FleetError } from "../../fleet/config.ts";
import { SharedCursors } from "../../fleet/cursors.ts";
import { Fleet, type FleetView } from "../../fleet/fleet.ts";
import type { Owner, Permit } from "../../fleet/owned-shards.ts";
import { shardOf } from "../../fleet/rendezvous.ts";
import type { Clock } from "../../platform/clock.ts";
import { sha256 } from "../../platform/hash.ts";
import type { LoadResult } from "../../policy/policy.ts";
import type { LocalStore } from "../../state/store.ts";
import { readyOf } from "../../status/conditions.ts";
import type { FleetStatus } from "../../status/fleet.ts";
import type { StatusStore } from "../../status/store.ts";
import { version } from "../../version.ts";
import { fencedSender } from "./fenced-sender.ts";
import type { OpenRegister } from "./fleet-register.ts";
import type { Stepwise } from "./stepwise.ts";

/** Shards are often taken together: the policies of all of them start at once. */
const TOGETHER_MS = 50;

/** An agent that ends hands over within a second: what a slow sink has not taken by then the next owner sends. */
const LAST_ATTEMPTS_MS = 400;

/** While shards change their owners each change follows the one before within milliseconds: with a thousand policies none is cheap to show. */
const SHOW_EVERY_MS = 200;

export class FleetAgent {
  /** Cursors as the fleet has them: the supervisor's state store. */
  readonly store: SharedCursors;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #status: StatusStore;
  readonly #open: OpenRegister;
  readonly #fleet: Fleet;
  readonly #permits = new Map<number, Permit>();
  readonly #ended = new AbortController();
  /** Aborts when last attempts end. */
  readonly #hurry = new AbortController();
  #supervisor: Supervisor | undefined;
  #steps: Stepwise | undefined;
  #loaded: LoadResult | undefined;
  #policiesHash = "";
  #applying = false;
  /** By shard. */
  #policies = new Map<number, readonly string[]>();
  #shown = { text: "", at: 0 };
  /** All shards are asked for at a time. */
  #grouped: { of: unknown; byShard: ReadonlyMap<number, StatusStore["snapshot"]["sinks"]> } = {
    of: undefined,
    byShard: new Map(),
  };

  constructor(settings: Settings, open: OpenRegister, state: LocalStore, status: StatusStore, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#status = status;
    this.#open = open;
    this.store = new SharedCursors(state, settings.shards, settings.lateWindow);
    const name = (settings.agentName ?? hostname())
      .toLowerCase()
      .replace(/[^a-z0-9.-]+/g, "-")
      .slice(0, 63);
    this.#fleet = new Fleet(
      {
        id: `${name}-${randomBytes(4).toString("hex")}`,
        name,
        version,
        ttlMs: settings.leaseTtl,
        shards: settings.shards,
      },
      {
        clock,
        uptimeMs: () => uptime() * 1000,
        register: open.register,
        owner: this.#owner(),
        say: (level, message) => status.dispatch({ type: "notice", at: clock.now(), level, message }),
        changed: (view) => this.#show(view),
        // In Kubernetes mode all agents read the same objects, at slightly different times.
        ...(settings.kubernetes ? {} : { policies: () => this.#policiesHash }),
      },
    );
  }

  /** Joins. Nothing is exported before that. */
  start(supervisor: Supervisor, steps: Stepwise): void {
    this.#supervisor = supervisor;
    this.#steps = steps;
    void this.#fleet.start().catch((error: unknown) => {
      if (!(error instanceof FleetError)) throw error;
      const message = `fleet: nothing is exported: ${error.message}.`;
      this.#status.dispatch({ type: "notice", at: this.#clock.now(), level: "error", message });
    });
  }

  /** The plan of a sink whose requests are sent only while this agent owns it. */
  fenced(plan: SinkPlan): SinkPlan {
    return {
      ...plan,
      makeSender: () =>
        fencedSender(plan.makeSender(), this.#permits.get(shardOf(plan.info.policy, this.#settings.shards))),
    };
  }

  /** The policies of all agents; those that this agent owns run. */
  apply(loaded: LoadResult): Promise<void> {
    this.#loaded = loaded;
    this.#policiesHash = sha256(
      JSON.stringify(loaded.policies.map((p) => [p.namespace, p.name, p.sources, p.sinks]).sort()),
    ).slice(0, 16);
    const names = loaded.policies.map((p) => `${p.namespace}/${p.name}`);
    this.store.keepOnly(new Set(names), this.#clock.now());
    this.#policies = Map.groupBy(names.sort(), (name) => shardOf(name, this.#settings.shards));
    return this.#applyOwned();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    // Also of shards that were being handed over already.
    void this.#clock.sleep(LAST_ATTEMPTS_MS).then(() => this.#hurry.abort());
    await this.#fleet.leave();
    await this.#open.close();
  }

  async #applyOwned(): Promise<void> {
    const loaded = this.#loaded;
    // Before anything is owned there is nothing to say of policies.
    if (loaded === undefined || (this.#permits.size === 0 && this.#status.snapshot.policies.length === 0)) return;
    const { shards } = this.#settings;
    const policies = loaded.policies.filter((p) => this.#permits.has(shardOf(`${p.namespace}/${p.name}`, shards)));
    await this.#steps?.apply({ ...loaded, policies });
  }

  #applySoon(): void {
    if (this.#applying) return;
    this.#applying = true;
    void this.#clock.sleep(TOGETHER_MS, this.#ended.signal).then((elapsed) => {
      this.#applying = false;
      if (elapsed) return this.#applyOwned();
    });
  }

  #owner(): Owner {
    const { shards } = this.#settings;
    const of = (shard: number) => (policy: string) => shardOf(policy, shards) === shard;
    return {
      took: (shard, from, permit) => {
        this.#permits.set(shard, permit);
        this.store.openShard(shard, from);
        this.#applySoon();
      },
      lost: (shard) => {
        this.#permits.delete(shard);
        this.#steps?.leave(of(shard));
        this.#supervisor?.lose(of(shard));
        this.store.closeShard(shard);
      },
      release: async (shard) => {
        this.#steps?.leave(of(shard));
        await this.#supervisor?.handOver(of(shard), this.#hurry.signal);
        this.#permits.delete(shard);
        // What a load has started again meanwhile, or was about to.
        this.#steps?.leave(of(shard));
        this.#supervisor?.lose(of(shard));
      },
      cursors: (shard, before) => this.store.cursorsOf(shard, before),
      settled: (shard) => this.store.settled(shard),
      sinks: (shard) => this.#sinksOf(shard),
    };
  }

  /** What other agents say of the sinks of this one. */
  #sinksOf(shard: number): Record<string, ["True" | "False" | "Unknown", string, number]> {
    const { sinks } = this.#status.snapshot;
    if (this.#grouped.of !== sinks)
      this.#grouped = {
        of: sinks,
        byShard: Map.groupBy(sinks, ({ info }) => shardOf(info.policy, this.#settings.shards)),
      };
    return Object.fromEntries(
      (this.#grouped.byShard.get(shard) ?? []).map((sink) => {
        const { status, reason, lastTransitionTime } = readyOf(sink);
        return [sink.id, [status, reason, Math.round(lastTransitionTime)]];
      }),
    );
  }

  /** A change soon, whatever else changes with it; heartbeats, which only move times, now and then. */
  #show(view: FleetView): void {
    const at = this.#clock.now();
    if (Math.abs(at - this.#shown.at) < SHOW_EVERY_MS) return; // rounds follow
    const fleet = this.#statusOf(view);
    const text = JSON.stringify(fleet, (key, value) => (key === "validUntil" || key === "heardAt" ? undefined : value));
    if (text === this.#shown.text && Math.abs(at - this.#shown.at) < this.#settings.leaseTtl / 5) return;
    this.#shown = { text, at };
    this.#status.dispatch({ type: "fleet", at, fleet });
  }

  #statusOf(view: FleetView): FleetStatus {
    const owners = [...view.values].map(([shard, v]) => ({
      shard,
      holder: v.holder,
      epoch: v.epoch,
      since: v.since,
      ...(v.from === undefined ? {} : { from: v.from }),
      silent: v.silent === true,
      policies: this.#policies.get(shard) ?? [],
    }));
    const heldBy = (id: string) => owners.filter((o) => o.holder === id).length;
    const now = this.#clock.now();
    const others = [...view.values].filter(([shard, v]) => v.holder !== "" && !view.owned.has(shard));
    return {
      engine: this.#settings.fleet === "etcd" ? "etcd" : "kubernetes",
      name: this.#settings.fleetName,
      self: view.self,
      valid: view.valid,
      ...(view.validUntil === undefined ? {} : { validUntil: view.validUntil }),
      ...(view.problem === undefined ? {} : { problem: view.problem }),
      ttlMs: view.ttlMs,
      shards: view.shards,
      owned: view.owned.size,
      members: view.members.map(({ id, name, since, leaving, silentMs, validMs }) => ({
        id,
        name,
        since,
        leaving,
        shards: heldBy(id),
        heardAt: Math.round(now - silentMs),
        validUntil: id === view.self ? (view.validUntil ?? now) : Math.round(now + validMs),
      })),
      owners: owners.sort((a, b) => a.shard - b.shard),
      elsewhere: others.flatMap(([, v]) =>
        Object.entries(v.sinks).map(([sink, [status, reason, since]]) => ({
          sink,
          status,
          reason,
          since,
          holder: v.holder,
        })),
      ),
      differing: view.members
        .filter((m) => m.policies !== undefined && this.#policiesHash !== "" && m.policies !== this.#policiesHash)
        .map((m) => m.name),
      takeovers: view.takeovers,
      fenced: view.fenced,
    };
  }
}
