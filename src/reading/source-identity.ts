// Which server the source is: as configured, or found out from its responses.
import type { HttpClient } from "../http/http.ts";
import { apiUrl } from "../source/query.ts";
import { kindOfBuildInfo, type SourceKind, type SourceSign } from "../source/read.ts";
import type { SourceSettings } from "./source-port.ts";

const BUILD_INFO_BYTES = 16_384;

export class SourceIdentity {
  readonly #settings: SourceSettings;
  readonly #http: HttpClient;
  #kind: SourceKind;
  /** Its build was asked for: once until the server changes. */
  #asked = false;

  constructor(settings: SourceSettings, http: HttpClient) {
    this.#settings = settings;
    this.#http = http;
    this.#kind = settings.kind === "auto" ? "unknown" : settings.kind;
  }

  get kind(): SourceKind {
    return this.#kind;
  }

  /** Only with `auto`: a server that does not show itself as VictoriaMetrics is asked which build it is. */
  async identify(signal: AbortSignal): Promise<void> {
    if (this.#settings.kind !== "auto" || this.#kind !== "unknown" || this.#asked) return;
    const { url, headers, timeouts } = this.#settings;
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
    if (this.#settings.kind !== "auto" || !answered) return;
    if (sign.kind === "victoriametrics") this.#kind = "victoriametrics";
    else if (this.#kind === "victoriametrics") {
      this.#kind = "unknown"; // another server at the same address
      this.#asked = false;
    }
  }
}
