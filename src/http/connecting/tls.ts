// What a client trusts and shows of itself: the system's roots and those of the runtime, next to them a CA file; a client
// certificate. Files in, one TLS context out; made again when their content changes. What cannot be used leaves the last good one.
import { createPrivateKey, X509Certificate } from "node:crypto";
import tls from "node:tls";
import type { Files } from "../../platform/files.ts";
import { sha256 } from "../../platform/hash.ts";
import { type WatchedFile, watchedFile } from "../../platform/watched-file.ts";

export type TlsOptions = {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** Asked for and checked in place of the host in the URL. */
  serverName?: string | undefined;
  /** Nothing of the server's certificate is checked. */
  insecure?: boolean | undefined;
  /** Only `ca` is trusted, not the system's roots (a Kubernetes API server). */
  onlyCa?: boolean | undefined;
};

export type Tls = {
  /** Another content of the files has another version. */
  version(): string;
  context(): tls.SecureContext;
  serverName: string | undefined;
  insecure: boolean;
  /** A client certificate is shown to whoever asks for one. */
  hasCertificate: boolean;
};

export class TlsFilesError extends Error {}

/** Throws TlsFilesError if the files cannot be used. */
export function createTls(options: TlsOptions, files: Files, tell: (message: string) => void): Tls {
  const watched = (["ca", "cert", "key"] as const).map((what) => open(options[what], files, tell));
  const [ca, cert, key] = watched;
  if ((cert === undefined) !== (key === undefined))
    throw new TlsFilesError("a client certificate needs its key, and a key its certificate");
  let seen = "";
  let used = "";
  let context: tls.SecureContext | undefined;
  const look = (): void => {
    const texts = watched.map((file) => file?.text());
    const hash = watched.some((file) => file !== undefined) ? sha256(JSON.stringify(texts)) : "none";
    if (hash === seen) return;
    seen = hash;
    try {
      check(texts[0], texts[1], texts[2]);
      // The roots are parsed by the first connection: most agents read and send in plain text on loopback.
      context = ca === undefined && cert === undefined ? undefined : make(texts);
      used = hash;
    } catch (error) {
      const named = [options.ca, options.cert, options.key].filter((path) => path !== undefined).join(", ");
      const message = `${named}: ${(error as Error).message}`;
      if (used === "") throw new TlsFilesError(message);
      tell(`cannot use the new content of ${message}; the previous content stays in use.`);
    }
  };
  look();
  return {
    version() {
      look();
      return used;
    },
    context: () => (context ??= make([])),
    serverName: options.serverName,
    insecure: options.insecure ?? false,
    hasCertificate: options.cert !== undefined,
  };

  function make([caText, certText, keyText]: readonly (string | undefined)[]): tls.SecureContext {
    return tls.createSecureContext({
      ca: caText === undefined ? roots() : options.onlyCa ? [caText] : [...roots(), caText],
      ...(certText === undefined || keyText === undefined ? {} : { cert: certText, key: keyText }),
      minVersion: "TLSv1.2",
    });
  }
}

function open(path: string | undefined, files: Files, tell: (message: string) => void): WatchedFile | undefined {
  if (path === undefined) return undefined;
  try {
    return watchedFile(path, files, tell);
  } catch (error) {
    throw new TlsFilesError(`cannot read ${path} (${(error as { code?: string }).code ?? "not UTF-8"})`);
  }
}

/** Not every runtime refuses what is not a certificate: a trust that silently lacks its CA would be found at the first connection. */
function check(ca: string | undefined, cert: string | undefined, key: string | undefined): void {
  for (const text of [ca, cert]) {
    if (text === undefined) continue;
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw new Error("holds no PEM certificate");
    for (const block of blocks) new X509Certificate(block);
  }
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error("the key is not the certificate's");
}

let known: string[] | undefined;

/** The host's own store, and what the runtime trusts on its own (with NODE_EXTRA_CA_CERTS). */
function roots(): string[] {
  known ??= [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])];
  return known;
}
