// The bearer token of the admin API, from --admin-token-file.
import { readFileSync } from "node:fs";
import { StartError } from "./start-error.ts";

/** Read at each request, so that a rotated token needs no restart; while the file cannot be read, the last good one counts. */
export function adminToken(file: string): () => string {
  const read = () => readFileSync(file, "utf8").trim();
  let token: string;
  try {
    token = read();
  } catch (error) {
    throw new StartError(`cannot read --admin-token-file ${file} (${(error as { code?: string }).code}).`);
  }
  if (token.length < 8 || /\s/.test(token))
    throw new StartError(`--admin-token-file ${file}: must hold one token of at least 8 characters on one line.`);
  return () => {
    try {
      token = read() || token;
    } catch {
      // it is being replaced
    }
    return token;
  };
}
