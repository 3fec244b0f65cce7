// This agent's entry among the members, written again each third of a TTL, and what follows from it: how long it may act as an owner.
import type { Clock, EpochMs } from "../platform/clock.ts";
import { type Call, retryMs } from "./calls.ts";
import { type Entry, memberKey, type Register } from "./register.ts";
import { type Clocks, Validity } from "./validity.ts";
import type { Member } from "./values.ts";

export type HeartbeatPorts = {
  clock: Clock;
  /** Since boot, also while the host sleeps. */
  uptimeMs(): number;
  register: Register;
  call: Call;
  /** The entry was written. */
  wrote(entry: Entry): void;
  failed(message: string): void;
  say(level: "warn", message: string): void;
  /** The validity has ended: what was owned is lost. May be called when nothing was owned. */
  lapsed(why: string): void;
  policies?(): string;
};

export class Heartbeat {
  readonly validity: Validity;
  readonly #member: Pick<Member, "id" | "name" | "version" | "since">;
  readonly #ttlMs: number;
  readonly #ports: HeartbeatPorts;
  #beat = 0;
  #revision: string | undefined;
  #leaving = false;
  /** Writes follow each other: two at once would refuse one another. */
  #last: Promise<unknown> = Promise.resolve();
  /** The wall clock less the monotonic one at the last heartbeat. */
  #offsetMs: number | undefined;

  constructor(
    { id, name, version, ttlMs }: { id: string; name: string; version: string; ttlMs: number },
    since: EpochMs,
    ports: HeartbeatPorts,
  ) {
    this.#member = { id, name, version, since };
    this.#ttlMs = ttlMs;
    this.#ports = ports;
    this.validity = new Validity(() => this.#clocks(), ttlMs);
  }

  #clocks(): Clocks {
    const { clock, uptimeMs } = this.#ports;
    return { monoMs: clock.monotonicMs(), wallMs: clock.now(), uptimeMs: uptimeMs() };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const askedMs = clock.monotonicMs();
      const ok = await this.write();
      const next = ok ? askedMs + this.#ttlMs / 3 : clock.monotonicMs() + this.#ttlMs / 15;
      await clock.sleep(Math.max(0, next - clock.monotonicMs()), signal);
    }
  }

  /** Wakes when the validity ends, or might have by the wall clock. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!this.validity.holds) this.#ports.lapsed(this.validity.why());
      const leftMs = this.validity.leftMs;
      await this.#ports.clock.sleep(leftMs > 0 ? Math.min(leftMs, this.#ttlMs / 15) : this.#ttlMs / 15, signal);
    }
  }

  /** False: not written; it is tried again soon. */
  write(): Promise<boolean> {
    const written = this.#last.then(() => this.#write());
    this.#last = written.catch(() => {});
    return written;
  }

  async #write(): Promise<boolean> {
    const { register, call, policies } = this.#ports;
    const asked = this.#clocks();
    this.#sayMoved(asked.wallMs - asked.monoMs);
    const member: Member = {
      ...this.#member,
      beat: ++this.#beat,
      ...(this.#leaving ? { leaving: true } : {}),
      ...(policies === undefined ? {} : { policies: policies() }),
    };
    const key = memberKey(member.id);
    const value = JSON.stringify(member);
    const revision = this.#revision;
    const written = await call((signal) =>
      revision === undefined ? register.create(key, value, signal) : register.update(key, value, revision, signal),
    );
    if (written.ok) {
      this.#revision = written.revision;
      // What was owned before a lapse is lost, also if nobody noticed the lapse yet.
      if (!this.validity.holds) this.#ports.lapsed(this.validity.why());
      this.validity.extend(asked);
      this.#ports.wrote({ key, value, revision: written.revision });
      return true;
    }
    if (written.why === "failed") this.#ports.failed(written.message);
    // Deleted by hand, or an earlier write whose response was lost: look what is there, and write at the next beat.
    const read = await call((signal) => register.get(key, signal));
    if (!read.ok) return false;
    if (read.value === undefined && revision !== undefined)
      this.#ports.say("warn", `fleet: the entry ${key} of this agent was deleted; it is written again.`);
    this.#revision = read.value?.revision;
    return false;
  }

  /** Ahead it ends the validity, which is said then. Back it changes nothing: the monotonic clock counts. */
  #sayMoved(offsetMs: number): void {
    const movedMs = offsetMs - (this.#offsetMs ?? offsetMs);
    this.#offsetMs = offsetMs;
    if (movedMs > -this.#ttlMs) return;
    this.#ports.say(
      "warn",
      `fleet: the wall clock was set back by ${Math.round(-movedMs / 1000)} s; exporting continues, since the monotonic clock counts.`,
    );
  }

  /** Others give this agent no shards from now on. Ends when that is written, or when nothing may be owned any more. */
  async leave(): Promise<void> {
    this.#leaving = true;
    while (this.validity.holds && !(await this.write())) await this.#ports.clock.sleep(retryMs(this.#ttlMs));
  }

  async remove(): Promise<void> {
    const revision = this.#revision;
    if (revision === undefined) return;
    await this.#ports.call((signal) => this.#ports.register.remove(memberKey(this.#member.id), revision, signal));
  }
}
