// What a failed connection itself does not tell: which certificate a server shows, and what the name of its host resolves to. An
// address in, one or two plain sentences out, not yet passed through printable(). Sends nothing. Never throws.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { connect } from "node:tls";

const WITHIN_MS = 5_000;

export async function diagnose(url: string, what: "certificate" | "name"): Promise<string> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (what === "name") return isIP(host) === 0 ? nameOf(host) : "";
  return protocol === "https:" ? certificateOf(host, port === "" ? 443 : Number(port)) : "";
}

async function nameOf(host: string): Promise<string> {
  try {
    const found = await lookup(host, { all: true });
    return `${host} resolves to ${found
      .map((f) => f.address)
      .slice(0, 5)
      .join(", ")}.`;
  } catch (error) {
    return `${host} does not resolve (${(error as { code?: string }).code ?? "unknown reason"}).`;
  }
}

function certificateOf(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false, // to look at it; nothing is sent
    });
    const done = (text: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(WITHIN_MS, () => done(""));
    socket.on("error", () => done(""));
    socket.on("secureConnect", () => {
      const { subject, issuer, valid_from, valid_to, subjectaltname } = socket.getPeerCertificate();
      if (subject === undefined || valid_to === undefined) return done("");
      const names =
        subjectaltname === undefined
          ? ""
          : `, for ${subjectaltname.replaceAll("DNS:", "").replaceAll("IP Address:", "")}`;
      done(
        `The server shows the certificate of ${distinguished(subject)}${names}, issued by ${distinguished(issuer)}, valid from ${day(valid_from)} to ${day(valid_to)}.`,
      );
    });
  });
}

const distinguished = (name: object | undefined): string =>
  Object.entries(name ?? {})
    .filter(([key]) => key === "CN" || key === "O")
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(", ") || "nobody";

/** `Feb  1 00:00:00 2025 GMT` as 2025-02-01. */
function day(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString().slice(0, 10);
}
