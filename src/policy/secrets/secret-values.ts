// The values of a Secret, from a document or from files: what is sent of them, and what is wrong with them. Values are never in a message. Pure.
import { Buffer } from "node:buffer";
import type { PlacedSecret } from "../interpret.ts";
import type { Problem, Refusal } from "../policy.ts";

/** Kubernetes' name for it. */
export const BASIC_AUTH = "kubernetes.io/basic-auth";

export type SecretValues = Record<string, string>;
/** The values of a Secret, or why there are none. */
export type FoundSecret = { values: SecretValues; warnings: Problem[] } | { refusal: Refusal };

/** A line break at the end is the editor's or echo's, not the password's. */
export const withoutLineBreak = (text: string): string => text.replace(/\r?\n$/, "");

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** What is wrong with a value as it would be sent, as `…: what to do.` */
export const valueProblem = (key: string, value: string): string | undefined =>
  CONTROL.test(value)
    ? `the value of ${key} has a line break or another control character in it: remove it.`
    : undefined;

/** Of a document: each key's text without a last line break; undefined where it is not base64 of UTF-8. */
export function documentValues({ document }: PlacedSecret): Map<string, string | undefined> {
  const raw = new Map<string, string | undefined>();
  for (const [key, encoded] of Object.entries(document.data ?? {})) raw.set(key, decoded(encoded));
  for (const [key, text] of Object.entries(document.stringData ?? {})) raw.set(key, text); // it wins
  return new Map([...raw].map(([key, text]) => [key, text === undefined ? undefined : withoutLineBreak(text)]));
}

/**
 * What a document has wrong in itself, whether a policy names it or not. Of a Secret for basic auth everything; of another one what is not
 * text is left alone, since nothing says what it is for.
 */
export function documentProblems(secret: PlacedSecret, severity: Problem["severity"]): Problem[] {
  const { document, placeOf } = secret;
  const isBasic = document.type === BASIC_AUTH;
  const problems: Problem[] = [];
  const values = documentValues(secret);
  for (const [key, value] of values) {
    const ofText = document.stringData?.[key] !== undefined;
    const path = `${ofText ? "stringData" : "data"}.${shownKey(key)}`;
    const say = (message: string, how = severity) =>
      problems.push({ severity: how, place: placeOf(key), path, message });
    if (isBasic && key !== "username" && key !== "password") continue;
    if (value === undefined) {
      if (isBasic) say("is not base64 of UTF-8 text; encode it, or use stringData");
      continue;
    }
    const whole = ofText ? document.stringData![key]! : decoded(document.data![key]!)!;
    if (whole !== value)
      say("ends with a line break, which is not sent; encode it without one (printf, or echo -n)", "warning");
    const wrong = isBasic ? valueProblem(key, value) : undefined;
    if (wrong !== undefined) say("has a line break or another control character in it; remove it");
    else if (isBasic && value !== value.trim())
      say("begins or ends with white space, which is sent; remove it if it is not meant", "warning");
    if (isBasic && key === "username" && value.includes(":"))
      say("has a colon in it, which basic auth cannot carry; use another user name");
  }
  if (!isBasic) return problems;
  for (const key of ["username", "password"])
    if (values.get(key) === "" || !values.has(key))
      problems.push({
        severity,
        place: secret.place,
        path: "",
        message: `this Secret has no ${key}; basic auth needs username and password`,
      });
  return problems;
}

/** A key that nobody expects may be a password in the wrong place. */
const shownKey = (key: string): string => (/^(username|password|token)$/.test(key) ? key : "…");

function decoded(encoded: string): string | undefined {
  const plain = encoded.replace(/\s/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(plain, "base64"));
  } catch {
    return undefined;
  }
}
