// The real agent: every room with its real ports. `run` and `demo` both start it here.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createAdmin } from "../admin/server.ts";
import type { Settings } from "../config/settings.ts";
import { DeadLetters } from "../deadletter/folder.ts";
import { Supervisor } from "../exporter/supervisor.ts";
import { diagnose } from "../http/diagnose.ts";
import type { HttpClient } from "../http/http.ts";
import { systemClock } from "../platform/clock.ts";
import { createLog, type Log } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import type { LoadResult } from "../policy/policy.ts";
import { LOOK_EVERY_MS } from "../policy/watch.ts";
import { audit } from "../reading/auditor.ts";
import { Readers } from "../reading/readers.ts";
import { SourcePort } from "../reading/source-port.ts";
import { openStateStore, StateDirError } from "../state/store.ts";
import type { Actions } from "../status/actions.ts";
import type { ProblemInfo } from "../status/events.ts";
import { logLine, summaryLine } from "../status/loglines.ts";
import { changedReports } from "../status/reported.ts";
import { StatusStore } from "../status/store.ts";
import { version } from "../version.ts";
import { agentActions } from "./actions.ts";
import { gatherEvidence } from "./evidence.ts";
import { CONNECT_MS, httpClientsOf } from "./http-clients.ts";
import { planner, specHash } from "./plan.ts";
import { type PolicyFiles, policyFiles } from "./policyfiles.ts";
import { type QueryRules, queryRules } from "./querycheck.ts";
import { replayCommandLine } from "./replay/line.ts";
import { StartError } from "./start-error.ts";

export type Agent = {
  store: StatusStore;
  /** Loads the policies again. */
  reload(): void;
  actions: Actions;
  /** Drains, saves, ends. */
  stop(): Promise<void>;
  /** Ends at once: cursors of what is settled are saved. */
  abort(): void;
};

export type AgentOptions = {
  settings: Settings & { sourceUrl: string };
  /** Policies from somewhere else than files (the demo). */
  load?: () => LoadResult;
  /** Where log lines go; undefined: nowhere (the TUI shows them). */
  writeLog: ((line: string) => void) | undefined;
  logFormat: "text" | "json";
};

const SUMMARY_EVERY_MS = 60_000;
const TICK_MS = 1_000;
const PRUNE_EVERY_MS = 600_000;
/** An answer that trickles must not hold one of the few places for queries for ever. */
const READ_MS = 300_000;

export async function startAgent({ settings, load, writeLog, logFormat }: AgentOptions): Promise<Agent> {
  const clock = systemClock;
  const rules = queryRules(settings);
  const store = new StatusStore();
  const dispatch = store.dispatch.bind(store);
  const log: Log = createLog({ format: logFormat, level: settings.logLevel, write: writeLog ?? (() => {}) });
  store.subscribe((event, before, after) => {
    const line = logLine(event, before, after);
    if (line !== undefined) log.write(event.at, line.level, line.text, line.fields);
    if (event.type !== "policies-loaded") return;
    // A warning is said once; a problem at each load, until it is mended.
    const said = new Set(before.problems.map(placed));
    for (const p of event.problems.filter((p) => p.severity === "problem" || !said.has(placed(p))))
      log.write(event.at, p.severity === "problem" ? "error" : p.severity === "warning" ? "warn" : "debug", placed(p));
  });

  const actions = agentActions(
    store,
    () => reload(),
    (id, action) => supervisor.act(id, action),
  );
  gatherEvidence(store, clock, diagnose);
  const admin = await createAdmin({
    listen: settings.listen,
    store,
    host: hostname(),
    ...(settings.adminTokenFile === undefined ? {} : { token: tokenIn(settings.adminTokenFile) }),
    actions,
    allowActions: settings.allowActions,
    tableSeries: () => source.series,
    eventsFrom: Math.floor(clock.now()) * 1000,
  });
  if (!admin.ok) throw new StartError(admin.message);
  const state = openState(settings.stateDir, dispatch);
  store.subscribe((_, before, after) => {
    for (const { id, conditions } of changedReports(before, after)) state.saveConditions(id, conditions);
  });
  const clients = httpClientsOf(settings, process.env, (level, message) =>
    dispatch({ type: "notice", at: clock.now(), level, message }),
  );
  const source = openSource(settings, rules, clients.source, dispatch);
  const letters = deadLetters(settings, dispatch);
  const readers: Readers = new Readers(
    {
      maxQueries: settings.maxSourceQueries,
      maxBufferedSamples: settings.maxBufferedSamples,
    },
    {
      clock,
      dispatch,
      sourceNow: () => source.now(),
      probe: (signal) => source.probe(signal),
      readWindow: (...read) => source.readWindow(...read),
      newMemory: (query, floor) => source.newMemory(query, floor),
    },
  );
  const supervisor = new Supervisor(
    {
      clock,
      random: systemRandom,
      dispatch,
      store: state,
      ...(letters === undefined
        ? {}
        : { keep: (sink, { reason, message, spans }) => letters.keep({ sink, reason, message, spans }) }),
      readers,
      plan: planner(settings, clients.sink, clock, rules),
      specHash,
      newMemory: (query, blob, floor) =>
        blob === undefined ? source.newMemory(query, floor) : source.restore(query, blob, floor),
    },
    settings.drainTimeout,
  );

  const policies = load === undefined ? policyFiles(settings, rules.check) : undefined;
  dispatch({
    type: "agent-started",
    at: clock.now(),
    version,
    sourceUrl: safeUrl(settings.sourceUrl),
    stateDir: settings.stateDir,
    listen: admin.address,
    actions: settings.allowActions,
  });
  const reload = (): void => supervisor.apply(load?.() ?? policies!.load());
  reload();

  const ended = new AbortController();
  const auditing = audit(
    settings.auditInterval,
    {
      clock,
      dispatch,
      sourceNow: () => source.now(),
      positions: () => readers.positions(),
      count: (query, stretch) => readers.aside((signal) => source.count(query, stretch, signal)),
      remedy: (member, stretch) => replayCommandLine(settings, member, stretch),
    },
    ended.signal,
  );
  const pruning = letters && prune(letters, ended.signal);
  const ticking = tick(dispatch, ended.signal);
  const watching = policies && watch(policies, reload, ended.signal);
  const summing = summarize(store, log, ended.signal);
  const end = async (cleanly: boolean) => {
    ended.abort();
    await Promise.all([ticking, summing, watching, pruning, auditing]);
    state.close(cleanly);
    await Promise.all([admin.close(), clients.source.close()]);
  };
  return {
    store,
    reload,
    actions,
    async stop() {
      const say = (message: string) => dispatch({ type: "notice", at: clock.now(), level: "info", message });
      say("outflow stops: nothing more is read, what is in memory gets one last attempt.");
      const cleanly = await supervisor.shutdown();
      say(
        cleanly
          ? "outflow has stopped; everything that was read is settled."
          : "outflow has stopped; what was given back unsent is read again at the next start.",
      );
      await end(cleanly);
    },
    abort: () => state.close(false),
  };
}

const placed = (p: ProblemInfo): string =>
  `${p.file}:${p.line}:${p.column}: ${p.path === "" ? "" : `${p.path}: `}${p.message}`;

export const openSource = (
  settings: Settings & { sourceUrl: string },
  rules: QueryRules,
  http: HttpClient,
  dispatch: StatusStore["dispatch"],
): SourcePort =>
  new SourcePort(
    {
      url: settings.sourceUrl,
      kind: settings.sourceKind,
      headers: { "user-agent": `outflow/${version}` },
      timeouts: { connectMs: CONNECT_MS, firstByteMs: 30_000, idleMs: 30_000, totalMs: READ_MS },
      maxWindowSamples: settings.maxWindowSamples,
      allowPartial: settings.allowPartial,
      auditMs: settings.auditInterval,
      extraFilters: rules.extraFilters,
    },
    { clock: systemClock, random: systemRandom, http, dispatch },
  );

/** Read at each request, so that a token that is replaced needs no restart; the last good one where it cannot be read. */
function tokenIn(file: string): () => string {
  const read = () => readFileSync(file, "utf8").trim();
  let token: string;
  try {
    token = read();
  } catch (error) {
    throw new StartError(`cannot read --admin-token-file ${file} (${(error as { code?: string }).code}).`);
  }
  if (token.length < 8 || /\s/.test(token))
    throw new StartError(`--admin-token-file ${file}: must hold one token of at least 8 characters on one line.`);
  return () => {
    try {
      token = read() || token;
    } catch {
      // it is being replaced
    }
    return token;
  };
}

function openState(dir: string, dispatch: StatusStore["dispatch"]) {
  try {
    return openStateStore(dir, systemClock, (trouble) =>
      dispatch({ type: "state-store", at: systemClock.now(), ...trouble }),
    );
  } catch (error) {
    if (error instanceof StateDirError)
      throw new StartError(`cannot use the state directory ${dir}: ${error.message}. Choose another with --state-dir.`);
    throw error;
  }
}

function deadLetters(settings: Settings, dispatch: StatusStore["dispatch"]): DeadLetters | undefined {
  const { deadLetterDir: dir, deadLetterMaxSize: maxBytes, deadLetterMaxAge: maxAgeMs } = settings;
  if (dir === undefined) return undefined;
  return new DeadLetters(
    { dir, maxBytes, maxAgeMs },
    {
      clock: systemClock,
      tell: (level, message) => dispatch({ type: "notice", at: systemClock.now(), level, message }),
    },
  );
}

async function prune(letters: DeadLetters, signal: AbortSignal): Promise<void> {
  do letters.prune();
  while (await systemClock.sleep(PRUNE_EVERY_MS, signal));
}

async function watch(policies: PolicyFiles, reload: () => void, signal: AbortSignal): Promise<void> {
  while (await systemClock.sleep(LOOK_EVERY_MS, signal)) if (policies.due()) reload();
}

async function tick(dispatch: StatusStore["dispatch"], signal: AbortSignal): Promise<void> {
  while (await systemClock.sleep(TICK_MS, signal)) dispatch({ type: "tick", at: systemClock.now() });
}

async function summarize(store: StatusStore, log: Log, signal: AbortSignal): Promise<void> {
  let delivered = 0;
  while (await systemClock.sleep(SUMMARY_EVERY_MS, signal)) {
    const summary = summaryLine(store.snapshot, delivered);
    delivered = summary.delivered;
    log.write(systemClock.now(), summary.line.level, summary.line.text);
  }
}

/** Without user info; query values hidden. */
export function safeUrl(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  for (const key of url.searchParams.keys()) url.searchParams.set(key, "…");
  return url.href;
}
