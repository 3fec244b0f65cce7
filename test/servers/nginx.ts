// Debian's nginx on loopback, as an ordinary user, in a folder of its own. The server blocks are the test's and may be replaced.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathOf } from "./found.ts";

export type Nginx = {
  /** Other server blocks from now on. Requests under way are finished by the old ones. */
  reload(servers: string): void;
  stop(): Promise<void>;
};

export function startNginx(dir: string, servers: string): Nginx {
  const file = join(dir, "nginx.conf");
  mkdirSync(join(dir, "tmp"), { recursive: true });
  const write = (blocks: string) =>
    writeFileSync(
      file,
      `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log warn;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 64m;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/tmp/${name};`).join("\n  ")}
  limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
${blocks}
}
`,
    );
  write(servers);
  const child: ChildProcess = spawn(pathOf("nginx")!, ["-c", file, "-e", join(dir, "error.log")], { stdio: "inherit" });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  process.once("exit", () => child.kill("SIGKILL"));
  return {
    reload(blocks) {
      write(blocks);
      child.kill("SIGHUP");
    },
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
