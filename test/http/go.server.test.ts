// A server in Go (Prometheus) that wants a client certificate: Go says "bad certificate" to none, and to one that it does not know.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createHttpClient } from "../../src/http/client.ts";
import { createTls, type TlsOptions } from "../../src/http/connecting/tls.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { eventually } from "../servers/binary.ts";
import { createAuthority } from "../servers/certificates.ts";
import { needs, pathOf } from "../servers/found.ts";
import { freePort } from "../servers/servers.ts";

test(
  "a client certificate that is missing, or refused, is said to be ours",
  needs("prometheus", "openssl"),
  async () => {
    const ours = createAuthority();
    const other = createAuthority();
    const server = ours.sign("localhost");
    const port = await freePort();
    const web = `tls_server_config:\n  cert_file: ${server.cert}\n  key_file: ${server.key}\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ${ours.ca}\n`;
    writeFileSync(join(ours.dir, "web.yml"), web);
    writeFileSync(join(ours.dir, "prometheus.yml"), "global: {}\n");
    const prometheus = spawn(
      pathOf("prometheus")!,
      [
        `--config.file=${ours.dir}/prometheus.yml`,
        `--web.config.file=${ours.dir}/web.yml`,
        `--storage.tsdb.path=${ours.dir}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: "ignore" },
    );
    const ask = async (tls: TlsOptions): Promise<string> => {
      const http = createHttpClient({
        connectMs: 10_000,
        connections: 1,
        tls: createTls({ ca: ours.ca, ...tls }, systemFiles, () => {}),
      });
      const timeouts = { firstByteMs: 10_000, idleMs: 10_000 };
      const r = await http.request({
        method: "GET",
        url: `https://localhost:${port}/-/healthy`,
        headers: {},
        timeouts,
      });
      const said = r.ok ? await r.answer.text(100) : `${r.failure.kind}: ${r.failure.message}`;
      await http.close();
      return said;
    };
    try {
      await eventually(
        "it listens",
        () => ask(ours.sign("edge-1")),
        (said) => /is Healthy/.test(said),
        60_000,
      );
      assert.match(await ask({}), /^tls: the server asks for a client certificate, and outflow has none to show/);
      assert.match(
        await ask(other.sign("edge-1")),
        /^tls: the server does not accept our client certificate \((bad certificate|unknown ca)\): use one/,
      );
    } finally {
      prometheus.kill("SIGKILL");
      await new Promise((gone) => prometheus.once("exit", gone));
      ours.remove();
      other.remove();
    }
  },
);
