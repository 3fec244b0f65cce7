// The connections of a client to one origin: at most so many, used again, the longest waiting request first.
import type { Socket } from "node:net";
import { type Asked, aborted, Connection } from "./connection.ts";

/** Idle connections are closed within this after they have become stale. */
const SWEEP_MS = 2_000;

export class Pool {
  readonly #connect: (signal: AbortSignal) => Promise<Socket>;
  readonly #most: number;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #queue: Asked[] = [];
  readonly #end = new AbortController();
  #connecting = 0;
  #closing = false;
  #sweep: NodeJS.Timeout | undefined;
  #sweepAtMs = 0;
  readonly #done: (() => void)[] = [];

  constructor(connect: (signal: AbortSignal) => Promise<Socket>, most: number) {
    this.#connect = connect;
    this.#most = most;
  }

  ask(asked: Asked): void {
    if (this.#closing) return asked.exchange.broken(aborted());
    this.#queue.push(asked);
    this.#pump();
  }

  /** As ask(), over a new connection: those that wait for a request are as likely to be dead as the one that failed. */
  askFresh(asked: Asked): void {
    this.dropIdle();
    if (this.#closing) return asked.exchange.broken(aborted());
    this.#open(asked);
  }

  /** What failed over one connection is not tried over another that was made at the same time. */
  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Aborts what is under way; `gracefully`: lets it end first. */
  close(how?: "gracefully"): Promise<void> {
    this.#closing = true;
    if (how !== "gracefully") {
      this.#end.abort(aborted());
      for (const { exchange } of this.#queue.splice(0)) exchange.broken(aborted());
      for (const connection of [...this.#connections]) connection.destroy();
    }
    return new Promise((done) => {
      this.#done.push(done);
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#queue.length > 0 && !this.#queue[0]!.exchange.running) this.#queue.shift();
    while (this.#queue.length > 0) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.isStale(performance.now())) connection.destroy();
      else this.#carry(connection, this.#queue.shift()!);
    }
    while (this.#connecting < this.#queue.length && this.#connections.size + this.#connecting < this.#most)
      this.#open();
    if (this.#closing && this.#queue.length === 0) {
      for (const connection of this.#idle.splice(0)) connection.destroy();
      clearTimeout(this.#sweep);
      if (this.#connections.size + this.#connecting === 0) for (const done of this.#done.splice(0)) done();
    } else if (this.#idle.length > 0) this.#sweepInTime();
  }

  /** `first`: carried by this connection, and by no other. */
  #open(first?: Asked): void {
    this.#connecting++;
    this.#connect(this.#end.signal).then(
      (socket) => {
        this.#connecting--;
        const connection = new Connection(socket, (c) => this.#changed(c));
        this.#connections.add(connection);
        if (this.#end.signal.aborted) {
          first?.exchange.broken(aborted());
          connection.destroy();
        } else if (first?.exchange.running) this.#carry(connection, first);
        else this.#changed(connection);
      },
      (error) => {
        this.#connecting--;
        (first ?? this.#queue.shift())?.exchange.broken(error);
        this.#pump();
      },
    );
  }

  #carry(connection: Connection, asked: Asked): void {
    try {
      connection.carry(asked);
    } catch (error) {
      asked.exchange.broken(error);
      this.#changed(connection);
    }
  }

  #changed(connection: Connection): void {
    if (connection.gone) {
      this.#connections.delete(connection);
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
    } else if (!connection.busy) this.#idle.push(connection);
    this.#pump();
  }

  /** Not before one can be stale: a pool in use would wake the process for nothing. */
  #sweepInTime(): void {
    let first = Number.POSITIVE_INFINITY;
    for (const connection of this.#idle) first = Math.min(first, connection.staleAtMs);
    if (this.#sweep !== undefined && this.#sweepAtMs <= first + SWEEP_MS) return;
    clearTimeout(this.#sweep);
    const inMs = Math.max(SWEEP_MS, Math.ceil(first - performance.now()));
    this.#sweepAtMs = performance.now() + inMs;
    this.#sweep = setTimeout(() => this.#swept(), inMs);
  }

  #swept(): void {
    this.#sweep = undefined;
    const now = performance.now();
    for (const connection of [...this.#idle]) if (connection.isStale(now)) connection.destroy();
    this.#pump();
  }
}
