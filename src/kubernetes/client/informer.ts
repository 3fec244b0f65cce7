// The objects of one resource as the API server has them: listed in pages, then watched. Reconnects, whatever ends the watch:
// a version that is too old, a silent connection, a server that is away. What is known stays while it is away.
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { withAny } from "../../platform/signals.ts";
import type { ApiFailure, KubeApi, KubeObject, Resource, Result, WatchEvent, Where } from "./api.ts";
import type { JoinWatches, WatchTurn } from "./watches.ts";

export type InformerOptions<T extends KubeObject> = {
  api: KubeApi;
  resource: Resource;
  at: Where;
  fieldSelector?: string;
  /** How long each watch runs; one that is deaf is found a second later. */
  watches: JoinWatches;
  clock: Clock;
  random: Random;
  /** `object` undefined: it no longer exists. Only for another resourceVersion than before. */
  onChange(key: string, object: T | undefined): void;
  /** All there is has been told; after each list. */
  onSynced(): void;
  /** Undefined: it works again. Told on change, and where the failure is another one. */
  onFailure(failure: ApiFailure | undefined): void;
};

const PAGE_OBJECTS = 100;
/** The next watch continues where a deaf one stopped: one that is given up too early costs a connection, nothing else. */
const DEAF_AFTER_MS = 1_000;
const FIRST_BACKOFF_MS = 200;
/** With the timeouts of the client: a server that is back is found within five seconds. */
const LONGEST_BACKOFF_MS = 1_600;
/** What only a person can change is asked for less often. */
const FORBIDDEN_BACKOFF_MS = 4_000;
const LONGEST_WAIT_MS = 30_000;

/** `namespace/name`; the name alone where there is no namespace. */
export const keyOf = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace === undefined ? `${name}` : `${namespace}/${name}`;

export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  /** Key to uid and resourceVersion. */
  readonly #known = new Map<string, string>();
  #relist = new AbortController();
  #renew = new AbortController();
  /** When a watch broke off, or was found deaf, and none has begun since (monotonic). */
  #brokenMs: number | undefined;
  #failures = 0;
  #failing: string | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  /** Lists again at once. */
  relist(): void {
    this.#relist.abort();
  }

  /** Until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let version: string | undefined;
    const turn = this.#options.watches.join(this.#options.api.server, () => this.#renew.abort());
    while (!signal.aborted) {
      if (this.#relist.signal.aborted) {
        this.#relist = new AbortController();
        version = undefined;
      }
      const from = version;
      version = await withAny([signal, this.#relist.signal], (until) => this.#step(from, turn, until));
    }
    turn.leave();
  }

  /** Lists, or watches from `version`: where to watch next; undefined: to be listed. */
  async #step(version: string | undefined, turn: WatchTurn, until: AbortSignal): Promise<string | undefined> {
    if (version === undefined) {
      const listed = await this.#list(until);
      if (listed.ok) this.#well();
      else await this.#failed(listed.failure, until);
      return listed.ok ? listed.value : undefined;
    }
    this.#renew = new AbortController();
    const watched = await withAny([until, this.#renew.signal], (ends) => this.#watch(version, turn, ends));
    if (watched.failure !== undefined) await this.#failed(watched.failure, until);
    return watched.version;
  }

  async #list(signal: AbortSignal): Promise<Result<string>> {
    const { api, resource, at, fieldSelector } = this.#options;
    const left = new Set(this.#known.keys());
    let from: string | undefined;
    for (;;) {
      const page = await api.list<T>(resource, at, { limit: PAGE_OBJECTS, continue: from, fieldSelector }, signal);
      if (!page.ok) return page;
      for (const object of page.value.items) {
        left.delete(keyOf(object));
        this.#take(object);
      }
      from = page.value.continue;
      if (from === undefined) {
        for (const key of left) this.#drop(key);
        this.#options.onSynced();
        return { ok: true, value: page.value.resourceVersion };
      }
    }
  }

  /** `version`: where the next watch continues; undefined where only a list helps. */
  async #watch(
    from: string,
    turn: WatchTurn,
    signal: AbortSignal,
  ): Promise<{ version: string | undefined; failure?: ApiFailure }> {
    const { api, resource, at, fieldSelector, clock } = this.#options;
    let version = from;
    let opened = false;
    const startedMs = clock.monotonicMs();
    const onEvent = ({ type, object }: WatchEvent<T>) => {
      version = object.metadata.resourceVersion ?? version;
      if (type === "DELETED") this.#drop(keyOf(object));
      else if (type !== "BOOKMARK") this.#take(object);
    };
    const onOpen = () => {
      opened = true;
      this.#well();
      turn.opened(this.#brokenMs);
      this.#brokenMs = undefined;
    };
    const ended = await api.watch<T>(
      resource,
      at,
      { resourceVersion: from, timeoutSeconds: turn.begin(), deafAfterMs: DEAF_AFTER_MS, fieldSelector },
      { onOpen, onEvent },
      signal,
    );
    const kind = ended.ok ? "aborted" : ended.failure.kind;
    if (kind === "network") this.#brokenMs ??= clock.monotonicMs();
    turn.ended(kind !== "aborted" && !(kind === "network" && opened));
    if (ended.ok) {
      // A server that ends each watch at once is not asked without a pause.
      if (clock.monotonicMs() - startedMs < 1_000) await clock.sleep(FIRST_BACKOFF_MS, signal);
      return { version };
    }
    const { failure } = ended;
    // A watch that ran and broke off is not a failure yet: whether the server is away shows at the next attempt.
    if (opened && failure.kind === "network") return { version };
    const useless = RELIST.has(failure.kind) || (failure.kind === "server" && this.#failures >= WATCHES_REFUSED);
    return { version: useless ? undefined : version, failure };
  }

  #take(object: T): void {
    const { uid, resourceVersion } = object.metadata;
    const key = keyOf(object);
    const version = `${uid} ${resourceVersion}`;
    if (this.#known.get(key) === version) return;
    this.#known.set(key, version);
    this.#options.onChange(key, object);
  }

  #drop(key: string): void {
    if (this.#known.delete(key)) this.#options.onChange(key, undefined);
  }

  #well(): void {
    this.#failures = 0;
    if (this.#failing === undefined) return;
    this.#failing = undefined;
    this.#options.onFailure(undefined);
  }

  async #failed(failure: ApiFailure, signal: AbortSignal): Promise<void> {
    if (failure.kind === "aborted") return;
    this.#failures++;
    // 410 is how the server asks for a list: no trouble unless it comes again.
    const told = `${failure.kind} ${failure.message}`;
    if (this.#failing !== told && (failure.kind !== "gone" || this.#failures > 1)) {
      this.#failing = told;
      this.#options.onFailure(failure);
    }
    const { clock, random } = this.#options;
    const longest =
      failure.kind === "forbidden" || failure.kind === "not-found" ? FORBIDDEN_BACKOFF_MS : LONGEST_BACKOFF_MS;
    const backoff = Math.min(longest, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1));
    const asked = Math.min(failure.retryAfterMs ?? 0, LONGEST_WAIT_MS);
    await clock.sleep(Math.max(asked, backoff * (1 - 0.2 * random())), signal);
  }
}

/** A server whose etcd was restored from a backup says 504 to a version that is ahead of it. */
const WATCHES_REFUSED = 3;

/** The version we have is not usable, or the server has forgotten it. */
const RELIST: ReadonlySet<ApiFailure["kind"]> = new Set(["gone", "invalid", "malformed", "not-found", "conflict"]);
