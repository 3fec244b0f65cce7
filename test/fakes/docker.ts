// Stands in for Docker where a page is walked: `build` makes of a Dockerfile a directory with its files, user, environment and command,
// and `run`, `exec` and `stop` start them there by chroot in a mount namespace of their own, with the volumes that are given. What it does
// not know of a Dockerfile or a command line is an error. Its files are in FAKE_DOCKER_DIR; needs root.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

type Image = {
  user: { name: string; uid: number };
  env: Record<string, string>;
  entrypoint: string[];
  command: string[];
};
type Container = { image: string; env: Record<string, string>; stopSeconds: number };

const home = process.env.FAKE_DOCKER_DIR!;
const [command, ...words] = process.argv.slice(2);
const saved = <T>(...path: string[]): T => JSON.parse(readFileSync(join(home, ...path), "utf8")) as T;
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

switch (command) {
  case "build":
    build();
    break;
  case "run":
    await run();
    break;
  case "exec":
    exec();
    break;
  case "stop":
    await stop();
    break;
  default:
    throw new Error(`docker ${command}: not known here`);
}

/** The words after the options; each option takes a value but those in `flags`. */
function options(flags: string[]): { given: [string, string][]; rest: string[] } {
  const given: [string, string][] = [];
  let i = 0;
  for (; words[i]?.startsWith("-"); i++)
    given.push(flags.includes(words[i]!) ? [words[i]!, ""] : [words[i]!, words[++i]!]);
  return { given, rest: words.slice(i) };
}

function build(): void {
  const { given, rest } = options([]);
  const { "-f": file = "Dockerfile", "-t": tag = "" } = Object.fromEntries(given);
  const root = join(home, "images", tag, "root");
  for (const path of ["etc", "proc", "dev", "tmp", "run", "usr/local/bin"])
    mkdirSync(join(root, path), { recursive: true });
  const image: Image = { user: { name: "root", uid: 0 }, env: {}, entrypoint: [], command: [] };
  const users = new Map<string, number>();
  for (const line of readFileSync(file, "utf8").replaceAll("\\\n", " ").split("\n")) {
    const [, keyword = "", text = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (/^(FROM|EXPOSE|VOLUME)$/.test(keyword) || line.trim() === "" || line.startsWith("#")) continue;
    if (keyword === "RUN") {
      for (const step of text.split("&&").map((part) => part.trim())) {
        const [, uid, name] = /^useradd --system --uid (\d+) (\w+)$/.exec(step) ?? [];
        const [, owner, mode, path] = /^install -d -o (\w+) -m (\d+) (\/\S+)$/.exec(step) ?? [];
        if (name !== undefined) users.set(name, Number(uid));
        else if (path !== undefined) {
          mkdirSync(join(root, path), { recursive: true });
          chmodSync(join(root, path), Number.parseInt(mode!, 8));
          chownSync(join(root, path), users.get(owner!)!, users.get(owner!)!);
        } else if (!/^(apt-get |rm -rf \/var\/lib\/apt)/.test(step)) throw new Error(`RUN ${step}: not known here`);
      }
    } else if (keyword === "COPY") {
      const [from, to] = text.split(" ");
      cpSync(join(rest[0]!, from!), join(root, to!), { dereference: true });
      for (const [library] of execFileSync("ldd", [join(root, to!)], { encoding: "utf8" }).matchAll(/\/lib\S+/g))
        cpSync(library, join(root, library), { dereference: true });
    } else if (keyword === "USER") image.user = { name: text, uid: users.get(text)! };
    else if (keyword === "ENV") image.env[text.slice(0, text.indexOf("="))] = text.slice(text.indexOf("=") + 1);
    else if (keyword === "ENTRYPOINT") image.entrypoint = JSON.parse(text) as string[];
    else if (keyword === "CMD") image.command = JSON.parse(text) as string[];
    else throw new Error(`${keyword}: not known here`);
  }
  writeFileSync(join(home, "images", tag, "image.json"), JSON.stringify(image));
}

/** With nothing but `env` as the environment, in the image's files, as its user. */
function inside(root: string, { user }: Image, env: Record<string, string>, command: string[]): string[] {
  const set = Object.entries({ PATH: "/usr/local/bin:/usr/bin:/bin", HOME: `/home/${user.name}`, ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return ["/usr/bin/env", "-i", ...set, "/usr/sbin/chroot", `--userspec=${user.uid}:${user.uid}`, root, ...command];
}

async function run(): Promise<void> {
  const { given, rest } = options(["-d"]);
  const [tag = "", ...args] = rest;
  const image = saved<Image>("images", tag, "image.json");
  const root = join(home, "images", tag, "root");
  const container: Container = { image: tag, env: { ...image.env }, stopSeconds: 10 };
  const mounts = ["proc", "dev"].map((name) => `mount --rbind /${name} ${quoted(join(root, name))}`);
  let name = tag;
  for (const [flag, value] of given) {
    if (flag === "--name") name = value;
    else if (flag === "--stop-timeout") container.stopSeconds = Number(value);
    else if (flag === "-e") container.env[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
    else if (flag === "-v") mounts.push(...mounted(root, value));
    else if (flag !== "-d" && flag !== "-p") throw new Error(`docker run ${flag}: not known here`);
  }
  const dir = join(home, "containers", name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "container.json"), JSON.stringify(container));
  const command = inside(root, image, container.env, [
    ...image.entrypoint,
    ...(args.length > 0 ? args : image.command),
  ]);
  const script = `${[...mounts, `exec ${command.map(quoted).join(" ")}`].join(" && ")}`;
  // The first process of the container has the number of unshare: it ends with the signal that stop sends.
  const outer = `cd ${quoted(dir)}; unshare --mount bash -c ${quoted(script)} > log 2>&1 & echo $! > pid; wait $!; echo $? > exit`;
  spawn("bash", ["-c", outer], { detached: true, stdio: "ignore" }).unref();
  while (!existsSync(join(dir, "pid"))) await new Promise((done) => setTimeout(done, 10));
}

/** A named volume is made with the owner that the image gives to the directory. */
function mounted(root: string, volume: string): string[] {
  const [from = "", to = "", how] = volume.split(":");
  const target = join(root, to);
  const source = /^[./]/.test(from) ? resolve(from) : join(home, "volumes", from);
  if (/^[./]/.test(from) && !existsSync(source)) throw new Error(`docker run -v ${volume}: ${source} does not exist`);
  if (!existsSync(source)) {
    mkdirSync(source, { recursive: true });
    const { uid, gid, mode } = statSync(target);
    chownSync(source, uid, gid);
    chmodSync(source, mode);
  }
  mkdirSync(dirname(target), { recursive: true });
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else writeFileSync(target, "");
  const bind = `mount --bind ${quoted(source)} ${quoted(target)}`;
  return how === "ro" ? [bind, `mount -o remount,bind,ro ${quoted(target)}`] : [bind];
}

function exec(): void {
  const [name = "", ...args] = options([]).rest;
  const { image: tag, env } = saved<Container>("containers", name, "container.json");
  const image = saved<Image>("images", tag, "image.json");
  const pid = readFileSync(join(home, "containers", name, "pid"), "utf8").trim();
  const command = inside(join(home, "images", tag, "root"), image, env, args);
  process.exitCode = spawnSync("nsenter", ["--mount", "--target", pid, ...command], { stdio: "inherit" }).status ?? 1;
}

async function stop(): Promise<void> {
  const [name = ""] = words;
  const dir = join(home, "containers", name);
  const { stopSeconds } = saved<Container>("containers", name, "container.json");
  const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
  process.kill(pid, "SIGTERM");
  const killAt = performance.now() + stopSeconds * 1000;
  while (!existsSync(join(dir, "exit")) && performance.now() < killAt)
    await new Promise((done) => setTimeout(done, 20));
  if (!existsSync(join(dir, "exit"))) process.kill(pid, "SIGKILL");
}
