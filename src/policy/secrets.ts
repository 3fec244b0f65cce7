// Secrets in, credentials or a refusal for each sink out. Values are never in a message. Pure but for the port.
import { Buffer } from "node:buffer";
import type { Files } from "../platform/files.ts";
import type { PlacedSecret } from "./interpret.ts";
import type { Credentials, Policy, Problem, Refusal } from "./policy.ts";

/** Kubernetes' name for it. */
const BASIC_AUTH = "kubernetes.io/basic-auth";

type Found = { credentials: Credentials } | { refusal: Refusal };

/** Where the values of a Secret come from: documents in the policy paths, else a mounted directory. */
export class Secrets {
  readonly #documents = new Map<string, PlacedSecret>();
  readonly #dir: string | undefined;
  readonly #files: Files;

  constructor(secrets: readonly PlacedSecret[], dir: string | undefined, files: Files) {
    for (const secret of secrets)
      this.#documents.set(
        secretKey(secret.document.metadata.namespace ?? "default", secret.document.metadata.name),
        secret,
      );
    this.#dir = dir;
    this.#files = files;
  }

  /** Gives every sink that names a Secret its credentials or its refusal. */
  resolve(policy: Policy): { policy: Policy; problems: Problem[] } {
    const problems: Problem[] = [];
    const sinks = policy.sinks.map((sink, i) => {
      if (sink.secretName === undefined) return sink;
      const found = this.#find(policy.namespace, sink.secretName);
      if ("credentials" in found) return { ...sink, credentials: found.credentials };
      const path = `spec.sinks[${i}].target.prometheusRemoteWrite.authentication.basicAuth.secretRef`;
      problems.push({ severity: "warning", place: sink.place, path, message: found.refusal.message });
      return { ...sink, refusal: found.refusal };
    });
    return { policy: { ...policy, sinks }, problems };
  }

  #find(namespace: string, name: string): Found {
    const secret = this.#documents.get(secretKey(namespace, name));
    if (secret !== undefined) return fromDocument(secret, `${namespace}/${name}`);
    const mounted = this.#mounted(namespace, name);
    if (mounted !== undefined) return complete(mounted, `${namespace}/${name}`, "files");
    const other = [...this.#documents.values()].find((s) => s.document.metadata.name === name);
    const hint =
      other === undefined
        ? "add it to the policy paths or to --secrets-dir"
        : `there is one in namespace ${other.document.metadata.namespace ?? "default"}, but it must be in the policy's own`;
    return { refusal: { reason: "SecretNotFound", message: `Secret ${namespace}/${name} was not found: ${hint}.` } };
  }

  /** `<dir>/<namespace>/<name>/<key>`, or `<dir>/<name>/<key>` for namespace default. */
  #mounted(namespace: string, name: string): Partial<Credentials> | undefined {
    if (this.#dir === undefined) return undefined;
    const folders = [`${this.#dir}/${namespace}/${name}`, ...(namespace === "default" ? [`${this.#dir}/${name}`] : [])];
    const folder = folders.find(
      (path) =>
        this.#files.info(path)?.kind === "directory" &&
        (this.#files.info(`${path}/username`) ?? this.#files.info(`${path}/password`)) !== undefined,
    );
    if (folder === undefined) return undefined;
    const read = (key: string): { [K in string]: string } => {
      try {
        // A trailing line feed is the editor's, not the password's.
        return {
          [key]: Buffer.from(this.#files.read(`${folder}/${key}`))
            .toString("utf8")
            .replace(/\r?\n$/, ""),
        };
      } catch {
        return {};
      }
    };
    return { ...read("username"), ...read("password") };
  }
}

function fromDocument({ document }: PlacedSecret, name: string): Found {
  if (document.type !== BASIC_AUTH) {
    return {
      refusal: {
        reason: "InvalidAuthentication",
        message: `Secret ${name} must be of type ${BASIC_AUTH}; set its type.`,
      },
    };
  }
  const values: Record<string, string> = {};
  for (const [key, encoded] of Object.entries(document.data ?? {})) {
    const plain = encoded.replace(/\s/g, "");
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) {
      return {
        refusal: {
          reason: "InvalidAuthentication",
          message: `Secret ${name}: data.${key} is not base64; encode it, or use stringData.`,
        },
      };
    }
    values[key] = Buffer.from(plain, "base64").toString("utf8");
  }
  return complete({ ...values, ...(document.stringData ?? {}) }, name, "keys");
}

function complete(values: Partial<Credentials>, name: string, what: "keys" | "files"): Found {
  const { username, password } = values;
  if (username === undefined || password === undefined || username === "" || password === "") {
    const missing = [username, password]
      .map((value, i) => (value === undefined || value === "" ? ["username", "password"][i] : undefined))
      .filter(Boolean);
    return {
      refusal: {
        reason: "InvalidAuthentication",
        message: `Secret ${name} has no ${missing.join(" and no ")}: both ${what} are needed.`,
      },
    };
  }
  if (username.includes(":"))
    return {
      refusal: {
        reason: "InvalidAuthentication",
        message: `Secret ${name}: basic auth cannot carry a user name with a colon; use another.`,
      },
    };
  return { credentials: { username, password } };
}

const secretKey = (namespace: string, name: string): string => `${namespace}/${name}`;
