// Certificates for one test, made by openssl in a folder of its own: an authority, and what it signs.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./binary.ts";

export type Pair = { cert: string; key: string };
export type Authority = {
  dir: string;
  ca: string;
  /** A certificate for a name; `days` may be negative: one that has expired. */
  sign(name: string, options?: { names?: string; expired?: boolean; extensions?: string }): Pair;
  /** An authority that this one has signed: what it signs comes with its own certificate behind. */
  intermediate(): Pick<Authority, "sign">;
  remove(): void;
};

/** `extension`: of the authority's own certificate. */
export function createAuthority(extension = ""): Authority {
  const { path: dir, remove } = tempDir();
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=outflow test authority",
    ...(extension === "" ? [] : ["-addext", extension]),
  );
  let made = 0;
  const signBy =
    (issuer: string): Authority["sign"] =>
    (name, { names = "DNS:localhost,IP:127.0.0.1", expired = false, extensions = "" } = {}) => {
      const file = `${name}-${made++}`;
      openssl("req", "-new", ...key, "-keyout", `${file}.key`, "-out", `${file}.csr`, "-subj", `/CN=${name}`);
      writeFileSync(
        join(dir, "ca.cnf"),
        `[ca]\ndefault_ca=d\n[d]\ndatabase=${dir}/index-${file}\nserial=${dir}/serial-${file}\nnew_certs_dir=${dir}\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=${names}\n${extensions}\n`,
      );
      writeFileSync(join(dir, `index-${file}`), "");
      writeFileSync(join(dir, `serial-${file}`), `${(0x1000 + made).toString(16)}\n`);
      const [from, to] = expired ? ["20200101000000Z", "20200102000000Z"] : ["20240101000000Z", "20490101000000Z"];
      openssl(
        "ca",
        "-batch",
        "-config",
        "ca.cnf",
        "-cert",
        `${issuer}.pem`,
        "-keyfile",
        `${issuer}.key`,
        "-in",
        `${file}.csr`,
        "-out",
        `${file}.pem`,
        "-notext",
        "-startdate",
        from,
        "-enddate",
        to,
      );
      const cert = join(dir, `${file}.pem`);
      if (issuer !== "ca")
        writeFileSync(cert, readFileSync(cert, "utf8") + readFileSync(join(dir, `${issuer}.pem`), "utf8"));
      return { cert, key: join(dir, `${file}.key`) };
    };
  return {
    dir,
    ca: join(dir, "ca.pem"),
    sign: signBy("ca"),
    intermediate() {
      const { cert } = signBy("ca")("below", { extensions: "basicConstraints=critical,CA:TRUE" });
      return { sign: signBy(cert.slice(dir.length + 1).replace(/\.pem$/, "")) };
    },
    remove,
  };
}
