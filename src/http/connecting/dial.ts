// One TCP connection to a host: every address that it resolves to is asked for by `connectPolicy` and tried, the next one after a while
// even if the one before has not given up (as browsers do). Abort or failure leaves no socket behind.
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import type { ConnectPolicy } from "./connect-policy.ts";

export type Resolve = (host: string) => Promise<string[]>;

const NEXT_AFTER_MS = 300;

/** An address, or a proxy, that is not to be used, or cannot be. */
export class ConnectFailure extends Error {
  readonly code: "OUTFLOW_FORBIDDEN" | "OUTFLOW_PROXY";
  constructor(code: ConnectFailure["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What ended a TLS handshake, whatever the runtime calls it. */
export class HandshakeFailure extends Error {
  readonly code: string;
  constructor(cause: Error & { code?: string }) {
    super(cause.message, { cause });
    this.code = cause.code ?? "TLS";
  }
}

export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

export async function dial(
  host: string,
  port: number,
  connectPolicy: ConnectPolicy,
  signal: AbortSignal,
  resolve: Resolve = systemResolve,
): Promise<Socket> {
  const found = isIP(host) === 0 ? await resolve(host) : [host];
  const refusals = found.map((address) => connectPolicy(host, port, address));
  const addresses = found.filter((_, i) => refusals[i] === undefined);
  const refusal = refusals.find((r) => r !== undefined);
  if (addresses.length === 0 && refusal !== undefined) throw new ConnectFailure("OUTFLOW_FORBIDDEN", refusal);
  return race(alternating(addresses), port, signal);
}

/** Families take turns, in the resolver's order. */
function alternating(addresses: readonly string[]): string[] {
  const first = isIP(addresses[0] ?? "");
  const one = addresses.filter((a) => isIP(a) === first);
  const other = addresses.filter((a) => isIP(a) !== first);
  return one.flatMap((a, i) => [a, ...other.slice(i, i + 1)]).concat(other.slice(one.length));
}

/** One address that refuses says nothing of another that does not answer: all of them are named. */
const distinct = (errors: readonly Error[]): string => [...new Set(errors.map((e) => e.message))].join("; ");

function race(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((done, fail) => {
    const trying = new Set<Socket>();
    const errors: Error[] = [];
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = (winner?: Socket) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      for (const socket of trying) if (socket !== winner) socket.destroy();
    };
    const onAbort = () => {
      end();
      fail(signal.reason);
    };
    const start = () => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined) return;
      const socket = connect({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
      trying.add(socket);
      const onError = (error: Error) => {
        trying.delete(socket);
        errors.push(error);
        if (next < addresses.length) return start();
        if (trying.size > 0) return;
        end();
        fail(errors.length === 1 ? errors[0] : new AggregateError(errors, distinct(errors)));
      };
      socket.once("error", onError);
      socket.once("connect", () => {
        socket.off("error", onError);
        end(socket);
        done(socket);
      });
      if (next < addresses.length) timer = setTimeout(start, NEXT_AFTER_MS);
    };
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    start();
  });
}
