// The register in a real Kubernetes API server.
import { after, before, describe, test } from "node:test";
import { kubernetesRegister } from "../../src/fleet/kubernetes.ts";
import { openKubeApi } from "../../src/kubernetes/client/open.ts";
import { needsKubernetes } from "../servers/kubernetes/find.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/kubernetes.ts";
import { checkRegister } from "./register-contract.ts";

describe("the Kubernetes API", needsKubernetes(), () => {
  let kube: Kubernetes;
  before(async () => {
    if (!needsKubernetes().skip) kube = await startKubernetes();
  });
  after(() => kube?.remove());

  test("is a register", needsKubernetes(), async () => {
    const { api } = openKubeApi({ kubeconfig: kube.kubeconfig, env: {}, userAgent: "test", tell: () => {} });
    const register = kubernetesRegister({
      api,
      namespace: "default",
      fleet: "a",
      ttlMs: 15_000,
      now: () => Date.now(),
    });
    await checkRegister(register);
    // Another fleet in the same namespace sees nothing of it.
    const { signal } = new AbortController();
    const other = await kubernetesRegister({
      api,
      namespace: "default",
      fleet: "b",
      ttlMs: 15_000,
      now: () => Date.now(),
    }).list(signal);
    if (!other.ok || other.value.length > 0) throw new Error(JSON.stringify(other));
    await api.close();
  });
});
