// The agent, assembled along its path. Data goes one way:
//
//   policy → window → frame → batch → request → status → screen
//
// policy    files → policies → for each sink a plan (policyfiles, plan)
// window    the supervisor runs one exporter for each sink; readers say which window of which source is due (exporter, reading)
// frame     the source is asked for the window, the answer becomes columns (source port)
// batch     the exporter puts frames into the sink's open batch; full ones go to its delivery (batch, delivery)
// request   the plan's sender encodes a batch and posts it; the judged response settles it, and the cursor moves (remotewrite, state)
// status    each of them dispatches events; reduce() makes the one snapshot (status)
// screen    log, admin API and terminal UI read the snapshot (event-log, admin, screen)
//
// Start: prepare() does everything that can fail; then the stages are made, which cannot; the admin port comes last, so whoever
// sees it open sees an agent that runs.
//
// Shutdown, in this order:
//   1. In a fleet the shards are handed over: their sinks are drained as in 2, their cursors written, and others continue them.
//   2. Nothing more is read. Each batch in memory gets one last attempt, within --drain-timeout; the rest is given back unsent.
//   3. What runs beside the path ends: tick, summary, audit, edits of policies, pruning.
//   4. The state is saved and closed: nothing can move a cursor any more.
//   5. The admin port and the connections to the source close: until then /metrics and /healthz answer.
//   The screen and the log, which belong to `run`, end after that, with everything above on them.
import { hostname } from "node:os";
import { createAdmin } from "../../admin/server.ts";
import type { Settings } from "../../config/settings.ts";
import { breathe } from "../../platform/breathe.ts";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log.ts";
import { systemRandom } from "../../platform/random.ts";
import type { LoadResult } from "../../policy/policy.ts";
import { audit } from "../../reading/auditor.ts";
import type { Actions } from "../../status/actions.ts";
import { changedReports } from "../../status/reported.ts";
import { StatusStore } from "../../status/store.ts";
import { collisionText } from "../../status/text/words.ts";
import { version } from "../../version.ts";
import { replayCommandLine, replayFlags } from "../replay/line.ts";
import { agentActions } from "./actions.ts";
import { lookAtState, prune, reloadOnEdit, summarize, tick } from "./background.ts";
import { logEvents } from "./event-log.ts";
import { gatherEvidence } from "./evidence.ts";
import { openPath } from "./path.ts";
import { planner } from "./plan.ts";
import { policyFiles } from "./policyfiles.ts";
import { prepare } from "./prepare.ts";
import { safeUrl } from "./safe-url.ts";
import { openSource } from "./source.ts";
import { StartError } from "./start-error.ts";
import { Stepwise } from "./stepwise.ts";

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

/** At the end what is to be reported to the API server is written within this. */
const LAST_REPORTS_MS = 2_000;

/** Throws StartError; then nothing is left open. */
export async function startAgent({ settings, load, writeLog, logFormat }: AgentOptions): Promise<Agent> {
  const clock = systemClock;
  const store = new StatusStore();
  const dispatch = store.dispatch.bind(store);
  const log = createLog({ format: logFormat, level: settings.logLevel, write: writeLog ?? (() => {}) });
  logEvents(store, log);
  const prepared = await prepare(settings, dispatch);
  const { rules, clients, letters, state } = prepared;

  // policy: in a fleet those that this agent owns run
  const fleet =
    prepared.register && new (await import("./fleet.ts")).FleetAgent(settings, prepared.register, state, store, clock);
  const steps = new Stepwise((loaded) => supervisor.apply(loaded), breathe);
  const apply = (loaded: LoadResult): Promise<void> => (fleet ?? steps).apply(loaded);
  const cluster =
    prepared.kube && (await import("./cluster.ts")).openCluster(settings, rules, prepared.kube, store, apply);
  const policies = load === undefined && cluster === undefined ? policyFiles(settings, rules.check, state) : undefined;
  const reload = (): LoadResult | undefined => {
    if (cluster !== undefined) return void cluster.relist();
    const loaded = load?.() ?? policies!.load();
    void apply(loaded);
    return loaded;
  };

  // window, frame, batch, request (path.ts): in a fleet only while this agent owns the policy
  const source = openSource(settings, clients.source, dispatch, clock, state.seed);
  const plan = planner(settings, clients.sink, clock, rules);
  const { readers, supervisor } = openPath(settings, {
    clock,
    random: systemRandom,
    dispatch,
    source,
    store: fleet?.store ?? state,
    ...(letters === undefined
      ? {}
      : { keep: (sink, { reason, message, spans }) => letters.keep({ sink, reason, message, spans }) }),
    ...(cluster === undefined ? {} : { reported: (id) => cluster.reported(id) }),
    plan: fleet === undefined ? plan : (...sink) => fleet.fenced(plan(...sink)),
  });

  // status: what sinks report survives a restart; failing connections are looked at more closely
  store.subscribe((event, before, after) => {
    const reports = changedReports(before, after);
    for (const { id, conditions } of reports) state.saveConditions(id, conditions);
    cluster?.reports(reports.map(({ id }) => id));
    cluster?.observe(event, before, after);
  });
  if (letters !== undefined)
    store.subscribe((event) => {
      if (event.type !== "window-read" || event.collisions === undefined) return;
      const named = event.collisions.map(({ lost, kept }) => ({ lost, message: collisionText(lost, kept) }));
      letters.name(event.id, "name_collision", named);
    });
  gatherEvidence(store, clock, clients.look);

  // screen: the admin port; the terminal UI is added by `run`
  const actions = agentActions(store, reload, (id, action) => supervisor.act(id, action));
  const admin = await createAdmin({
    listen: settings.listen,
    store,
    host: hostname(),
    ...(prepared.token === undefined ? {} : { token: prepared.token }),
    actions,
    allowActions: settings.allowActions,
    tableSeries: () => source.series,
    apiRequests: () => prepared.kube?.requests.all() ?? [],
    eventsFrom: Math.floor(clock.now()) * 1000,
  });
  if (!admin.ok) {
    await prepared.close();
    throw new StartError(admin.message);
  }
  dispatch({
    type: "agent-started",
    at: clock.now(),
    version,
    sourceUrl: safeUrl(settings.sourceUrl),
    replayFlags: replayFlags(settings),
    stateDir: settings.stateDir,
    listen: admin.address,
    actions: settings.allowActions,
    pollMs: settings.pollInterval,
  });
  if (cluster === undefined) reload();
  fleet?.start(supervisor, steps);

  const ended = new AbortController();
  const beside = [
    tick(clock, store, ended.signal),
    summarize(clock, store, log, ended.signal),
    lookAtState(clock, state, ended.signal),
    audit(
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
    ),
    ...(cluster ? [cluster.run(ended.signal, LAST_REPORTS_MS)] : []),
    ...(policies ? [reloadOnEdit(clock, policies, reload, ended.signal)] : []),
    ...(letters ? [prune(clock, letters, ended.signal)] : []),
  ];

  return {
    store,
    reload,
    actions,
    async stop() {
      const say = (message: string) => dispatch({ type: "notice", at: clock.now(), level: "info", message });
      say("outflow is stopping: reading has ended, batches in memory get one last attempt.");
      await fleet?.stop();
      const cleanly = await supervisor.shutdown();
      say(
        cleanly
          ? "outflow has stopped; everything that was read is settled."
          : "outflow has stopped; samples that were returned unsent are read again at the next start.",
      );
      ended.abort();
      await Promise.all(beside);
      state.close(cleanly);
      await Promise.all([admin.close(), clients.source.close(), prepared.kube?.close()]);
    },
    abort: () => state.close(false),
  };
}
