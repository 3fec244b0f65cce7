// Certificates for one test, made by openssl in a folder of its own: an authority, and what it signs.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./binary.ts";

export type Pair = { cert: string; key: string };
export type Authority = {
  dir: string;
  ca: string;
  /** A certificate for a name; `days` may be negative: one that has expired. */
  sign(name: string, options?: { names?: string; expired?: boolean }): Pair;
  remove(): void;
};

export function createAuthority(): Authority {
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
  );
  let made = 0;
  return {
    dir,
    ca: join(dir, "ca.pem"),
    sign(name, { names = "DNS:localhost,IP:127.0.0.1", expired = false } = {}) {
      const file = `${name}-${made++}`;
      openssl("req", "-new", ...key, "-keyout", `${file}.key`, "-out", `${file}.csr`, "-subj", `/CN=${name}`);
      writeFileSync(
        join(dir, "ca.cnf"),
        `[ca]\ndefault_ca=d\n[d]\ndatabase=${dir}/index-${file}\nserial=${dir}/serial-${file}\nnew_certs_dir=${dir}\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=${names}\n`,
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
        "ca.pem",
        "-keyfile",
        "ca.key",
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
      return { cert: join(dir, `${file}.pem`), key: join(dir, `${file}.key`) };
    },
    remove,
  };
}
