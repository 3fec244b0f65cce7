// Secrets in, credentials or a refusal for each sink out. Values are never in a message. Pure but for the port.
import { Buffer } from "node:buffer";
import type { Files } from "../platform/files.ts";
import { PREFIX } from "./annotations.ts";
import type { PlacedSecret } from "./interpret.ts";
import type { Credentials, Policy, Problem, Refusal, Sink } from "./policy.ts";
import { sendAuth } from "./send-auth.ts";

/** Kubernetes' name for it. */
const BASIC_AUTH = "kubernetes.io/basic-auth";
/** More is no credential. */
const MAX_VALUE_BYTES = 65_536;

export type SecretValues = Record<string, string>;
/** The values of a Secret, or why there are none. */
export type FoundSecret = { values: SecretValues; warnings: Problem[] } | { refusal: Refusal };

export type SecretsOptions = {
  files: Files;
  secretsDir?: string | undefined;
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
  /** What to do about a Secret that is not there; absent: where files are looked for. */
  missingHint?: string;
};

/** Where the values of a Secret come from: documents in the policy paths, else a mounted directory. */
export class Secrets {
  readonly #documents = new Map<string, PlacedSecret>();
  readonly #broken: readonly string[];
  readonly #options: SecretsOptions;

  /** `broken`: `namespace/name` of documents that have problems of their own. */
  constructor(secrets: readonly PlacedSecret[], broken: readonly string[], options: SecretsOptions) {
    this.#options = options;
    this.#broken = broken;
    for (const secret of secrets) {
      const { namespace, name } = secret.document.metadata;
      const key = secretKey(namespace ?? "default", name);
      if (!this.#documents.has(key)) this.#documents.set(key, secret);
    }
  }

  /** Gives every sink whose Secrets are named its credentials or its refusal. */
  resolve(policy: Policy): { policy: Policy; problems: Problem[] } {
    const problems: Problem[] = [];
    const { auth, refusals } = sendAuth(policy, (name, keys) => {
      const found = this.find(
        policy.namespace,
        name,
        undefined,
        keys === "all" ? this.#keysOf(policy.namespace, name) : keys,
      );
      if ("values" in found) problems.push(...found.warnings);
      return found;
    });
    for (const { annotation, refusal } of refusals)
      problems.push({
        severity: this.#severity(refusal),
        place: policy.annotationPlaces?.[annotation] ?? policy.place,
        path: `metadata.annotations.${PREFIX}${annotation}`,
        message: sentenceToProblem(refusal.message),
      });
    const sinks = policy.sinks.map((given, i): Sink => {
      const sink = refusals[0] === undefined ? { ...given, ...auth } : { ...given, refusal: refusals[0].refusal };
      if (sink.secretName === undefined) return sink;
      const found = this.find(policy.namespace, sink.secretName, BASIC_AUTH, ["username", "password"]);
      const refusal = "refusal" in found ? found.refusal : basicRefusal(found.values, sink.secretName);
      if (refusal === undefined && "values" in found) {
        problems.push(...found.warnings);
        const { username = "", password = "" } = found.values;
        return { ...sink, credentials: { username, password } };
      }
      problems.push({
        severity: this.#severity(refusal!),
        place: sink.secretPlace,
        path: `spec.sinks[${i}].target.prometheusRemoteWrite.authentication.basicAuth.secretRef.name`,
        message: sentenceToProblem(refusal!.message),
      });
      return { ...sink, refusal: refusal! };
    });
    return { policy: { ...policy, sinks }, problems };
  }

  /** A Secret of the policy's own namespace, of `type` if one is given, with all of `keys`. */
  find(
    namespace: string,
    name: string,
    type: string | undefined,
    keys: readonly (keyof Credentials | string)[],
  ): FoundSecret {
    const id = secretKey(namespace, name);
    const secret = this.#documents.get(id);
    if (secret !== undefined) return fromDocument(secret, id, type, keys);
    const mounted = this.#mounted(namespace, name, keys);
    if (mounted !== undefined) return mounted;
    if (this.#broken.includes(id)) return refuse(`Secret ${id} is there, but has problems of its own: mend them.`);
    const other = [...this.#documents.values()].find((s) => s.document.metadata.name === name);
    const hint =
      other === undefined
        ? (this.#options.missingHint ?? "add it to the policy paths or to --secrets-dir")
        : `there is one in namespace ${other.document.metadata.namespace ?? "default"}, but it must be in the policy's own`;
    return refuse(`Secret ${id} was not found: ${hint}.`, "SecretNotFound");
  }

  /** All keys of a Secret. */
  #keysOf(namespace: string, name: string): string[] {
    const secret = this.#documents.get(secretKey(namespace, name))?.document;
    if (secret !== undefined)
      return [...new Set([...Object.keys(secret.data ?? {}), ...Object.keys(secret.stringData ?? {})])];
    const { secretsDir: dir, files } = this.#options;
    if (dir === undefined) return [];
    const folders = [`${dir}/${namespace}/${name}`, ...(namespace === "default" ? [`${dir}/${name}`] : [])];
    const names = folders.map((folder) => files.list(folder)).find((list) => list !== undefined) ?? [];
    return names.filter((key) => !key.startsWith("."));
  }

  #severity({ reason }: Refusal): Problem["severity"] {
    const { missingSecret = "warning", uselessSecret = "warning" } = this.#options;
    return reason === "SecretNotFound" ? missingSecret : uselessSecret;
  }

  /** `<dir>/<namespace>/<name>/<key>`, or `<dir>/<name>/<key>` for namespace default. */
  #mounted(namespace: string, name: string, keys: readonly string[]): FoundSecret | undefined {
    const { secretsDir: dir, files } = this.#options;
    if (dir === undefined) return undefined;
    const folders = [`${dir}/${namespace}/${name}`, ...(namespace === "default" ? [`${dir}/${name}`] : [])];
    const folder = folders.find((path) => keys.some((key) => files.info(`${path}/${key}`)?.kind === "file"));
    if (folder === undefined) return undefined;
    const values: SecretValues = {};
    for (const key of keys) {
      if (files.info(`${folder}/${key}`)?.kind !== "file") continue;
      const value = readValue(files, `${folder}/${key}`);
      if (value === undefined)
        return refuse(`Secret ${secretKey(namespace, name)}: its file ${key} cannot be read as UTF-8: mend it.`);
      values[key] = value;
    }
    const lacking = lacks(values, keys, secretKey(namespace, name), "files");
    return lacking === undefined ? { values, warnings: openFiles(files, folder, keys) } : { refusal: lacking };
  }
}

/** A trailing line feed is the editor's, not the password's. */
function readValue(files: Files, path: string): string | undefined {
  try {
    const bytes = files.read(path, MAX_VALUE_BYTES);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    return undefined;
  }
}

/** A volume of Kubernetes (it has ..data) is nobody else's, whatever its modes say. */
function openFiles(files: Files, folder: string, keys: readonly string[]): Problem[] {
  if (files.info(`${folder}/..data`) !== undefined) return [];
  return keys
    .map((key) => `${folder}/${key}`)
    .filter((file) => ((files.info(file)?.mode ?? 0) & 0o044) !== 0)
    .map((file) => ({
      severity: "warning",
      place: { file, line: 1, column: 1 },
      path: "",
      message: "holds a secret and is readable for group or others; chmod 600",
    }));
}

function fromDocument(
  secret: PlacedSecret,
  id: string,
  type: string | undefined,
  keys: readonly string[],
): FoundSecret {
  const { document } = secret;
  if (type !== undefined && document.type !== type)
    return refuse(`Secret ${id} must be of type ${type}: set its type.`);
  const values: SecretValues = {};
  for (const [key, encoded] of Object.entries(document.data ?? {})) {
    if (document.stringData?.[key] !== undefined) continue; // it wins
    const value = decoded(encoded);
    if (value !== undefined) values[key] = value;
    else if (keys.includes(key))
      return refuse(`Secret ${id}: data.${key} is not base64 of UTF-8 text: encode it, or use stringData.`);
  }
  Object.assign(values, document.stringData ?? {});
  const lacking = lacks(values, keys, id, "keys");
  return lacking === undefined ? { values, warnings: [] } : { refusal: lacking };
}

function decoded(encoded: string): string | undefined {
  const plain = encoded.replace(/\s/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(plain, "base64"));
  } catch {
    return undefined;
  }
}

function lacks(values: SecretValues, keys: readonly string[], id: string, what: "keys" | "files"): Refusal | undefined {
  const missing = keys.filter((key) => (values[key] ?? "") === "");
  if (missing.length === 0) return undefined;
  const needed =
    keys.length === 1 ? `the ${what.slice(0, -1)} ${keys[0]} is needed` : `${what} ${keys.join(" and ")} are needed`;
  return invalid(`Secret ${id} has no ${missing.join(" and no ")}: ${needed}.`);
}

const basicRefusal = ({ username = "" }: SecretValues, name: string): Refusal | undefined =>
  username.includes(":")
    ? invalid(`Secret ${name}: basic auth cannot carry a user name with a colon: use another.`)
    : undefined;

const invalid = (message: string): Refusal => ({ reason: "InvalidAuthentication", message });
const refuse = (message: string, reason: Refusal["reason"] = "InvalidAuthentication") => ({
  refusal: { reason, message },
});

/** A condition's sentence in the form of problems: `what is wrong; what to do`. */
const sentenceToProblem = (sentence: string): string => sentence.replace(/\.$/, "").replace(/: (?!.*: )/, "; ");

const secretKey = (namespace: string, name: string): string => `${namespace}/${name}`;
