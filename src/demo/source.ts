// The demo's embedded source: answers /api/v1/query to a plain selector with a window, over real HTTP, as VictoriaMetrics would.
import { createServer, type Server } from "node:http";
import type { Selector, SeriesStore } from "./series.ts";

/** Tells whether a series is selected; throws with a text for people if the query cannot be read. */
export type Compile = (selector: string) => Selector;

export async function startSource(
  series: SeriesStore,
  compile: Compile,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => void pieces.push(piece));
    request.on("end", () => {
      const form = new URLSearchParams(Buffer.concat(pieces).toString("utf8") || (request.url ?? "").split("?")[1]);
      const { status, body } = answer(form, series, compile);
      response.writeHead(status, { "content-type": "application/json", "x-server-hostname": "demo" }).end(body);
    });
  });
  return { url: await listen(server), close: () => close(server) };
}

function answer(form: URLSearchParams, series: SeriesStore, compile: Compile): { status: number; body: string } {
  const query = form.get("query") ?? "";
  const time = Number(form.get("time") ?? "0") * 1000;
  if (query === "1")
    return {
      status: 200,
      body: `{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[{"metric":{},"value":[${time / 1000},"1"]}]}}`,
    };
  const windowed = /^([\s\S]*)\n\[(\d+)ms\]$/.exec(query);
  if (windowed === null) return refuse("the demo's source answers plain selectors with a window only");
  try {
    return { status: 200, body: series.matrix(compile(windowed[1]!), time - Number(windowed[2]), time) };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const refuse = (error: string) => ({ status: 422, body: JSON.stringify({ status: "error", errorType: "422", error }) });

export function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
    });
  });
}

export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
