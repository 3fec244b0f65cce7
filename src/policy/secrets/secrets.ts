// Secrets in, credentials or a refusal for each sink out. Values are never in a message. Pure but for the port.
import type { Files } from "../../platform/files.ts";
import { PREFIX } from "../annotations.ts";
import { secretId } from "../definitions.ts";
import type { PlacedSecret } from "../interpret.ts";
import type { Credentials, Policy, Problem, Refusal, Sink } from "../policy.ts";
import {
  BASIC_AUTH,
  documentProblems,
  documentValues,
  type FoundSecret,
  type SecretValues,
  valueProblem,
  withoutLineBreak,
} from "./secret-values.ts";
import { sendAuth } from "./send-auth.ts";

/** More is not a credential. */
const MAX_VALUE_BYTES = 65_536;

export type SecretsOptions = {
  files: Files;
  secretsDir?: string | undefined;
  missingSecret?: Problem["severity"];
  uselessSecret?: Problem["severity"];
  /** What to do about a Secret that is not there; absent: where files are looked for. */
  missingHint?(): string;
};

/** Where the values of a Secret come from: a mounted directory, else documents in the policy paths. */
export class Secrets {
  readonly #documents = new Map<string, PlacedSecret>();
  readonly #broken: readonly string[];
  readonly #options: SecretsOptions;

  /** `broken`: `namespace/name` of documents that have problems of their own. */
  constructor(secrets: readonly PlacedSecret[], broken: readonly string[], options: SecretsOptions) {
    this.#options = options;
    this.#broken = broken;
    for (const secret of secrets) this.put(secret);
  }

  put(secret: PlacedSecret): void {
    this.#documents.set(secretId(secret), secret);
  }

  /** `namespace/name`. */
  remove(id: string): void {
    this.#documents.delete(id);
  }

  /** What is wrong with the documents in themselves, and those that the mounted directory has too: it is the operator's, and counts. */
  problems(): Problem[] {
    return [...this.#documents].flatMap(([id, secret]) => {
      const { namespace, name } = secret.document.metadata;
      const folder = this.#folder(namespace ?? "default", name);
      if (folder === undefined) return documentProblems(secret, this.#options.uselessSecret ?? "warning");
      const message = `Secret ${id} is in --secrets-dir too (${folder}), which takes precedence; remove one of them`;
      return [{ severity: "problem", place: secret.place, path: "metadata.name", message }];
    });
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
    const mounted = this.#mounted(namespace, name, keys);
    if (mounted !== undefined) return mounted;
    const secret = this.#documents.get(id);
    if (secret !== undefined) return fromDocument(secret, id, type, keys);
    if (this.#broken.includes(id)) return refuse(`Secret ${id} exists, but has problems of its own: fix them.`);
    const other = [...this.#documents.values()].find((s) => s.document.metadata.name === name);
    const hint =
      other === undefined
        ? (this.#options.missingHint?.() ?? "add it to the policy files or to --secrets-dir")
        : `there is one in namespace ${other.document.metadata.namespace ?? "default"}, but it must be in the policy's own`;
    return refuse(`Secret ${id} was not found: ${hint}.`, "SecretNotFound");
  }

  /** All keys of a Secret. */
  #keysOf(namespace: string, name: string): string[] {
    const folder = this.#folder(namespace, name);
    if (folder !== undefined) return this.#keysIn(folder);
    const secret = this.#documents.get(secretKey(namespace, name));
    return secret === undefined ? [] : [...documentValues(secret).keys()];
  }

  #severity({ reason }: Refusal): Problem["severity"] {
    const { missingSecret = "warning", uselessSecret = "warning" } = this.#options;
    return reason === "SecretNotFound" ? missingSecret : uselessSecret;
  }

  /** `<dir>/<namespace>/<name>`, or `<dir>/<name>` for namespace default: where a Secret is mounted, if it is. */
  #folder(namespace: string, name: string): string | undefined {
    const { secretsDir: dir } = this.#options;
    if (dir === undefined) return undefined;
    const folders = [`${dir}/${namespace}/${name}`, ...(namespace === "default" ? [`${dir}/${name}`] : [])];
    return folders.find((folder) => this.#keysIn(folder).length > 0);
  }

  #keysIn(folder: string): string[] {
    const { files } = this.#options;
    return (files.list(folder) ?? []).filter(
      (key) => !key.startsWith(".") && files.info(`${folder}/${key}`)?.kind === "file",
    );
  }

  #mounted(namespace: string, name: string, keys: readonly string[]): FoundSecret | undefined {
    const { files } = this.#options;
    const folder = this.#folder(namespace, name);
    if (folder === undefined) return undefined;
    const id = secretKey(namespace, name);
    const values: SecretValues = {};
    for (const key of keys) {
      if (files.info(`${folder}/${key}`)?.kind !== "file") continue;
      const value = readValue(files, `${folder}/${key}`);
      if (value === undefined) return refuse(`Secret ${id}: its file ${key} cannot be read as UTF-8: correct it.`);
      values[key] = value;
    }
    const wrong = wrongIn(values, id, keys, "files");
    return wrong === undefined ? { values, warnings: openFiles(files, folder, keys) } : { refusal: wrong };
  }
}

function readValue(files: Files, path: string): string | undefined {
  try {
    const bytes = files.read(path, MAX_VALUE_BYTES);
    return withoutLineBreak(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
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
      message: "holds a secret and is readable for group or others; run chmod 600 on it",
    }));
}

function fromDocument(
  secret: PlacedSecret,
  id: string,
  type: string | undefined,
  keys: readonly string[],
): FoundSecret {
  if (type !== undefined && secret.document.type !== type)
    return refuse(`Secret ${id} must be of type ${type}: set its type.`);
  const values: SecretValues = {};
  for (const [key, value] of documentValues(secret)) {
    if (value !== undefined) values[key] = value;
    else if (keys.includes(key))
      return refuse(`Secret ${id}: data.${key} is not base64 of UTF-8 text: encode it, or use stringData.`);
  }
  const wrong = wrongIn(values, id, keys, "keys");
  return wrong === undefined ? { values, warnings: [] } : { refusal: wrong };
}

/** What is missing, or cannot be sent. */
function wrongIn(
  values: SecretValues,
  id: string,
  keys: readonly string[],
  what: "keys" | "files",
): Refusal | undefined {
  const lacking = lacks(values, keys, id, what);
  if (lacking !== undefined) return lacking;
  const problem = keys.map((key) => valueProblem(key, values[key] ?? "")).find((p) => p !== undefined);
  return problem === undefined ? undefined : invalid(`Secret ${id}: ${problem}`);
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
