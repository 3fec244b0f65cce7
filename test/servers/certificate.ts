// Self-signed certificates for 127.0.0.1 and localhost with dates of the test's choice, made by openssl.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Certificate = { key: string; cert: string };

/** `from`, `to`: days from now. All of one `dir` have the same key. */
export function certificate(dir: string, name: string, from: number, to: number): Certificate {
  const home = join(dir, `ca-${name}`);
  mkdirSync(home, { recursive: true });
  const at = (file: string) => join(home, file);
  writeFileSync(at("index.txt"), "");
  writeFileSync(at("serial"), "01\n");
  writeFileSync(
    at("openssl.cnf"),
    `[ca]
default_ca = d
[d]
dir = ${home}
database = ${at("index.txt")}
serial = ${at("serial")}
new_certs_dir = ${home}
default_md = sha256
policy = p
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = DNS:localhost, IP:127.0.0.1
basicConstraints = CA:TRUE
[req]
distinguished_name = dn
prompt = no
[dn]
CN = ${name}.example
`,
  );
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const date = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, "");
  openssl(
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    at("key.pem"),
    "-out",
    at("csr.pem"),
    "-config",
    at("openssl.cnf"),
  );
  openssl(
    "ca",
    "-batch",
    "-notext",
    "-config",
    at("openssl.cnf"),
    "-selfsign",
    "-keyfile",
    at("key.pem"),
    "-in",
    at("csr.pem"),
    "-out",
    at("cert.pem"),
    "-startdate",
    date(from),
    "-enddate",
    date(to),
  );
  return { key: at("key.pem"), cert: at("cert.pem") };
}

export const bundle = (dir: string, certificates: readonly Certificate[]): string => {
  const file = join(dir, "authorities.pem");
  writeFileSync(file, certificates.map((c) => readFileSync(c.cert, "utf8")).join("\n"));
  return file;
};
