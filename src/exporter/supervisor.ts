// All sinks of all policies: starts, changes, drains and removes their exporters as policies come and go, and contains a bug
// in one of them. Knows no clock, disk or net but what comes in as ports.

import type { Drop } from "../delivery/batch-splitter.ts";
import type { Clock } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import type { Random } from "../platform/random.ts";
import type { LoadResult } from "../policy/policy.ts";
import type { Readers } from "../reading/readers.ts";
import type { SinkAction } from "../status/actions.ts";
import type { Condition } from "../status/condition.ts";
import type { Event, SinkId } from "../status/events.ts";
import { Crashes } from "./crashes.ts";
import { Exporter } from "./exporter.ts";
import { type KeptPorts, kept } from "./kept.ts";
import { type PlanPorts, PolicyPlans, type Wanted } from "./policy-plans.ts";
import { removalReport, successorOf } from "./removal.ts";
import { samePlan } from "./sink-plan.ts";
import { WantedSinks } from "./wanted-sinks.ts";

export type SupervisorPorts = KeptPorts &
  PlanPorts & {
    clock: Clock;
    random: Random;
    dispatch(event: Event): void;
    readers: Readers;
    /** What was reported elsewhere of a policy or sink that is new here; absent, or undefined: what the store has, at the first load. */
    reported?(id: string): readonly Condition[] | undefined;
    /** Dead letters. */
    keep?(id: SinkId, drop: Drop): boolean;
  };

type Running = Wanted & { exporter: Exporter };
const BUG_COLUMNS = 600;

/** A removed sink's cursor is kept this long, so that a sink that is put back continues. */
const KEEP_CURSORS_MS = 86_400_000;
/** How often it is looked for what is unused, where no sink comes or goes. */
const FORGET_EVERY_MS = 3_600_000;
/** For screens; `outflow check` lists all. */
const MAX_PROBLEMS = 200;

export class Supervisor {
  readonly #ports: SupervisorPorts;
  readonly #running = new Map<SinkId, Running>();
  readonly #refused = new Set<SinkId>();
  readonly #draining = new Map<SinkId, Promise<void>>();
  readonly #crashes = new Crashes();
  /** They crashed and wait to be started again. */
  readonly #waiting = new Set<SinkId>();
  /** Stopped by a person: what else happens to them does not start them. */
  readonly #paused = new Set<SinkId>();
  /** Their last exporter gave something back, of which a part may have been sent. */
  readonly #gaveBack = new Set<SinkId>();
  readonly #stop = new AbortController();
  readonly #drainTimeoutMs: number;
  #stopped = false;
  #first = true;
  #forgotMs = Number.NEGATIVE_INFINITY;
  readonly #wanted: WantedSinks;

  constructor(ports: SupervisorPorts, drainTimeoutMs: number) {
    this.#ports = ports;
    this.#wanted = new WantedSinks(new PolicyPlans(ports));
    this.#drainTimeoutMs = drainTimeoutMs;
  }

  /** Makes what runs equal to what was loaded (where files have problems, that is their last good version already). */
  apply(loaded: LoadResult): void {
    if (this.#stopped) return;
    const { clock, dispatch, store } = this.#ports;
    const problems = loaded.problems
      .slice(0, MAX_PROBLEMS)
      .map(({ place, severity, path, message }) => ({ ...place, severity, path, message }));
    const ok = !loaded.problems.some((p) => p.severity === "problem");
    const { came, went } = this.#wanted.load(loaded.policies, (id) => this.#reported(id));
    dispatch({
      type: "policies-loaded",
      at: clock.now(),
      policies: [...this.#wanted.policies],
      problems,
      files: loaded.files.length,
      ok,
      ...(loaded.origin === undefined ? {} : { origin: loaded.origin }),
      ...(loaded.partial === undefined ? {} : { partial: true }),
    });
    for (const id of went.keys())
      if (
        this.#wanted.get(id) === undefined &&
        (this.#running.has(id) || this.#refused.has(id) || this.#waiting.has(id))
      )
        this.#remove(id);
    for (const wanted of came) {
      const { id } = wanted.plan.info;
      const was = went.get(id)?.plan;
      if (was === wanted.plan) continue;
      if (this.#waiting.has(id) && was !== undefined && samePlan(was, wanted.plan)) continue;
      this.#set(id, wanted);
    }
    // The rest of this load follows.
    if (loaded.partial) return;
    this.#first = false;
    // What went just now is kept its day from now on; while a file cannot be read nobody knows what is unused.
    if (ok && (this.#wanted.moved || clock.monotonicMs() - this.#forgotMs >= FORGET_EVERY_MS)) {
      this.#forgotMs = clock.monotonicMs();
      const inUse = this.#wanted.takeLeft();
      store.forgetUnused(({ policy, sink }) => inUse(`${policy}/${sink}`), KEEP_CURSORS_MS);
    }
  }

  exporter(id: SinkId): Exporter | undefined {
    return this.#running.get(id)?.exporter;
  }

  /** False: there is no such sink, or nothing of it runs. */
  act(id: SinkId, action: SinkAction): boolean {
    const exporter = this.#stopped ? undefined : this.exporter(id);
    if (exporter === undefined) return false;
    this.#guarded(id, exporter, () => {
      if (action === "pause") {
        this.#paused.add(id);
        exporter.pause();
      } else if (action === "resume") {
        this.#paused.delete(id);
        exporter.resume();
      } else exporter.retryNow();
    });
    return true;
  }

  get sinks(): readonly SinkId[] {
    return [...this.#running.keys()];
  }

  /**
   * Drains all sinks at once and ends. Cursors are saved by whoever closes the store. False: something was given back, and windows
   * of which a part may have been sent will be read again.
   */
  async shutdown(): Promise<boolean> {
    this.#stopped = true;
    this.#stop.abort();
    this.#ports.readers.stop();
    await Promise.all([
      ...[...this.#running].map(([id, { exporter }]) => this.#drain(id, exporter, "shutdown")),
      ...this.#draining.values(),
    ]);
    return this.#gaveBack.size === 0;
  }

  /**
   * Drains the sinks of some policies for another agent that continues from their cursors: they are neither removed nor do their series
   * end. What these policies are is loaded again by apply(). When `hurry` aborts what is still in memory is given back.
   */
  async handOver(of: (policy: string) => boolean, hurry: AbortSignal): Promise<void> {
    await Promise.all(this.#leave(of).map(([id, { exporter }]) => this.#drain(id, exporter, "shutdown", hurry)));
    this.#forgetLeft(of);
  }

  /** Ends the sinks of some policies at once: another agent may own them. */
  lose(of: (policy: string) => boolean): void {
    for (const [id, { exporter }] of this.#leave(of)) {
      this.#guarded(id, exporter, () => exporter.abort());
      this.#gaveBack.delete(id);
    }
    this.#forgetLeft(of);
  }

  #leave(of: (policy: string) => boolean): [SinkId, Running][] {
    const left = [...this.#running].filter(([, { policy }]) => of(policy));
    for (const [id] of left) this.#running.delete(id);
    return left;
  }

  /** They are not among what was wanted before: apply() reports no removal. */
  #forgetLeft(of: (policy: string) => boolean): void {
    const { clock, dispatch } = this.#ports;
    for (const id of this.#wanted.forget(of)) {
      this.#refused.delete(id);
      this.#waiting.delete(id);
      this.#gaveBack.delete(id);
      dispatch({ type: "sink-forgotten", at: clock.now(), id });
    }
  }

  /** Never rejects: an exporter that cannot even end well is ended as one that crashed. */
  async #drain(id: SinkId, exporter: Exporter, why: "shutdown" | "removed", hurry?: AbortSignal): Promise<void> {
    const { clock, dispatch } = this.#ports;
    const all = await exporter.drain(this.#drainTimeoutMs, why, hurry).catch((error) => {
      this.#crash(exporter);
      dispatch({
        type: "notice",
        at: clock.now(),
        level: "warn",
        message: `${id} was stopped by a bug: ${bugText(error)}`,
      });
      return false;
    });
    if (all) this.#gaveBack.delete(id);
    else this.#gaveBack.add(id);
  }

  #set(id: SinkId, wanted: Wanted): void {
    const { clock, dispatch } = this.#ports;
    const { plan } = wanted;
    const running = this.#running.get(id);
    this.#waiting.delete(id);
    if (plan.refusal !== undefined) {
      if (running !== undefined) {
        this.#running.delete(id);
        if (running.exporter.pending > 0) this.#gaveBack.add(id);
        running.exporter.abort();
      }
      this.#refused.add(id);
      dispatch({
        type: "sink-refused",
        at: clock.now(),
        sink: plan.info,
        reason: plan.refusal.reason,
        message: plan.refusal.message,
        conditions: this.#reported(id),
      });
      return;
    }
    this.#refused.delete(id);
    if (running === undefined) {
      // Put back while it drains: it continues where the drain ends.
      if (!this.#draining.has(id)) this.#start(id, wanted);
      return;
    }
    if (samePlan(running.plan, plan)) {
      if (running.plan.info.generation !== plan.info.generation)
        dispatch({ type: "sink-started", at: clock.now(), sink: plan.info });
      running.plan = plan;
      return;
    }
    const sender = running.plan.senderKey === plan.senderKey ? undefined : plan.makeSender();
    running.plan = plan;
    this.#guarded(id, running.exporter, () => running.exporter.update(plan, sender));
  }

  #start(id: SinkId, { plan, policy, sink }: Wanted): void {
    const { clock, random, dispatch, readers, keep } = this.#ports;
    const queryOf = (source: string) =>
      (this.#running.get(id)?.plan ?? plan).sources.find((s) => s.name === source)?.query;
    const exporter: Exporter = new Exporter(plan, plan.makeSender(), {
      clock,
      random,
      dispatch,
      ...kept(this.#ports, { policy, sink }, queryOf, this.#gaveBack.has(id)),
      ...(keep === undefined ? {} : { keep }),
      subscribe: (query, subscriber, startAt) => readers.subscribe(query, subscriber, startAt),
      bug: (error) => this.#crashed(id, exporter, error),
    });
    this.#running.set(id, { plan, exporter, policy, sink });
    this.#guarded(id, exporter, () => {
      exporter.start(this.#reported(id));
      if (this.#paused.has(id)) exporter.pause();
    });
  }

  #guarded(id: SinkId, exporter: Exporter, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#crashed(id, exporter, error);
    }
  }

  #crash(exporter: Exporter): void {
    try {
      exporter.crash();
    } catch {
      // what is broken may not end cleanly either
    }
  }

  /** A bug in one exporter: it ends, the others keep running, and it starts again from its cursor, later each time. */
  #crashed(id: SinkId, exporter: Exporter, error: unknown): void {
    const { clock, dispatch } = this.#ports;
    if (this.#running.get(id)?.exporter !== exporter) return; // it has ended already
    this.#running.delete(id);
    const waitMs = this.#crashes.add(id, clock.monotonicMs());
    this.#crash(exporter);
    this.#waiting.add(id);
    this.#gaveBack.add(id);
    dispatch({ type: "sink-crashed", at: clock.now(), id, message: bugText(error), restartAt: clock.now() + waitMs });
    void clock.sleep(waitMs, this.#stop.signal).then((elapsed) => {
      const wanted = this.#wanted.get(id);
      if (elapsed && wanted !== undefined && this.#waiting.has(id)) this.#set(id, wanted);
    });
  }

  /** Of the agent's life before this one; later loads know better. */
  #reported(id: string): readonly Condition[] {
    return this.#ports.reported?.(id) ?? (this.#first ? this.#ports.store.conditions(id) : []);
  }

  #remove(id: SinkId): void {
    const { clock, dispatch } = this.#ports;
    const load = this.#wanted.loads;
    const running = this.#running.get(id);
    this.#running.delete(id);
    this.#refused.delete(id);
    this.#waiting.delete(id);
    this.#paused.delete(id);
    if (running === undefined) {
      dispatch({ type: "sink-forgotten", at: clock.now(), id });
      return;
    }
    const drained = this.#drain(id, running.exporter, "removed").then(() => {
      this.#draining.delete(id);
      const wanted = this.#wanted.get(id);
      if (wanted === undefined) {
        this.#reportRemoved(running, load);
        dispatch({ type: "sink-forgotten", at: clock.now(), id });
      } else if (!this.#stopped) this.#set(id, wanted);
    });
    this.#draining.set(id, drained);
  }

  /** A rename is a removal and a new sink, in the same load or later: the report says where the old one stood. */
  #reportRemoved({ plan, policy, sink }: Running, load: number): void {
    const { clock, dispatch, store } = this.#ports;
    const stood = plan.sources.map(({ name }) => ({
      source: name,
      cursor: store.cursor({ policy, sink, source: name })?.cursor,
    }));
    const successor = successorOf(
      plan.info,
      this.#wanted.since(load).map((other) => other.plan.info),
    );
    const message = removalReport(plan.info.id, stood, successor);
    if (message !== undefined) dispatch({ type: "notice", at: clock.now(), level: "info", message });
  }
}

const bugText = (error: unknown): string =>
  printable(error instanceof Error ? (error.stack ?? error.message) : String(error), BUG_COLUMNS);
