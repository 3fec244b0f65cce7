// Settings of Kubernetes mode: where policies are read from and reported to.
import { Option } from "commander";
import { booleanOption, list } from "./parsers.ts";

export type KubernetesSettings = {
  kubernetes: boolean;
  kubeconfig?: string;
  context?: string;
  namespace?: string[];
};

/** Where the API server is: for `check` too. */
export function clusterOptions(): Option[] {
  return [
    booleanOption(
      "--kubernetes",
      "read ExportPolicies and Secrets from the Kubernetes API server (run: and write their status)",
    ),
    new Option(
      "--kubeconfig <file>",
      "how the API server is reached (default: $KUBECONFIG, the service account of the pod, ~/.kube/config)",
    ).env("OUTFLOW_KUBECONFIG"),
    new Option("--context <name>", "context of the kubeconfig (default: its current one)").env("OUTFLOW_CONTEXT"),
    new Option("--namespace <name>", "namespace that policies are read from (repeatable; default: all)")
      .argParser(list)
      .env("OUTFLOW_NAMESPACE"),
  ];
}
