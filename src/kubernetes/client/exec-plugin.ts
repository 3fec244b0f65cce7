// Credentials from a plugin, as kubectl runs it (client.authentication.k8s.io): a token or a client certificate, kept until it expires
// or the server refuses it. What the plugin prints never reaches a message.
import { AccessError } from "./access.ts";

export type ExecSpec = {
  apiVersion?: string;
  command?: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  interactiveMode?: string;
  provideClusterInfo?: boolean;
};

/** Runs a program and gives what it prints. Rejects with a code (ENOENT) or an exit status. */
export type RunPlugin = (command: string, args: readonly string[], env: Record<string, string>) => Promise<string>;

type Ports = {
  run: RunPlugin;
  now(): number;
  /** What provideClusterInfo hands over. */
  cluster: object;
  certificates(cert: string | undefined, key: string | undefined): void;
};

const GROUP = "client.authentication.k8s.io";
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`];
/** Renewed this long before it expires. */
const MARGIN_MS = 10_000;

export function execAuthorization(
  spec: ExecSpec,
  { run, now, cluster, certificates }: Ports,
): { authorization(): Promise<string | undefined>; rejected(): void } {
  const { command, apiVersion = `${GROUP}/v1` } = spec;
  if (command === undefined || command === "") throw new AccessError("the kubeconfig's exec plugin has no command");
  if (!VERSIONS.includes(apiVersion))
    throw new AccessError(
      `the exec plugin ${command} has apiVersion ${apiVersion}: ${VERSIONS.join(" or ")} is needed`,
    );
  if (spec.interactiveMode === "Always")
    throw new AccessError(`the exec plugin ${command} asks for a terminal (interactiveMode Always): outflow has none`);
  let header: string | undefined;
  let expiresAt: number | undefined;
  let running: Promise<string | undefined> | undefined;

  async function renew(): Promise<string | undefined> {
    const info = {
      apiVersion,
      kind: "ExecCredential",
      spec: { interactive: false, ...(spec.provideClusterInfo ? { cluster } : {}) },
    };
    const env = Object.fromEntries((spec.env ?? []).map(({ name, value }) => [name, value]));
    let printed: string;
    try {
      printed = await run(command!, spec.args ?? [], { ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) });
    } catch (error) {
      const { code } = error as { code?: string | number };
      const hint = code === "ENOENT" && spec.installHint !== undefined ? ` (${spec.installHint})` : "";
      throw new AccessError(`the exec plugin ${command} failed: ${code ?? "it was killed"}${hint}`);
    }
    const status = statusOf(printed, command!);
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
    if (token === undefined && (cert === undefined || key === undefined))
      throw new AccessError(`the exec plugin ${command} gave no token and no client certificate`);
    certificates(cert, key);
    const expires = expirationTimestamp === undefined ? Number.NaN : Date.parse(expirationTimestamp);
    expiresAt = Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
    header = token === undefined ? undefined : `Bearer ${token}`;
    return header;
  }

  return {
    async authorization() {
      if (expiresAt !== undefined && now() < expiresAt - MARGIN_MS) return header;
      running ??= renew().finally(() => {
        running = undefined;
      });
      return running;
    },
    rejected() {
      expiresAt = undefined;
    },
  };
}

type Credential = {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
};

function statusOf(printed: string, command: string): Credential {
  try {
    const { status } = JSON.parse(printed) as { status?: Credential };
    if (typeof status === "object" && status !== null) return status;
  } catch {
    // below
  }
  throw new AccessError(`the exec plugin ${command} printed no ExecCredential with a status`);
}
