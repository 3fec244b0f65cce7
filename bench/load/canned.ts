// A source that costs nearly nothing: every window holds one sample of each series, at its end. A program of its own.
//   bun bench/load/canned.ts SERIES        prints its port
import { createServer } from "node:http";
import { labelsOf, sampleOf } from "./fleet.ts";

const series = Number(process.argv[2] ?? 100_000);
const parts: string[] = ['{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":['];
const places: number[] = [];
let length = parts[0]!.length;
for (let i = 0; i < series; i++) {
  const head = `${i === 0 ? "" : ","}{"metric":${JSON.stringify(labelsOf(i))},"values":[[`;
  const row = `${head}1795349450.123,"${sampleOf(i, 1)}"]]}`;
  places.push(length + head.length);
  length += row.length;
  parts.push(row);
}
parts.push("]}}");
const body = Buffer.from(parts.join(""), "latin1");
parts.length = 0;

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    response.setHeader("X-Server-Hostname", "canned");
    const form = new URLSearchParams(Buffer.concat(pieces).toString());
    if (!form.get("query")?.endsWith("ms]"))
      return response.end('{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}');
    const time = Buffer.from(Number(form.get("time")).toFixed(3));
    for (const place of places) time.copy(body, place);
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" && address !== null ? address.port : 0);
});
