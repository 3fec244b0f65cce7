// One attempt: the exact headers of remote write 1.0 (rule 4), the endpoint exactly as the user gave it (rule 1), a bounded look at
// the answer.
import { Buffer } from "node:buffer";
import type { HttpAnswer, HttpClient, HttpFailureKind, HttpTimeouts } from "../http/http.ts";
import { wordsOf } from "../http/words.ts";
import type { Clock } from "../platform/clock.ts";
import { printable } from "../platform/printable.ts";
import { redactor, secretsInHeader } from "../platform/redact.ts";
import { judgeAnswer, judgeFailure, type Verdict } from "./judge.ts";

export type Target = {
  endpoint: string;
  credentials: { username: string; password: string } | undefined;
  bearer?: string | undefined;
  /** Of the policy, in lower case; the four of the protocol are not among them (rule 4). */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Values of headers that are secrets. */
  secrets?: readonly string[] | undefined;
  version: string;
  timeouts: HttpTimeouts;
};

/**
 * A write without samples (an empty WriteRequest in snappy): asks an endpoint whether it takes remote write at all, and stores
 * nothing. Receivers know such writes from Prometheus, which sends its metadata in them.
 */
export const NO_SAMPLES: Uint8Array = Uint8Array.of(0);

const ANSWER_BYTES = 4096;
const ANSWER_COLUMNS = 300;

export const basicAuth = (c: { username: string; password: string }): string =>
  `Basic ${Buffer.from(`${c.username}:${c.password}`, "utf8").toString("base64")}`;

/** Nothing of the request reached the receiver. */
const UNSENT: readonly HttpFailureKind[] = ["refused", "dns", "forbidden", "proxy"];

/**
 * `answered` false: the receiver may have taken the samples before, or not (502 and 504: a proxy speaks, which heard nothing from it; a
 * request that went out twice, the first time without a response).
 */
export async function post(
  http: HttpClient,
  clock: Clock,
  target: Target,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<{ verdict: Verdict; answered: boolean }> {
  const sent = await http.request({
    method: "POST",
    url: target.endpoint,
    headers: headersOf(target),
    body,
    timeouts: target.timeouts,
    signal,
  });
  if (!sent.ok)
    return {
      verdict: judgeFailure(sent.failure),
      answered: UNSENT.includes(sent.failure.kind) && sent.resent !== true,
    };
  const { answer } = sent;
  let text = "";
  let webPage = false;
  if (answer.status >= 200 && answer.status < 300) webPage = await isWebPage(answer);
  else {
    const said = await answer.text(ANSWER_BYTES);
    // Before and after: what is left of a page may have been apart in it.
    const covered = cover(target)(wordsOf(cover(target)(said, answer.cut)), answer.cut);
    text = printable(covered, ANSWER_COLUMNS);
  }
  const { status } = answer;
  const retryAfter = answer.headers["retry-after"];
  const location = locationOf(answer.headers.location, target);
  return {
    verdict: judgeAnswer({ status, text, retryAfter, location, noSamples: body === NO_SAMPLES, webPage }, clock.now()),
    answered: status !== 502 && status !== 504 && sent.resent !== true,
  };
}

const known = new WeakMap<Target, Readonly<Record<string, string>>>();

/** The same for each request of a target, and frozen, so that their head is written once. */
function headersOf(target: Target): Readonly<Record<string, string>> {
  let headers = known.get(target);
  if (headers === undefined) {
    const { credentials, bearer } = target;
    headers = Object.freeze({
      ...target.headers,
      "content-encoding": "snappy",
      "content-type": "application/x-protobuf",
      "user-agent": `outflow/${target.version}`,
      "x-prometheus-remote-write-version": "0.1.0",
      ...(credentials === undefined ? {} : { authorization: basicAuth(credentials) }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    });
    known.set(target, headers);
  }
  return headers;
}

/** Ends the response. A body without a type, or of plain text, is looked at. */
async function isWebPage(answer: HttpAnswer): Promise<boolean> {
  const type = answer.headers["content-type"] ?? "";
  if (answer.status === 204 || !(type === "" || /^text\//i.test(type))) {
    await answer.discard();
    return false;
  }
  return /^\s*<(!doctype html|html)\b/i.test(await answer.text(SNIFF_BYTES)) || /^text\/html\b/i.test(type);
}

const SNIFF_BYTES = 512;

/** Scheme, host and path only: a query or user info may carry a token. */
function locationOf(header: string | undefined, target: Target): string | undefined {
  if (header === undefined || !URL.canParse(header, target.endpoint)) return undefined;
  const { origin, pathname } = new URL(header, target.endpoint);
  return origin === "null" ? undefined : printable(cover(target)(`${origin}${pathname}`), ANSWER_COLUMNS);
}

/** Receivers that echo what they got, or its bytes in an encoding of theirs, must not bring a secret into a log or a status. */
const secretsOf = ({ credentials, bearer, secrets = [] }: Target): string[] => [
  ...(credentials === undefined ? [] : secretsInHeader(basicAuth(credentials))),
  ...(bearer === undefined ? [] : [bearer]),
  ...secrets.flatMap(secretsInHeader),
];

const covers = new WeakMap<Target, ReturnType<typeof redactor>>();

function cover(target: Target): ReturnType<typeof redactor> {
  const cover = covers.get(target) ?? redactor(secretsOf(target));
  covers.set(target, cover);
  return cover;
}
