// A proxy to the receivers, one for each agent: what an agent sends goes through its own, so it is known who sent what and when.
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeWriteRequest, unsnappy } from "../fakes/wire.ts";

/** One policy's part of a request. `at`: when the request had arrived whole, ms since 1970. */
export type Arrival = { agent: string; policy: string; at: number; timestamps: number[] };

export type Tap = {
  url: string;
  /** Requests that come from now on get no response. */
  hang(): void;
  close(): void;
};

export async function startTap(agent: string, arrived: (arrival: Arrival) => void): Promise<Tap> {
  let hangs = false;
  const server = createServer(async (from, to) => {
    try {
      const body = await whole(from);
      if (hangs) return;
      for (const { labels, samples } of decodeWriteRequest(unsnappy(body))) {
        const policy = labels.find(([name]) => name === "p")?.[1] ?? "";
        arrived({ agent, policy, at: Date.now(), timestamps: samples.map(({ ts }) => ts) });
      }
      // Through a proxy the whole URL is asked for.
      const { "proxy-connection": _, ...headers } = from.headers;
      const onward = request(from.url!, { method: from.method!, headers }, (answer) => {
        to.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(to);
      });
      onward.on("error", () => to.destroy());
      onward.end(body);
    } catch {
      to.destroy(); // broken off by the agent
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hang() {
      hangs = true;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
