// Settings of Kubernetes mode: where policies are read from and reported to.
import { InvalidArgumentError, Option } from "commander";
import { booleanOption } from "./parsers.ts";

export type KubernetesSettings = {
  kubernetes: boolean;
  kubeconfig?: string;
  context?: string;
  namespace?: string[];
  milo: "off" | "projects" | "control-planes";
  adopt: boolean;
};

function namespace(text: string, before: string[] | undefined): string[] {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError(`"${text}" is not a valid namespace; write a DNS label such as team-a.`);
  return [...(before ?? []), text];
}

/** Where the API server is: for `check` too. */
export function clusterOptions(): Option[] {
  return [
    booleanOption(
      "--kubernetes",
      "read ExportPolicies and Secrets from the Kubernetes API server (run: and write their status)",
    ),
    new Option(
      "--kubeconfig <file>",
      "kubeconfig file for the API server (default: $KUBECONFIG, the service account of the pod, ~/.kube/config)",
    ).env("OUTFLOW_KUBECONFIG"),
    new Option("--context <name>", "context of the kubeconfig (default: its current one)").env("OUTFLOW_CONTEXT"),
    new Option("--namespace <name>", "namespace that policies are read from (repeatable; default: all)")
      .argParser(namespace)
      .env("OUTFLOW_NAMESPACE"),
  ];
}

export function kubernetesOptions(): Option[] {
  return [
    ...clusterOptions(),
    new Option(
      "--milo <how>",
      "Milo: export the policies of each project, found by Project objects, or by ProjectControlPlane objects inside the platform",
    )
      .choices(["off", "projects", "control-planes"])
      .default("off")
      .env("OUTFLOW_MILO"),
    booleanOption(
      "--adopt",
      "remove the finalizer of the operator that outflow replaces from policies, so that they can be deleted",
    ),
  ];
}
