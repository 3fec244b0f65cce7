// Kubernetes Events of policies, for kubectl describe: not ready, ready again, data dropped, a Secret that is missing, an edit that cannot
// be used. What repeats is one Event with a count (a series). Best effort: what cannot be written is left out.
import type { Event as KubeEvent } from "kubernetes-types/events/v1";
import type { Clock } from "../platform/clock.ts";
import { withAny } from "../platform/signals.ts";
import { acceptedOf, readyOf } from "../status/conditions.ts";
import type { Event } from "../status/events.ts";
import { sinkOf } from "../status/sinks.ts";
import type { Snapshot } from "../status/snapshot.ts";
import { counted } from "../status/text/words.ts";
import { type ApiFailure, EVENTS, type KubeApi, type KubeObject } from "./client/api.ts";
import type { Target } from "./status-writer.ts";

export type Notice = {
  /** `namespace/name` of the policy. */
  policy: string;
  type: "Normal" | "Warning";
  reason: string;
  /** Of what it repeats: a sink's name, or nothing. */
  about: string;
  note: string;
};

/** What of an event of the agent a person would want to see at the policy. Pure. */
export function noticeOf(event: Event, before: Snapshot, after: Snapshot): Notice | undefined {
  const id = "id" in event ? event.id : event.type === "sink-refused" ? event.sink.id : undefined;
  const now = id === undefined ? undefined : sinkOf(after, id);
  if (id === undefined || now === undefined) return undefined;
  const { policy, sink } = now.info;
  const say = (type: Notice["type"], reason: string, note: string): Notice => ({
    policy,
    type,
    reason,
    about: sink,
    note: `Sink ${sink}: ${note}`,
  });
  if (event.type === "dropped")
    return say(
      "Warning",
      "DataDropped",
      `${counted(event.samples, "sample")} dropped (${event.reason}): ${event.message}`,
    );
  const was = sinkOf(before, id);
  const [old, ready] = [was && readyOf(was), readyOf(now)];
  if (old?.status === ready.status && old.reason === ready.reason) return undefined;
  const accepted = acceptedOf(now);
  if (accepted.status === "False") return say("Warning", accepted.reason, accepted.message);
  if (ready.status === "False") return say("Warning", "NotReady", `${ready.reason}: ${ready.message}`);
  // The first delivery is news, a change among the reasons of True is not.
  if (ready.status === "True" && old?.status !== "True") return say("Normal", "Ready", ready.message);
  return undefined;
}

/** The API's limits. */
const NOTE_CHARACTERS = 1_024;
const INSTANCE_CHARACTERS = 128;
/** A series of events continues for this long after its last event, and is written at most so often. */
const SERIES_MS = 360_000;
const REPEAT_MS = 30_000;
const MOST_SERIES = 5_000;
const MOST_WAITING = 500;

type Series = { object: KubeObject; api: KubeApi; count: number; lastMs: number; writtenMs: number };

export type EventWriterPorts = {
  clock: Clock;
  /** The host or pod. */
  instance: string;
  target(policy: string): Target | undefined;
  onFailure(failure: ApiFailure | undefined): void;
};

export class EventWriter {
  readonly #ports: EventWriterPorts;
  readonly #series = new Map<string, Series>();
  readonly #waiting: { key: string; notice: Notice }[] = [];
  #wake = new AbortController();
  #made = 0;

  constructor(ports: EventWriterPorts) {
    this.#ports = ports;
  }

  add(notice: Notice): void {
    if (this.#waiting.length >= MOST_WAITING) return;
    const { policy, reason, about } = notice;
    const uid = this.#ports.target(policy)?.object.metadata.uid ?? "";
    this.#waiting.push({ key: `${uid} ${policy} ${reason} ${about}`, notice });
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        await this.#write(next.key, next.notice, signal);
        continue;
      }
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      await withAny([signal, this.#wake.signal], (either) => clock.sleep(60_000, either));
    }
  }

  async #write(key: string, notice: Notice, signal: AbortSignal): Promise<void> {
    const { clock, target, onFailure } = this.#ports;
    const now = clock.monotonicMs();
    for (const [other, { lastMs }] of this.#series)
      if (now - lastMs > SERIES_MS || this.#series.size > MOST_SERIES) this.#series.delete(other);
      else break;
    const series = this.#series.get(key);
    if (series !== undefined) {
      series.count++;
      series.lastMs = now;
      // In the order of their last event: what ends first is first.
      this.#series.delete(key);
      this.#series.set(key, series);
      if (now - series.writtenMs < REPEAT_MS) return;
      series.writtenMs = now;
      const { namespace, name = "" } = series.object.metadata;
      const patched = await series.api.patch(
        EVENTS,
        { namespace, name },
        // Nothing else of an Event may change.
        { series: { count: series.count, lastObservedTime: this.#microTime() } },
        signal,
      );
      return onFailure(patched.ok || patched.failure.kind !== "forbidden" ? undefined : patched.failure);
    }
    const policy = target(notice.policy);
    if (policy === undefined) return;
    const { namespace } = policy.object.metadata;
    const created = await policy.api.create(EVENTS, { namespace }, this.#event(notice, policy), signal);
    if (created.ok)
      this.#series.set(key, { object: created.value, api: policy.api, count: 1, lastMs: now, writtenMs: now });
    // A role that is missing is worth a word; everything else is best effort.
    onFailure(created.ok || created.failure.kind !== "forbidden" ? undefined : created.failure);
  }

  #event(notice: Notice, { object }: Target): KubeObject & KubeEvent {
    const { namespace, name = "", uid, resourceVersion } = object.metadata;
    const { clock, instance } = this.#ports;
    const unique = `${Math.floor(clock.now()).toString(16)}${(this.#made++).toString(16)}`;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { namespace: namespace ?? "default", name: `${name.slice(0, 200)}.${unique}` },
      eventTime: this.#microTime(),
      reportingController: "outflow",
      reportingInstance: instance.slice(0, INSTANCE_CHARACTERS),
      action: "Exporting",
      type: notice.type,
      reason: notice.reason,
      note: note(notice),
      regarding: {
        apiVersion: "telemetry.miloapis.com/v1alpha1",
        kind: "ExportPolicy",
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
    };
  }

  #microTime(): string {
    return new Date(this.#ports.clock.now()).toISOString().replace("Z", "000Z");
  }
}

const note = ({ note: text }: Notice): string =>
  text.length <= NOTE_CHARACTERS ? text : `${text.slice(0, NOTE_CHARACTERS - 1)}…`;
