// How long each of many watches runs. A watch says nothing while nothing changes, so one whose connection is dead looks like one without
// news: it shows when the watch does not end. Connections to one server usually stall together (a partition, a NAT table, a failover), so
// at any time one watch of each server ends within seconds, and what it finds is tried on the others.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";

/** One watch after another of one informer. */
export type WatchTurn = {
  /** A watch begins: how long it may run, seconds. */
  begin(): number;
  /** It has ended. `failed`: the next one does not begin at once. */
  ended(failed: boolean): void;
  /**
   * The server has answered. `brokenMs`: when one before broke off, or did not end (monotonic): watches that began before that may be
   * deaf too.
   */
  opened(brokenMs: number | undefined): void;
  leave(): void;
};

export type JoinWatches = {
  /** `renew`: ends the running watch; the next one continues over another connection. */
  join(server: string, renew: () => void): WatchTurn;
};

type Turn = { server: string; renew: () => void; beganMs: number; endsMs: number; opened: boolean };

const NEVER = Number.POSITIVE_INFINITY;
/** All watches of a slow server are not renewed more often than this. */
const RENEW_ALL_EVERY_MS = 10_000;

const LONGEST_S = 240;
/** All together are renewed 40 times a minute; from 160 watches on, each every four minutes. */
const secondsFor = (watches: number): number => Math.min(LONGEST_S, Math.max(3, Math.ceil(1.5 * watches)));

export class Watches implements JoinWatches {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #turns = new Set<Turn>();
  readonly #renewedMs = new Map<string, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  join(url: string, renew: () => void): WatchTurn {
    const turn: Turn = { server: new URL(url).host, renew, beganMs: 0, endsMs: NEVER, opened: false };
    this.#turns.add(turn);
    return {
      begin: () => this.#begin(turn),
      ended: (failed) => this.#ended(turn, failed),
      opened: (brokenMs) => {
        turn.opened = true;
        if (brokenMs !== undefined) this.#recovered(turn, brokenMs);
      },
      leave: () => {
        this.#turns.delete(turn);
        this.#ended(turn, true);
      },
    };
  }

  #begin(turn: Turn): number {
    turn.beganMs = this.#clock.monotonicMs();
    const soon = this.#soonS();
    const usual = secondsFor(this.#turns.size);
    // Those that began together do not end together.
    const spread = Math.min(LONGEST_S, Math.ceil(usual * (0.75 + 0.5 * this.#random())));
    const seconds = usual <= soon || !this.#endsWithin(turn, soon) ? soon : spread;
    turn.endsMs = turn.beganMs + seconds * 1000;
    turn.opened = false;
    return seconds;
  }

  /**
   * Where it was the one that ends soon, another one takes its place. Not one whose response is still to come: that may ask to wait
   * (Retry-After), and whoever gives it up would ask again at once.
   */
  #ended(turn: Turn, failed: boolean): void {
    turn.endsMs = NEVER;
    if (!failed || this.#endsWithin(turn, this.#soonS())) return;
    const running = this.#othersOf(turn).filter(({ endsMs, opened }) => endsMs !== NEVER && opened);
    running.sort((a, b) => a.endsMs - b.endsMs)[0]?.renew();
  }

  /** Each server has one watch that ends within so many seconds. */
  #soonS(): number {
    return secondsFor(new Set([...this.#turns].map(({ server }) => server)).size);
  }

  #endsWithin(turn: Turn, seconds: number): boolean {
    const untilMs = this.#clock.monotonicMs() + seconds * 1000;
    return this.#othersOf(turn).some(({ endsMs }) => endsMs <= untilMs);
  }

  #recovered(turn: Turn, brokenMs: number): void {
    const now = this.#clock.monotonicMs();
    if (now - (this.#renewedMs.get(turn.server) ?? Number.NEGATIVE_INFINITY) < RENEW_ALL_EVERY_MS) return;
    const suspects = this.#othersOf(turn).filter(({ beganMs, endsMs }) => beganMs < brokenMs && endsMs !== NEVER);
    if (suspects.length === 0) return;
    this.#renewedMs.set(turn.server, now);
    for (const { renew } of suspects) renew();
  }

  #othersOf(turn: Turn): Turn[] {
    return [...this.#turns].filter((other) => other !== turn && other.server === turn.server);
  }
}
