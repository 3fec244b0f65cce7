// Debian's nginx and tinyproxy on loopback, each in a folder of its own, in the foreground, for one test file.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually, tempDir } from "./binary.ts";
import { pathOf } from "./found.ts";
import { freePort } from "./servers.ts";

export type Front = {
  port: number;
  /** The access log's lines so far. */
  log(): string[];
  stop(): Promise<void>;
};

/** One server block; `$log` writes what `format` says for each request. */
export async function startNginx(server: string, format: string, http = ""): Promise<Front> {
  const { path: dir, remove } = tempDir();
  const port = await freePort();
  writeFileSync(
    join(dir, "nginx.conf"),
    `daemon off; master_process off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  log_format seen '${format}';
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${http}
  server { listen 127.0.0.1:${port} ${server.includes("ssl_certificate ") ? "ssl" : ""}; access_log ${dir}/access.log seen; ${server} }
}
`,
  );
  writeFileSync(join(dir, "access.log"), "");
  const child = spawn(pathOf("nginx")!, ["-c", join(dir, "nginx.conf"), "-p", dir, "-e", join(dir, "error.log")], {
    stdio: "ignore",
  });
  return front(child, port, join(dir, "access.log"), remove);
}

/** A forward proxy that asks for `user:password`, if given. */
export async function startTinyproxy(auth?: { user: string; password: string }): Promise<Front> {
  const { path: dir, remove } = tempDir();
  const port = await freePort();
  writeFileSync(
    join(dir, "tinyproxy.conf"),
    `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogFile "${dir}/log"\nLogLevel Connect\nAllow 127.0.0.1\nDisableViaHeader Yes\n${
      auth === undefined ? "" : `BasicAuth ${auth.user} ${auth.password}\n`
    }`,
  );
  writeFileSync(join(dir, "log"), "", { mode: 0o666 });
  const child = spawn(pathOf("tinyproxy")!, ["-d", "-c", join(dir, "tinyproxy.conf")], { stdio: "ignore" });
  return front(child, port, join(dir, "log"), remove);
}

async function front(child: ChildProcess, port: number, log: string, remove: () => void): Promise<Front> {
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  await eventually("a port that listens", () => listens(port), Boolean);
  return {
    port,
    log: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    async stop() {
      child.kill("SIGTERM");
      await ended;
      remove();
    },
  };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
