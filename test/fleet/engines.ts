// The engines of a real fleet: what agents are told, the register for those that look on, and what can happen to it.
import { readFileSync, writeFileSync } from "node:fs";
import { etcdRegister } from "../../src/fleet/etcd.ts";
import { kubernetesRegister } from "../../src/fleet/kubernetes.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { openKubeApi } from "../../src/kubernetes/client/open.ts";
import { type Etcd, startEtcd } from "../servers/etcd.ts";
import { startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import type { Engine } from "./cluster.ts";

export type RealEngine = Engine & {
  /** SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** kill -9, and again. */
  restart(): Promise<void>;
  remove(): Promise<void>;
};

export async function etcdEngine(): Promise<RealEngine & { etcd: Etcd }> {
  const etcd = await startEtcd();
  const http = createHttpClient({ connectMs: 2_000, connections: 4 });
  return {
    etcd,
    port: Number(new URL(etcd.url).port),
    flags: (port) => ["--fleet", "etcd", "--etcd-url", `http://127.0.0.1:${port}`],
    register: etcdRegister({ urls: [etcd.url], prefix: "/outflow/default/", http }),
    signal: (signal) => etcd.signal(signal),
    async restart() {
      await etcd.signal("SIGKILL");
      await etcd.start();
    },
    async remove() {
      await http.close();
      await etcd.remove();
    },
  };
}

export async function kubernetesEngine(ttlMs: number): Promise<RealEngine> {
  const kube = await startKubernetes();
  const { api } = openKubeApi({ kubeconfig: kube.kubeconfig, env: {}, userAgent: "outflow-test", tell: () => {} });
  return {
    port: kube.port,
    flags(port) {
      // The certificate is for the address, whatever the port.
      const path = `${kube.kubeconfig}.${port}`;
      writeFileSync(path, readFileSync(kube.kubeconfig, "utf8").replaceAll(`:${kube.port}`, `:${port}`));
      return ["--fleet", "kubernetes", "--fleet-namespace", "default", "--kubeconfig", path];
    },
    register: kubernetesRegister({ api, namespace: "default", fleet: "default", ttlMs, now: () => Date.now() }),
    signal: async (signal) => kube.signalApi(signal),
    async restart() {
      await kube.stopApi("SIGKILL");
      await kube.startApi();
    },
    async remove() {
      await api.close();
      await kube.remove();
    },
  };
}
