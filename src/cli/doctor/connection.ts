// From the steps of a connection (http/probe.ts) to findings, for the source and for a sink. Pure.

import type { Certificate, Probed } from "../../http/connecting/probe.ts";
import type { HttpFailure } from "../../http/http.ts";
import type { EpochMs } from "../../platform/clock.ts";
import { age, instant, took } from "../../status/text/words.ts";
import type { Noted } from "./finding.ts";

/** Names of the settings that a remedy speaks of. */
export type Whose = { who: "source" | "sink"; address: "--source-url" | "endpoint" };

export const ofSource: Whose = { who: "source", address: "--source-url" };
export const ofSink: Whose = { who: "sink", address: "endpoint" };

const SOON_MS = 14 * 86_400_000;
const NAMED = 5;

/** Returns whether the connection stands. */
export function noteConnection(note: Noted, probed: Probed, url: URL, whose: Whose, now: EpochMs): boolean {
  const via = probed.proxy === undefined ? "" : ` of the proxy ${probed.proxy}`;
  const { failed } = probed;
  if (failed?.step === "dns") {
    const name = probed.proxy === undefined ? url.hostname : probed.proxy;
    note.fail("dns", `${name} does not resolve (${failed.failure.code}).`, dnsRemedy(probed, whose));
    return false;
  }
  note.ok(
    "dns",
    probed.addresses === undefined
      ? `the host${via} is an address`
      : `the name${via} resolves to ${probed.addresses.slice(0, NAMED).join(", ")}`,
  );
  if (failed?.step === "tcp") {
    const [message, remedy] = noTcp(failed.failure, url, probed.proxy, whose);
    note.fail("tcp", message, remedy);
    return false;
  }
  note.ok("tcp", `connected${via === "" ? "" : ` to the proxy ${probed.proxy}`} in ${took(probed.tcpMs ?? 0)}`);
  if (failed?.step === "tls") {
    const [message, remedy] = noTls(failed.failure, failed.certificate, url, whose);
    note.fail(failed.failure.kind === "proxy" ? "proxy" : "tls", message, remedy);
    return false;
  }
  if (probed.tls !== undefined) noteCertificate(note, probed.tls, now);
  return true;
}

function noteCertificate(note: Noted, { protocol, certificate }: NonNullable<Probed["tls"]>, now: EpochMs): void {
  if (certificate === undefined) return note.ok("tls", protocol);
  const { names, to, chain } = certificate;
  const text = `${protocol}, certificate of ${chain.join(" < ")}, for ${listed(names)}, valid until ${instant(to)}`;
  if (to - now > SOON_MS) return note.ok("tls", text);
  note.warn(
    "tls",
    `${text}: it expires in ${age(to - now)}`,
    "Renew the server's certificate before it expires; every write fails from then on.",
  );
}

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? "no name"
    : `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ""}`;

const dnsRemedy = ({ proxy }: Probed, { address }: Whose): string =>
  proxy === undefined
    ? `Correct the host name in ${address}, or make it resolve on this host (/etc/hosts, /etc/resolv.conf, the DNS server).`
    : "Correct the host name of the proxy (--proxy, --source-proxy or HTTPS_PROXY), or make it resolve on this host.";

function noTcp(failure: HttpFailure, url: URL, proxy: string | undefined, { who, address }: Whose): [string, string] {
  const where = proxy === undefined ? url.host : `the proxy ${proxy}`;
  switch (failure.kind) {
    case "refused":
      return [
        `connection refused by ${where} (${failure.code})`,
        `Start the ${proxy === undefined ? (who === "sink" ? "receiver" : "source") : "proxy"}, or correct the port in ${proxy === undefined ? address : "the proxy's address"}.`,
      ];
    case "forbidden":
      return [failure.message, "Name the host or its network with --allow-sink, or correct endpoint."];
    case "timeout":
      return [
        `no connection to ${where}: timed out`,
        `Allow this host to connect to ${where} in the firewalls and security groups on the way, or set a proxy (${who === "sink" ? "--proxy" : "--source-proxy"}).`,
      ];
    default:
      return [
        `no connection to ${where} (${failure.code})`,
        `Check the network and the routes from this host to ${where}.`,
      ];
  }
}

function noTls(
  { kind, code, message }: HttpFailure,
  certificate: Certificate | undefined,
  url: URL,
  { who, address }: Whose,
): [string, string] {
  const seen = certificate === undefined ? "" : ` The server shows the certificate of ${certificate.subject}`;
  const text = `${message}${seen}`;
  if (kind === "proxy")
    return [message, "Check the proxy, its credentials and its rules; or bypass it with NO_PROXY or --proxy off."];
  if (kind === "timeout")
    return [
      `the TLS handshake with ${url.host} timed out`,
      `Something accepts connections at ${url.host} and does not answer: check the port in ${address}, and firewalls and load balancers on the way.`,
    ];
  if (kind !== "tls")
    return [
      `the connection was closed in the TLS handshake (${code})`,
      `Check that ${url.host} serves TLS at this port, and any proxy or load balancer in between.`,
    ];
  if (code === "CERT_HAS_EXPIRED")
    return [
      `${text}${certificate && `, valid until ${instant(certificate.to)}`} (${code})`,
      "Renew the server's certificate; if it is still valid, correct the clock of this host.",
    ];
  if (code === "CERT_NOT_YET_VALID")
    return [
      `${text}${certificate && `, valid from ${instant(certificate.from)}`} (${code})`,
      "Correct the clock of this host or of the server.",
    ];
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return [
      `the certificate is not valid for ${url.hostname}: it is for ${listed(certificate?.names ?? [])} (${code})`,
      `Write one of the certificate's names into ${address}, or name it with --${who}-server-name.`,
    ];
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code))
    return [
      `the certificate is not signed by an authority that is trusted here (${code}).${seen}${certificate && `, issued by ${certificate.issuer}`}`,
      `Set --${who}-ca to a PEM file with the certificate of ${certificate?.issuer ?? "the server's authority"}, intermediate ones included.`,
    ];
  if (/certificate/i.test(message) && /client/i.test(message)) return [`${text} (${code})`, clientRemedy(who)];
  if (/plain http/.test(message)) return [`${text} (${code})`, `Write http:// into ${address}, or correct its port.`];
  return [
    `${text} (${code})`,
    `Compare the TLS settings of the server with --${who}-ca, --${who}-cert and --${who}-key.`,
  ];
}

export const clientRemedy = (who: "source" | "sink"): string =>
  `Set --${who}-cert and --${who}-key to a client certificate that the server's authority has signed, and its key.`;
