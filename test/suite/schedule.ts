// Which test file starts next. Some compute all the time, some wait for real servers nearly all the time: as many run side by side as
// the processors have room for, the longest first, so that the end is not spent waiting for one of them.

/** `cores`: how many processors it keeps busy while it runs, on average. */
export type Job = { file: string; seconds: number; cores: number };

/** By file, as measured: seconds of wall clock, and of processor time of it and its children. */
export type Times = Record<string, [wall: number, cpu: number]>;

/** Files that nobody has measured are taken for short ones that compute. */
const UNKNOWN: Job = { file: "", seconds: 2, cores: 1 };
/** Each has a runner of 100 MB and more, and servers; most of them wait. With five, one whole run of two had a failure. */
const MOST_A_CORE = 3;
/** Of what a processor gives: waiting is not spread evenly, and one that stands still is lost. */
export const PROMISED = 1.25;

export function jobsOf(files: readonly string[], times: Times): Job[] {
  const jobs = files.map((file): Job => {
    const measured = times[file];
    if (measured === undefined) return { ...UNKNOWN, file };
    const [wall, cpu] = measured;
    return { file, seconds: wall, cores: Math.max(0.05, cpu / Math.max(wall, 0.001)) };
  });
  return jobs.sort((a, b) => b.seconds - a.seconds);
}

/** What a file keeps busy while it starts: its runner is loaded, and so are its servers. */
const STARTING = { cores: 0.6, seconds: 5 };

/** As much as `job` has to be counted for, so long after its start. */
export const countedAs = (job: Job, seconds: number): Job =>
  seconds < STARTING.seconds ? { ...job, cores: Math.max(job.cores, STARTING.cores) } : job;

/** The next of `waiting` (longest first) to start beside those that run; undefined: when one of these has ended. */
export function next(waiting: readonly Job[], running: readonly Job[], cores: number): Job | undefined {
  if (running.length === 0) return waiting[0];
  if (running.length >= MOST_A_CORE * cores) return undefined;
  const free = PROMISED * cores - running.reduce((sum, job) => sum + job.cores, 0);
  return waiting.find((job) => job.cores <= free);
}
