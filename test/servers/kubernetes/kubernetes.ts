// A real Kubernetes API server (the generic control plane: CRDs, RBAC, Secrets, Events; no pods) with Debian's etcd, on loopback.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { eventually } from "../binary.ts";
import { pathOf } from "../found.ts";
import { freePort } from "../servers.ts";
import { apiServerPath } from "./find.ts";

export type Answer = { status: number; body: Record<string, unknown> & { message?: string } };

/** A service account's token in a kubeconfig with a token file. */
export type Account = { kubeconfig: string; renew(seconds?: number): Promise<void> };

export type Kubernetes = {
  url: string;
  port: number;
  dir: string;
  /** A kubeconfig of an administrator. */
  kubeconfig: string;
  /** As an administrator. `type`: of the body. */
  ask(method: string, path: string, body?: object | string, type?: string): Promise<Answer>;
  /** Server-side apply of each document; fails where one is refused. */
  apply(yaml: string): Promise<void>;
  /** kubectl apply -f, with what is left of a file's documents of kinds that this server has. */
  applyFile(path: string): Promise<void>;
  /** `renew` of what it returns writes another token. */
  serviceAccount(namespace: string, name: string, seconds?: number): Promise<Account>;
  /** The server's certificate is signed by another CA, and the CA file of the kubeconfigs changes with it. */
  rotateCa(): void;
  stopApi(signal?: NodeJS.Signals): Promise<void>;
  startApi(): Promise<void>;
  stopEtcd(signal?: NodeJS.Signals): Promise<void>;
  startEtcd(): Promise<void>;
  signalApi(signal: NodeJS.Signals): void;
  /** etcd forgets every version but the newest. */
  compact(): void;
  remove(): Promise<void>;
};

/** What openssl makes fastest. */
const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export async function startKubernetes(flags: string[] = []): Promise<Kubernetes> {
  const dir = mkdtempSync(join(tmpdir(), "outflow-kube-"));
  const [port, etcdPort, peerPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `https://127.0.0.1:${port}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const at = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const authority = () => {
    openssl(...`req -x509 ${KEY} -days 30 -keyout ca.key -out ca.new -subj`.split(" "), "/CN=outflow test");
    writeFileSync(at("ca.crt"), readFileSync(at("ca.new")));
  };
  const sign = (name: string, subject: string, extension: string) => {
    writeFileSync(at(`${name}.ext`), extension);
    openssl(...`req -new ${KEY}`.split(" "), "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
    openssl(
      ..."x509 -req -days 30 -CA ca.crt -CAkey ca.key -CAcreateserial".split(" "),
      ...["-in", `${name}.csr`, "-out", `${name}.crt`, "-extfile", `${name}.ext`],
    );
  };
  const certificates = () => {
    authority();
    sign("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost");
    sign("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth");
  };
  certificates();
  openssl(..."ecparam -name prime256v1 -genkey -noout -out sa.key".split(" "));
  openssl(..."ec -in sa.key -pubout -out sa.pub".split(" "));

  const kubeconfigOf = (file: string, user: string): string => {
    writeFileSync(
      at(file),
      `apiVersion: v1
kind: Config
current-context: test
clusters: [{ name: test, cluster: { server: "${url}", certificate-authority: ca.crt } }]
users: [{ name: test, user: { ${user} } }]
contexts: [{ name: test, context: { cluster: test, user: test } }]
`,
    );
    return at(file);
  };
  const kubeconfig = kubeconfigOf("admin.conf", "client-certificate: admin.crt, client-key: admin.key");

  let etcd: ChildProcess | undefined;
  let api: ChildProcess | undefined;
  const start = (program: string, log: string, args: string[]): ChildProcess => {
    const out = openSync(at(log), "a");
    const child = spawn(program, args, { cwd: dir, stdio: ["ignore", out, out] });
    children.add(child);
    return child;
  };
  const stop = async (child: ChildProcess | undefined, signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
    children.delete(child);
  };
  const log = (file: string) => readFileSync(at(file), "utf8").slice(-2_000);
  const startEtcd = async () => {
    etcd = start(pathOf("etcd")!, "etcd.log", [
      ...["--data-dir", at("etcd"), "--listen-client-urls", etcdUrl, "--advertise-client-urls", etcdUrl],
      ...["--listen-peer-urls", `http://127.0.0.1:${peerPort}`, "--initial-advertise-peer-urls"],
      ...[`http://127.0.0.1:${peerPort}`, "--initial-cluster", `default=http://127.0.0.1:${peerPort}`],
      ...["--unsafe-no-fsync"],
    ]);
    await eventually(
      `etcd: ${log("etcd.log")}`,
      () =>
        fetch(`${etcdUrl}/health`).then(
          (r) => r.ok,
          () => false,
        ),
      Boolean,
    );
  };
  const startApi = async () => {
    api = start(apiServerPath(), "api.log", [
      `--etcd-servers=${etcdUrl}`,
      "--etcd-prefix=/registry",
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      ...["--tls-cert-file=server.crt", "--tls-private-key-file=server.key", "--client-ca-file=ca.crt"],
      ...["--service-account-key-file=sa.pub", "--service-account-signing-key-file=sa.key"],
      ...["--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC"],
      ...flags,
    ]);
    // Ready is said before all paths of CRDs are known.
    await eventually(
      "the API server is ready",
      async () => (await ask("GET", "/readyz")).status,
      (status) => status === 200,
      120_000,
    );
  };
  const ask = async (
    method: string,
    path: string,
    body?: object | string,
    type = "application/json",
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": type },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      // A connection each time: the server is killed and frozen, and its certificate changes.
      keepalive: false,
      tls: { ca: readFileSync(at("ca.crt")), cert: readFileSync(at("admin.crt")), key: readFileSync(at("admin.key")) },
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    let parsed: Answer["body"] = {};
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = { message: text };
    }
    return { status: response.status, body: parsed };
  };

  const pathOfObject = (object: {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string };
  }) => {
    const { apiVersion, kind, metadata } = object;
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const plural = `${kind.toLowerCase().replace(/y$/, "ie")}s`;
    const clustered = /^(Namespace|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|Project)$/.test(kind);
    return `${base}${clustered ? "" : `/namespaces/${metadata.namespace ?? "default"}`}/${plural}/${metadata.name}`;
  };
  /** Kinds that need more than the generic control plane. */
  const FOREIGN = /^(Deployment|PodDisruptionBudget|NetworkPolicy|Service|ServiceMonitor|Kustomization)$/;
  const applyAll = async (yaml: string, leaveOut = false) => {
    for (const document of parseAllDocuments(yaml, { merge: true })) {
      const object = document.toJS() as Parameters<typeof pathOfObject>[0] | null;
      if (object === null || (leaveOut && FOREIGN.test(object.kind))) continue;
      const path = `${pathOfObject(object)}?fieldManager=test&force=true`;
      const patch = () => ask("PATCH", path, object, "application/apply-patch+yaml");
      const answer = await eventually(path, patch, ({ status }) => status !== 404);
      if (answer.status > 201) throw new Error(`${path}: ${answer.status} ${answer.body.message}`);
      if (object.kind !== "CustomResourceDefinition") continue;
      const { group } = (object as unknown as { spec: { group: string } }).spec;
      await eventually(
        `the API has ${group}`,
        () => ask("GET", `/apis/${group}/v1alpha1`),
        ({ status }) => status === 200,
      );
    }
  };

  await startEtcd();
  await startApi();
  return {
    url,
    port,
    dir,
    kubeconfig,
    ask,
    apply: (yaml) => applyAll(yaml),
    applyFile: (path) => applyAll(readFileSync(path, "utf8"), true),
    async serviceAccount(namespace, name, seconds = 3600) {
      const file = `${namespace}-${name}-${seconds}`;
      mkdirSync(at(file), { recursive: true });
      const renew = async (lifetime = seconds) => {
        const made = await ask("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: { expirationSeconds: lifetime },
        });
        const { token } = (made.body.status ?? {}) as { token?: string };
        if (token === undefined) throw new Error(`no token: ${made.status} ${made.body.message}`);
        writeFileSync(at(`${file}/token`), token);
      };
      await renew();
      return { kubeconfig: kubeconfigOf(`${file}.conf`, `tokenFile: ${file}/token`), renew };
    },
    rotateCa: certificates,
    stopApi: (signal = "SIGTERM") => stop(api, signal),
    startApi,
    stopEtcd: (signal = "SIGTERM") => stop(etcd, signal),
    startEtcd,
    signalApi: (signal) => void api?.kill(signal),
    compact() {
      const etcdctl = (...args: string[]) =>
        execFileSync("etcdctl", ["--endpoints", etcdUrl, ...args], {
          encoding: "utf8",
          env: { ...process.env, ETCDCTL_API: "3" },
        });
      const [{ Status }] = JSON.parse(etcdctl("endpoint", "status", "-w", "json")) as [
        { Status: { header: { revision: number } } },
      ];
      etcdctl("compact", String(Status.header.revision));
    },
    async remove() {
      // The API server hangs if its etcd is gone first.
      await stop(api, "SIGKILL");
      await stop(etcd, "SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
