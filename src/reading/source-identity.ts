// Which server the source is: as configured, or found out from its responses.
import type { HttpClient, HttpTimeouts } from "../http/http.ts";
import { apiUrl } from "../source/query.ts";
import { kindOfBuildInfo, type SourceKind, type SourceSign } from "../source/read.ts";

/** How the source is addressed, and which server it is said to be. */
export type SourceAddress = {
  url: string;
  kind: "auto" | "victoriametrics" | "prometheus";
  headers: Record<string, string>;
  /** `totalMs`: of a read, or its interval where that is longer: one that takes longer could never keep up. */
  timeouts: HttpTimeouts;
};

const BUILD_INFO_BYTES = 16_384;

export class SourceIdentity {
  readonly #source: SourceAddress;
  readonly #http: HttpClient;
  #kind: SourceKind;
  /** Its build was asked for: once until the server changes. */
  #asked = false;

  constructor(source: SourceAddress, http: HttpClient) {
    this.#source = source;
    this.#http = http;
    this.#kind = source.kind === "auto" ? "unknown" : source.kind;
  }

  get kind(): SourceKind {
    return this.#kind;
  }

  /** Only with `auto`: a server that does not show itself as VictoriaMetrics is asked which build it is. */
  async identify(signal: AbortSignal): Promise<void> {
    if (this.#source.kind !== "auto" || this.#kind !== "unknown" || this.#asked) return;
    const { url, headers, timeouts } = this.#source;
    const sent = await this.#http.request({
      method: "GET",
      url: apiUrl(url, "status/buildinfo"),
      headers: { accept: "application/json", ...headers },
      timeouts,
      signal,
    });
    if (!sent.ok) return;
    this.#asked = true;
    const text = await sent.answer.text(BUILD_INFO_BYTES);
    if (sent.answer.status === 200) this.#kind = kindOfBuildInfo(text);
  }

  /** An error may be a proxy's, which says nothing of the server behind it: only `answered` counts. */
  learn(sign: SourceSign, answered: boolean): void {
    if (this.#source.kind !== "auto" || !answered) return;
    if (sign.kind === "victoriametrics") this.#kind = "victoriametrics";
    else if (this.#kind === "victoriametrics") {
      this.#kind = "unknown"; // another server at the same address
      this.#asked = false;
    }
  }
}
